import { createInflate, createInflateRaw, inflateRawSync, inflateSync, constants as zlib } from 'node:zlib'
import { Unscanned } from '../../domain/verdict.ts'
import { decodeLzw } from './pdf-lzw.ts'
import { undoPredictor } from './pdf-predictor.ts'
import { PdfDict, PdfName, type PdfValue } from './pdf-values.ts'

export interface Decoded {
  readonly bytes: Buffer
  /** Pictures stay packed: DCT, JPX, CCITT, JBIG2, or a filter that nobody knows. */
  readonly left: string | undefined
  /** Not all of it could be decoded: what came is here. */
  readonly damage: string | undefined
}

interface Step {
  readonly filter: string
  readonly parms: PdfDict | undefined
}

export interface DecodeLimits {
  readonly maxBytes: number
  spend(bytes: number): void
}

/** A chain that is longer is a bomb or a hiding place; readers take any length. */
const MAX_FILTERS = 16
/** Abbreviations of inline pictures (ISO 32000-1 table 94) are taken in streams too by readers. */
const NAMES: Readonly<Record<string, string>> = {
  Fl: 'FlateDecode',
  LZW: 'LZWDecode',
  A85: 'ASCII85Decode',
  AHx: 'ASCIIHexDecode',
  RL: 'RunLengthDecode',
  DCT: 'DCTDecode',
  CCF: 'CCITTFaxDecode',
}

/** The filters of a stream, outermost first (ISO 32000-1 7.3.8.2). `resolve` follows references. */
export function filterChain(dict: PdfDict, resolve: (value: PdfValue | undefined) => PdfValue | undefined): Step[] {
  const filters = listOf(resolve(dict.get('Filter') ?? dict.get('F')))
  const parms = listOf(resolve(dict.get('DecodeParms') ?? dict.get('DP')))
  return filters.slice(0, MAX_FILTERS + 1).flatMap((value, i) => {
    const name = resolve(value)
    const parm = resolve(parms[i])
    if (!(name instanceof PdfName)) return []
    return [{ filter: NAMES[name.text] ?? name.text, parms: parm instanceof PdfDict ? parm : undefined }]
  })
}

function listOf(value: PdfValue | undefined): readonly PdfValue[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value : [value as PdfValue]
}

/** Undoes the chain as far as it can be. Throws Unscanned('bomb') when it grows past the limits. */
export async function decodeChain(bytes: Buffer, steps: readonly Step[], limits: DecodeLimits): Promise<Decoded> {
  if (steps.length > MAX_FILTERS) throw new Unscanned('bomb', `a stream with ${steps.length} filters`)
  let now = bytes
  let damage: string | undefined
  for (const [index, step] of steps.entries()) {
    if (index > 0) limits.spend(now.length)
    const next = await applyFilter(now, step, limits.maxBytes)
    if (next === undefined) return { bytes: now, left: step.filter, damage }
    now = next.bytes
    damage ??= next.damage
  }
  return { bytes: now, left: undefined, damage }
}

interface Outcome {
  readonly bytes: Buffer
  readonly damage: string | undefined
}

async function applyFilter(bytes: Buffer, { filter, parms }: Step, max: number): Promise<Outcome | undefined> {
  switch (filter) {
    case 'FlateDecode': {
      const out = await inflate(bytes, max)
      return { ...out, bytes: undoPredictor(out.bytes, parms) }
    }
    case 'LZWDecode':
      return sound(undoPredictor(decodeLzw(bytes, parms?.number('EarlyChange') !== 0, max), parms))
    case 'ASCII85Decode':
      return sound(decodeAscii85(bytes))
    case 'ASCIIHexDecode':
      return sound(decodeAsciiHex(bytes))
    case 'RunLengthDecode':
      return sound(decodeRunLength(bytes, max))
    case 'Crypt': // undone with the encryption
      return sound(bytes)
    default:
      return undefined
  }
}

function sound(bytes: Buffer): Outcome {
  return { bytes, damage: undefined }
}

async function inflate(bytes: Buffer, maxOutputLength: number): Promise<Outcome> {
  const options = { finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: Math.max(1, maxOutputLength) }
  try {
    return sound(inflateSync(bytes, options))
  } catch (error) {
    if (isTooLong(error)) throw new Unscanned('bomb', 'a PDF stream inflates past the budget', { cause: error })
  }
  try {
    // Readers do not look at the zlib head and checksum.
    const raw = inflateRawSync(bytes.subarray(2), options)
    if (raw.length > 0) return sound(raw)
  } catch (error) {
    if (isTooLong(error)) throw new Unscanned('bomb', 'a PDF stream inflates past the budget', { cause: error })
  }
  return { bytes: await inflatePart(bytes, maxOutputLength), damage: 'a deflate stream is damaged' }
}

function isTooLong(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
}

/** What stands before the damage: only the streaming interface gives it. */
function inflatePart(bytes: Buffer, max: number): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  const pieces: Buffer[] = []
  let total = 0
  const isZlib = bytes.length > 1 && ((bytes[0] as number) & 0x0f) === 8 && bytes.readUInt16BE(0) % 31 === 0
  const engine = isZlib ? createInflate() : createInflateRaw()
  const done = () => resolve(Buffer.concat(pieces))
  engine.on('data', (piece: Buffer) => {
    total += piece.length
    if (total > max) engine.destroy()
    else pieces.push(piece)
  })
  engine.on('end', done).on('error', done).on('close', done)
  engine.end(bytes)
  return promise
}

function decodeAsciiHex(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0x3e)
  const digits = bytes.toString('latin1', 0, end < 0 ? bytes.length : end).replace(/[^0-9a-f]+/gi, '')
  return Buffer.from(digits.length % 2 ? `${digits}0` : digits, 'hex')
}

function decodeAscii85(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(bytes.length * 4 + 4)
  const group: number[] = []
  let length = 0
  let at = bytes[0] === 0x3c && bytes[1] === 0x7e ? 2 : 0
  for (; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (byte === 0x7e) break
    if (byte === 0x7a && group.length === 0) {
      length = out.writeUInt32BE(0, length)
      continue
    }
    if (byte < 0x21 || byte > 0x75) continue
    if (group.push(byte - 0x21) === 5) length = writeGroup(out, length, group.splice(0), 4)
  }
  if (group.length > 1) {
    const whole = group.length - 1
    while (group.length < 5) group.push(84)
    length = writeGroup(out, length, group, whole)
  }
  return out.subarray(0, length)
}

function writeGroup(out: Buffer, at: number, group: readonly number[], bytes: number): number {
  const value = group.reduce((sum, digit) => sum * 85 + digit, 0) % 2 ** 32
  for (let i = 0; i < bytes; i++) out[at + i] = Math.floor(value / 2 ** (24 - 8 * i)) & 0xff
  return at + bytes
}

function decodeRunLength(bytes: Buffer, max: number): Buffer {
  const pieces: Buffer[] = []
  let total = 0
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at] as number
    if (length === 128) break
    const piece =
      length < 128 ? bytes.subarray(at + 1, at + 2 + length) : Buffer.alloc(257 - length, bytes[at + 1] ?? 0)
    at += length < 128 ? length + 2 : 2
    total += piece.length
    if (total > max) throw new Unscanned('bomb', 'a run-length stream grows past the budget')
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
