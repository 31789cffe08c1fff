import { read } from 'node:fs'
import { inflateRawSync } from 'node:zlib'
import type { Content } from '../domain/sample.ts'
import { Unscanned, type UnscannedReason } from '../domain/verdict.ts'
import { type Coding, codingNamed } from './decode-engine.ts'
import { DecodeStage, gzipHeaderBytes } from './decode-stage.ts'

export interface DecodeLimits {
  /** Layers of Content-Encoding; more is too-deep. */
  readonly maxLayers: number
  /** Bytes that may come out of any layer; more is a bomb. */
  readonly maxBytes: number
  /** Decoded bytes per encoded byte, looked at only beyond `ratioFreeBytes`: short repetitive pages compress well and are no bombs. */
  readonly maxRatio: number
  readonly ratioFreeBytes: number
  readonly maxMs: number
}

export const DECODE_LIMITS: DecodeLimits = {
  maxLayers: 4,
  maxBytes: 2 * 1024 * 1024 * 1024,
  maxRatio: 250,
  ratioFreeBytes: 16 * 1024 * 1024,
  maxMs: 30_000,
}

export interface DecodeOutcome {
  /** The layers removed (or begun), outermost first. */
  readonly layers: readonly string[]
  /** Why the whole was not decoded; what came out before was written all the same. */
  readonly unscanned: { readonly reason: UnscannedReason; readonly detail: string } | undefined
}

/** Takes decoded bytes; a promise holds the decoder back. */
export type DecodedSink = (chunk: Buffer) => void | Promise<void>

/** Below this a gzip or raw deflate body is inflated in one call: a stream costs more than the work. */
const ONE_CALL_BYTES = 64 * 1024
const ONE_CALL_OUTPUT = 256 * 1024
const READ_BYTES = 64 * 1024

/**
 * Removes HTTP content codings (RFC 9110 8.4) for the scan: gzip, x-gzip, deflate (zlib or raw), br, zstd, stacked.
 * `encodings` stand in the order applied, lower case. Several gzip members or zstd frames count as one body; what follows
 * that is no member is malformed. Never throws: every failure is in the outcome.
 */
export function decodeContent(
  content: Content,
  encodings: readonly string[],
  write: DecodedSink,
  cancel: { readonly signal: AbortSignal },
  limits: DecodeLimits = DECODE_LIMITS,
): DecodeOutcome | Promise<DecodeOutcome> {
  const outermostFirst = encodings.toReversed()
  if (outermostFirst.length > limits.maxLayers)
    return stopped([], 'too-deep', `${outermostFirst.length} content encodings`)
  const codings = outermostFirst.map(codingNamed)
  const unknown = codings.indexOf(undefined)
  const known = (unknown < 0 ? codings : codings.slice(0, unknown)).filter((coding) => coding !== undefined)
  const layers = outermostFirst.slice(0, known.length)
  const missing =
    unknown < 0 ? undefined : `content encoding ${JSON.stringify(outermostFirst[unknown]?.slice(0, 32))} is not known`
  if (known.length === 0) return stopped([], 'not-unpacked', missing ?? 'no content encoding')
  if (sizeOf(content) === 0) return { layers, unscanned: undefined } // an empty body is empty in every coding that clients meet
  const quick = missing === undefined ? inOneCall(content, known) : undefined
  if (quick !== undefined) return written(write(quick), layers)
  return inStream({ content, codings: known, layers, write, cancel, limits, missing })
}

function stopped(layers: readonly string[], reason: UnscannedReason, detail: string): DecodeOutcome {
  return { layers, unscanned: { reason, detail } }
}

function written(done: void | Promise<void>, layers: readonly string[]): DecodeOutcome | Promise<DecodeOutcome> {
  const outcome = { layers, unscanned: undefined }
  return done instanceof Promise ? done.then(() => outcome) : outcome
}

function sizeOf(content: Content): number {
  return content.kind === 'memory' ? content.bytes.length : content.size
}

/** A small gzip body of one sound member; undefined where it is anything else, which the stream then finds out. */
function inOneCall(content: Content, codings: readonly Coding[]): Buffer | undefined {
  if (content.kind !== 'memory' || codings.length !== 1 || codings[0] !== 'gzip') return undefined
  const { bytes } = content
  const start = bytes.length <= ONE_CALL_BYTES ? gzipHeaderBytes(bytes) : undefined
  if (typeof start !== 'number') return undefined
  try {
    const result = inflateRawSync(bytes.subarray(start), { info: true, maxOutputLength: ONE_CALL_OUTPUT })
    const { buffer, engine } = result as unknown as { buffer: Buffer; engine: { bytesWritten: number } }
    return start + engine.bytesWritten + 8 === bytes.length ? buffer : undefined
  } catch {
    return undefined // damaged or too large for one call: decoded again as a stream, which keeps what it can
  }
}

interface Job {
  readonly content: Content
  readonly codings: readonly Coding[]
  readonly layers: readonly string[]
  readonly write: DecodedSink
  readonly cancel: { readonly signal: AbortSignal }
  readonly limits: DecodeLimits
  /** Set where an inner layer is unknown: the outer ones are decoded all the same. */
  readonly missing: string | undefined
}

async function inStream(job: Job): Promise<DecodeOutcome> {
  const budget = new Budget(sizeOf(job.content), job.limits)
  const stages: DecodeStage[] = []
  let sink = job.write
  for (const coding of job.codings.toReversed()) {
    const stage = new DecodeStage(coding, counted(sink, budget))
    stages.unshift(stage)
    sink = (chunk) => stage.write(chunk)
  }
  try {
    await pump(job, stages, sink, budget)
    return job.missing === undefined
      ? { layers: job.layers, unscanned: undefined }
      : stopped(job.layers, 'not-unpacked', job.missing)
  } catch (error) {
    if (error instanceof Unscanned) return stopped(job.layers, error.reason, error.message)
    return stopped(job.layers, 'engine-down', `decoder: ${error instanceof Error ? error.message : 'failed'}`)
  } finally {
    for (const stage of stages) stage.close()
  }
}

async function pump(job: Job, stages: readonly DecodeStage[], first: DecodedSink, budget: Budget): Promise<void> {
  let fault: unknown
  try {
    for await (const chunk of contentChunks(job.content)) {
      if (job.cancel.signal.aborted) throw new Unscanned('timeout', 'the client went away')
      budget.checkTime()
      await first(chunk)
    }
  } catch (error) {
    fault = error
  }
  // Damage in an outer layer must not keep back what the inner ones still hold.
  for (const stage of stages) {
    try {
      await stage.end()
    } catch (error) {
      fault ??= error
    }
  }
  if (fault !== undefined) throw fault
}

function counted(sink: DecodedSink, budget: Budget): DecodedSink {
  let bytes = 0
  return (chunk) => {
    bytes += chunk.length
    budget.checkBytes(bytes)
    return sink(chunk)
  }
}

/** What decoding one body may cost. */
class Budget {
  readonly #encodedBytes: number
  readonly #limits: DecodeLimits
  readonly #endMs: number

  constructor(encodedBytes: number, limits: DecodeLimits) {
    this.#encodedBytes = encodedBytes
    this.#limits = limits
    this.#endMs = performance.now() + limits.maxMs
  }

  checkBytes(bytes: number): void {
    const { maxBytes, maxRatio, ratioFreeBytes } = this.#limits
    if (bytes > maxBytes) throw new Unscanned('bomb', `decodes to more than ${maxBytes} bytes`)
    if (bytes > ratioFreeBytes && bytes > this.#encodedBytes * maxRatio)
      throw new Unscanned('bomb', `decodes to more than ${maxRatio} times its size`)
    this.checkTime()
  }

  checkTime(): void {
    if (performance.now() > this.#endMs)
      throw new Unscanned('timeout', `decoding took more than ${this.#limits.maxMs} ms`)
  }
}

async function* contentChunks(content: Content): AsyncGenerator<Buffer> {
  if (content.kind === 'memory') {
    for (let at = 0; at < content.bytes.length; at += READ_BYTES) yield content.bytes.subarray(at, at + READ_BYTES)
    return
  }
  let position = 0
  while (position < content.size) {
    const bytes = await readAt(content.fd, position, Math.min(READ_BYTES, content.size - position))
    if (bytes.length === 0) throw new Error('spool file is shorter than what was written')
    position += bytes.length
    yield bytes
  }
}

function readAt(fd: number, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length)
  return new Promise((resolve, reject) => {
    read(fd, buffer, 0, length, position, (error, bytes) =>
      error ? reject(error) : resolve(buffer.subarray(0, bytes)),
    )
  })
}
