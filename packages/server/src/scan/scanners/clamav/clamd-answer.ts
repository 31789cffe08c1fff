import type { RiskLevel } from '../../../domain/risk.ts'
import type { UnscannedReason } from '../../../domain/verdict.ts'
import { alertMeaning } from './alert-table.ts'

/** What one answer to INSTREAM says. */
export type ClamdAnswer =
  | { readonly kind: 'clean' }
  | { readonly kind: 'found'; readonly name: string; readonly risk: RiskLevel }
  | { readonly kind: 'unscanned'; readonly reason: UnscannedReason; readonly detail: string }

const CLEAN: ClamdAnswer = Object.freeze({ kind: 'clean' })
const MAX_NAME_CHARS = 200

/**
 * The texts of `... ERROR` that mean something else than a clamd that does not work: clamd/server-th.c and libclamav's cl_strerror
 * (read in Cisco-Talos/clamav). Everything else that is not OK or FOUND is engine-down.
 */
const ERRORS: readonly (readonly [pattern: RegExp, reason: UnscannedReason])[] = [
  [/^INSTREAM size limit exceeded\./, 'too-large'],
  [/Time limit reached|CL_ETIMEOUT|Exceeded time limit/i, 'timeout'],
  [/CL_EMAXREC|Exceeded max recursion/i, 'too-deep'],
  [/CL_EMAXFILES|CL_EMAXSIZE|Exceeded max scan/i, 'bomb'],
]

/** Reads the text after the id. Only exactly `stream: OK` is clean. */
export function readAnswer(text: string): ClamdAnswer {
  if (text === 'stream: OK') return CLEAN
  const found = text.startsWith('stream: ') && text.endsWith(' FOUND') ? text.slice(8, -6) : ''
  if (found !== '') return readFound(found)
  const words = printable(text)
  if (!text.endsWith('ERROR')) return unscanned('engine-down', `clamd answered what it never does: ${words}`)
  const [, reason = 'engine-down'] = ERRORS.find(([pattern]) => pattern.test(text)) ?? []
  return unscanned(reason, `clamd: ${words}`)
}

function readFound(text: string): ClamdAnswer {
  // ExtendedDetectionInfo adds the hash and the size: NAME(md5:size).
  const name = printable(text.replace(/\([0-9a-f]{32,64}:\d{1,20}\)$/, ''))
  const meaning = alertMeaning(name)
  if ('risk' in meaning) return { kind: 'found', name, risk: meaning.risk }
  return unscanned(meaning.unscanned, `clamd: ${name}`)
}

function unscanned(reason: UnscannedReason, detail: string): ClamdAnswer {
  return { kind: 'unscanned', reason, detail }
}

/** Signatures are named by whoever wrote them: no control characters, no end without limit. */
function printable(text: string): string {
  return text.slice(0, MAX_NAME_CHARS).replace(/[^\x20-\x7e]/g, '?')
}
