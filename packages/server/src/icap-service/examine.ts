import { type Evidence, joinEvidence } from '../domain/evidence.ts'
import type { Content, Sample } from '../domain/sample.ts'
import { type Detection, type ScanResult, Unscanned } from '../domain/verdict.ts'
import type { Cancellable, HandlerDeps, IntakeLimits, PrescanResult, ScannedMember } from './handler-deps.ts'
import { Intake, type TakenBody } from './intake.ts'
import type { Message } from './message.ts'
import type { Ranged } from './range-join.ts'

/** What all engines and lists said of one body. */
export interface Examination {
  readonly results: readonly ScanResult[]
  readonly trueType: string
  readonly cached: boolean
  readonly excluded: boolean
  readonly engines: string
  readonly evidence: Evidence | undefined
}

type ExamineDeps = Pick<HandlerDeps, 'prescan' | 'lists' | 'excluded' | 'decode' | 'spool'>

export interface ExamineInput {
  readonly message: Message
  readonly body: TakenBody
  readonly limits: IntakeLimits
  readonly cancel: Cancellable
  /** Present where the message is a range. */
  readonly range?: Ranged | undefined
}

export const NOT_EXAMINED: Examination = {
  results: [],
  trueType: '',
  cached: false,
  excluded: false,
  engines: '',
  evidence: undefined,
}

/** Never throws: an engine that fails is a result that says so. A promise only where somebody must be waited for. */
export function examine(deps: ExamineDeps, input: ExamineInput): Examination | Promise<Examination> {
  const { message, range } = input
  const faults = transferFaults(message, input.body, range)
  if (range?.state === 'blocked') return { ...NOT_EXAMINED, results: [...faults, blockedRange(range.detections)] }
  const body = range?.state === 'joined' ? range.whole : input.body
  if (body !== input.body && body.unscanned !== undefined) faults.push(unscanned('ranges', body.unscanned))
  const { content } = body
  if (content === undefined) return { ...NOT_EXAMINED, results: faults }
  const sample = sampleOf(message, body, content, faults.some(isPartial))
  return after(isExcluded(deps, sample, message), (excluded) => {
    if (!excluded) return examineAsIs(deps, input, { sample, faults })
    const listed = asked(deps, sample, NO_MEMBERS, message)
    return after(listed, (results) => ({ ...NOT_EXAMINED, results, excluded: true }))
  })
}

/** Goes on at once where the value is there: a turn of promises would cost more than the step before it. */
function after<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** The body as it came, and then without its Content-Encoding. */
function examineAsIs(
  deps: ExamineDeps,
  input: ExamineInput,
  { sample, faults }: { readonly sample: Sample; readonly faults: readonly ScanResult[] },
): Examination | Promise<Examination> {
  const { message } = input
  return after(prescanned(deps, sample, input), ({ results, members = NO_MEMBERS, trueType, cached, ...more }) =>
    after(asked(deps, sample, members, message), (listed) => {
      const { engines = '', evidence } = more
      const all = [...faults, ...results, ...listed]
      const outer = { results: all, trueType, cached, excluded: false, engines, evidence }
      if (message.context.contentEncodings.length === 0) return outer
      return examineDecoded(deps, input, sample.content).then((inner) => ({
        ...inner,
        trueType: inner.trueType || trueType,
        evidence: joinEvidence(evidence, inner.evidence, '(decoded)'),
        results: [...outer.results, ...inner.results],
      }))
    }),
  )
}

/** What is wrong with the transfer itself, before any engine looks (rows R6, R11, Q9). */
export function transferFaults(message: Message, body: TakenBody, range?: Ranged): ScanResult[] {
  const faults: ScanResult[] = []
  const { head } = message
  if (body.unscanned !== undefined) faults.push(unscanned('intake', body.unscanned))
  if (message.range && range?.state !== 'whole' && range?.state !== 'joined')
    faults.push(unscanned('http', { reason: 'partial', detail: rangeText(range) }))
  if (head === undefined) return faults
  if (head.lengthFault)
    faults.push(unscanned('http', { reason: 'malformed', detail: 'Content-Length is contradictory or no number' }))
  const { contentLength } = head
  // RFC 9112 6.3: Transfer-Encoding overrides Content-Length. An endless body was not read to its end, so it cannot be compared.
  const comparable = contentLength !== undefined && !head.transferEncoding && body.unscanned?.reason !== 'endless'
  if (comparable && contentLength !== body.size) {
    faults.push(unscanned('http', { reason: 'partial', detail: `${body.size} of ${contentLength} bytes came` }))
  }
  return faults
}

function rangeText(range: Ranged | undefined): string {
  const text = 'a range of the whole (206 or Content-Range)'
  return range?.state === 'apart' ? `${text}: ${range.why}` : text
}

function blockedRange([first, ...more]: readonly Detection[]): ScanResult {
  if (first === undefined) throw new Error('an object is blocked for something')
  return { outcome: 'detected', engine: 'ranges', detections: [first, ...more] }
}

/** Damage is a reason of its own, and the rest of the bytes is there: only what is known to be missing makes a sample partial. */
function isPartial(fault: ScanResult): boolean {
  return fault.outcome === 'unscanned' && (fault.reason === 'partial' || fault.reason === 'endless')
}

function unscanned(engine: string, { reason, detail }: NonNullable<TakenBody['unscanned']>): ScanResult {
  return { outcome: 'unscanned', engine, reason, detail }
}

function sampleOf(
  message: Message,
  body: TakenBody,
  content: Content,
  partial: boolean,
  decoded: readonly string[] = NO_LAYERS,
): Sample {
  const sample: Writable<Sample> = {
    content,
    size: body.size,
    sha256: body.sha256,
    declaredType: message.context.declaredType,
    fileName: message.context.fileName,
    partial,
    decoded,
  }
  if (body.sha1 !== '') sample.sha1 = body.sha1
  if (body.md5 !== '') sample.md5 = body.md5
  return sample
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

const NO_LAYERS: readonly string[] = []
const NO_MEMBERS: readonly ScannedMember[] = []

/** An exclusion that cannot be decided is none: the body is scanned. */
function isExcluded(deps: ExamineDeps, sample: Sample, message: Message): boolean | Promise<boolean> {
  if (deps.excluded === undefined) return false
  try {
    const excluded = deps.excluded(sample, message.context)
    return excluded instanceof Promise ? excluded.catch(() => false) : excluded
  } catch {
    return false
  }
}

/** Where an engine's exception becomes a value; anything unknown is engine-down, never clean. */
export function failedEngine(engine: string, error: unknown): ScanResult {
  if (error instanceof Unscanned) {
    return { outcome: 'unscanned', engine, reason: error.reason, detail: error.message, detections: error.detections }
  }
  return {
    outcome: 'unscanned',
    engine,
    reason: 'engine-down',
    detail: error instanceof Error ? error.message : String(error),
  }
}

function failedPrescan(error: unknown): PrescanResult {
  return { results: [failedEngine('prescan', error)], trueType: '', cached: false }
}

function prescanned(
  deps: ExamineDeps,
  sample: Sample,
  { message, cancel }: ExamineInput,
): PrescanResult | Promise<PrescanResult> {
  try {
    const result = deps.prescan(sample, message.context, cancel)
    return result instanceof Promise ? result.then(orNobodyLooked, failedPrescan) : orNobodyLooked(result)
  } catch (error) {
    return failedPrescan(error)
  }
}

/** The lists alone must not make a file clean that no content engine looked at. */
function orNobodyLooked(result: PrescanResult): PrescanResult {
  if (result.results.length > 0) return result
  return {
    ...result,
    results: [{ outcome: 'unscanned', engine: 'prescan', reason: 'engine-down', detail: 'no content engine answered' }],
  }
}

function asked(
  deps: ExamineDeps,
  sample: Sample,
  members: readonly ScannedMember[],
  message: Message,
): readonly ScanResult[] | Promise<readonly ScanResult[]> {
  const failed = (error: unknown) => [failedEngine('lists', error)]
  try {
    const results = deps.lists(sample, members, message.context)
    return results instanceof Promise ? results.then(orListsDown, failed) : orListsDown(results)
  } catch (error) {
    return failed(error)
  }
}

function orListsDown(results: readonly ScanResult[]): readonly ScanResult[] {
  if (results.length > 0) return results
  return [{ outcome: 'unscanned', engine: 'lists', reason: 'engine-down', detail: 'lists gave no answer' }]
}

/** The body without its Content-Encoding: what the user's browser will see. Damage is a result; what came out before it is scanned. */
async function examineDecoded(deps: ExamineDeps, input: ExamineInput, content: Content): Promise<Examination> {
  const intake = new Intake(deps.spool, input.limits)
  try {
    const outcome = await deps.decode(
      content,
      input.message.context.contentEncodings,
      (chunk) => intake.write(chunk),
      input.cancel,
    )
    const body = await intake.finish()
    const faults = [outcome.unscanned, body.unscanned].flatMap((fault) =>
      fault ? [unscanned('content-encoding', fault)] : [],
    )
    if (body.content === undefined || body.size === 0) return { ...NOT_EXAMINED, results: faults }
    const sample = sampleOf(input.message, body, body.content, false, outcome.layers)
    const scanned = await prescanned(deps, sample, input)
    const listed = await asked(deps, sample, scanned.members ?? [], input.message)
    const results = [...faults, ...scanned.results, ...listed]
    const { trueType, cached, engines = '', evidence } = scanned
    return { results, trueType, cached, excluded: false, engines, evidence }
  } catch (error) {
    return { ...NOT_EXAMINED, results: [failedEngine('content-encoding', error)] }
  } finally {
    intake.discard()
  }
}
