import type { ApiError } from './contract.ts'
import { Unavailable } from './deps.ts'

/** Every refusal of the API: its HTTP status and what it says when the place has nothing more exact. */
export const REFUSALS = {
  BAD_REQUEST: { status: 400, text: 'the request is malformed' },
  NOT_FOUND: { status: 404, text: 'no such page, or not with this method' },
  TOO_LARGE: { status: 413, text: 'the body is larger than this page takes' },
  WRONG_TYPE: { status: 415, text: 'the body is not of the type that this page takes' },
  /** Understood, and refused with every fault named; nothing changed. */
  FAULTS: { status: 422, text: 'nothing was changed' },
  INTERNAL: { status: 500, text: 'an error of ours; the log has it' },
  UNAVAILABLE: { status: 503, text: 'a part that this page needs is away' },
} as const

export type RefusalCode = keyof typeof REFUSALS

/** Faults of one answer; the rest is counted. */
const MAX_FAULTS = 100

export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  readonly faults: readonly string[] | undefined

  constructor(code: RefusalCode, text: string = REFUSALS[code].text, faults?: readonly string[]) {
    super(text)
    this.code = code
    this.faults = faults
  }
}

export function refusalStatus(refusal: Refusal): number {
  return REFUSALS[refusal.code].status
}

export function refusalBody(refusal: Refusal): ApiError {
  const { code, message: text, faults } = refusal
  return faults === undefined ? { code, text } : { code, text, faults: firstFaults(faults) }
}

function firstFaults(faults: readonly string[]): readonly string[] {
  if (faults.length <= MAX_FAULTS) return faults
  return [...faults.slice(0, MAX_FAULTS), `... and ${faults.length - MAX_FAULTS} more`]
}

/** Anything thrown, as a refusal. What is not meant for the outside says only that it is ours. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof Unavailable) return new Refusal('UNAVAILABLE', error.message)
  switch (httpStatusOf(error)) {
    case 404:
      return new Refusal('NOT_FOUND')
    case 413:
      return new Refusal('TOO_LARGE')
    case 415:
      return new Refusal('WRONG_TYPE')
    case 503:
      return new Refusal('UNAVAILABLE')
    case 400:
    case 414:
      return new Refusal('BAD_REQUEST')
    default:
      return new Refusal('INTERNAL')
  }
}

/** Fastify's own errors carry `statusCode`. */
function httpStatusOf(error: unknown): number {
  if (!(error instanceof Error) || !('statusCode' in error)) return 500
  return typeof error.statusCode === 'number' ? error.statusCode : 500
}
