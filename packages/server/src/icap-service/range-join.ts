import type { Action } from '../domain/action.ts'
import type { Detection, Verdict } from '../domain/verdict.ts'
import type { IntakeLimits } from './handler-deps.ts'
import { Intake, type TakenBody } from './intake.ts'
import type { Message } from './message.ts'
import { PartsCheck } from './range-index.ts'
import { type RangePart, readRange } from './range-part.ts'
import type { RangeObject, RangeStore } from './range-store.ts'
import type { Spool } from './spool.ts'

/** A range, and what can be said of the whole that it is of. */
export type Ranged =
  /** The one range is everything. */
  | { readonly state: 'whole' }
  | { readonly state: 'apart'; readonly why: string; readonly part?: RangePart }
  /** Another part was blocked of late. */
  | { readonly state: 'blocked'; readonly detections: readonly Detection[]; readonly part: RangePart }
  | ({ readonly state: 'joined'; readonly part: RangePart } & JoinedBody)

export interface JoinedBody {
  /** All of the object, this process's own copy. */
  readonly whole: TakenBody
  readonly parts: number
  /** It has a complete verdict: its parts are not needed any more. */
  settled(): Promise<void>
  discard(): void
}

export interface JoinInput {
  readonly message: Message
  readonly head: Buffer | undefined
  readonly body: TakenBody
  readonly limits: IntakeLimits
  /** Whether detections that were remembered block under the policy of now. */
  blocks(detections: readonly Detection[]): boolean
}

interface JoinDeps {
  readonly ranges?: RangeStore
  readonly spool: Spool
}

/** Keeps a part where its object can be joined, and joins it when this was the last one that was missing. Never throws. */
export async function joinRange(deps: JoinDeps, input: JoinInput): Promise<Ranged> {
  const { body } = input
  const { content } = body
  if (content === undefined || body.unscanned !== undefined)
    return { state: 'apart', why: 'it did not come whole itself' }
  const reading = readRange({ message: input.message, head: input.head, size: body.size })
  if (reading.state !== 'part') return reading
  const { part } = reading
  const { ranges } = deps
  if (ranges === undefined) return { state: 'apart', why: 'ranges are not joined' }
  const detections = await ranges.blockedFor(part.key)
  if (detections !== undefined && input.blocks(detections)) return { state: 'blocked', detections, part }
  const added = await ranges.add(part, content, body.sha256)
  if (added.state !== 'complete') return { state: 'apart', why: added.why, part }
  const joined = await copyOf(added.object, { spool: deps.spool, limits: input.limits, total: part.total })
  return typeof joined === 'string' ? { state: 'apart', why: joined, part } : { state: 'joined', part, ...joined }
}

interface CopyOptions {
  readonly spool: Spool
  readonly limits: IntakeLimits
  readonly total: number
}

/** The text says why it could not be joined. */
async function copyOf(object: RangeObject, { spool, limits, total }: CopyOptions): Promise<JoinedBody | string> {
  const intake = new Intake(spool, limits)
  const check = new PartsCheck(object.parts)
  try {
    for await (const bytes of object.bytes()) {
      check.update(bytes)
      await intake.write(bytes)
    }
    const whole = await intake.finish()
    if (check.isRight && whole.size === total) return joinedBody(object, intake, whole)
    await object.spoil()
    intake.discard()
    return 'its parts do not fit together'
  } catch (error) {
    intake.discard()
    return (error as NodeJS.ErrnoException).code ?? 'it could not be read again'
  } finally {
    await object.close()
  }
}

function joinedBody(object: RangeObject, intake: Intake, whole: TakenBody): JoinedBody {
  return {
    whole,
    parts: object.parts.length,
    settled: () => object.remove(),
    discard: () => intake.discard(),
  }
}

export interface Settled {
  readonly range: Extract<Ranged, { state: 'apart' | 'joined' }>
  readonly verdict: Verdict
  readonly action: Action
}

/**
 * Remembers a block for the other parts, and drops parts that are not needed any more. A whole that could not be scanned keeps
 * them: whoever asks for one again must not get it as a mere range.
 */
export async function settleRange(ranges: RangeStore | undefined, { range, verdict, action }: Settled): Promise<void> {
  const causes = action.type === 'block' ? action.causes.filter(({ about }) => about === 'file') : []
  if (range.part !== undefined && causes.length > 0) await ranges?.block(range.part.key, causes)
  if (range.state === 'joined' && (verdict.state === 'complete' || causes.length > 0)) await range.settled()
}
