import type { ReplyHeaders } from '@assay/icap'
import type { Action } from '../domain/action.ts'
import type { Dialect } from '../domain/dialect.ts'
import type { UnscannedReason } from '../domain/verdict.ts'
import { type HeaderSwitches, headerText, infectionHeaders, threatList } from './icap-headers.ts'

/** Why a message is blocked, as far as headers speak of it. */
export interface BlockSaid {
  readonly action: Extract<Action, { type: 'block' | 'block-unscanned' }>
  /** Worst first; never empty. */
  readonly threats: readonly string[]
  readonly fileName: string
  readonly send: HeaderSwitches
}

interface Rule {
  blocked(said: BlockSaid): ReplyHeaders
  /** With every message that passes. */
  readonly passed?: ReplyHeaders
}

const MAX_VIOLATIONS = 10

/**
 * One row a dialect. What they have in common: a block always carries at least one header that its clients look for, also
 * where the block is for something that could not be scanned.
 */
const RULES: Readonly<Record<Dialect, Rule>> = {
  // docs.trendmicro.com, Deep Discovery Analyzer 7.5, "ICAP Header Response".
  trend: { blocked: ({ threats, send }) => infectionHeaders(threats, send) },

  // Answers of McAfee Web Gateway 7.2 and 11 as clients' test suites hold them (ownCloud files_antivirus). 80 is malware;
  // the numbers of other reasons are not published, so they are left out.
  mcafee: {
    blocked: ({ action, threats }) => ({
      'X-Virus-Name': threatList(threats),
      'X-Block-Reason': mcafeeReason(action),
      ...(isMalware(action) ? { 'X-WWBlockResult': '80' } : {}),
    }),
  },

  // Symantec Protection Engine: Type 2 is a container violation; the texts as rspamd's lua_scanners/icap.lua lists them.
  symantec: {
    blocked: ({ action, threats, fileName, send }) => {
      const names = action.type === 'block' ? threats : [symantecViolation(action.reason)]
      return {
        ...(send.virusId ? { 'X-Virus-ID': threatList(names) } : {}),
        'X-Infection-Found': infection({ type: typeOf(action), resolution: 2, names }),
        'X-Violations-Found': violations(names, { fileName, resolution: 2 }),
      }
    },
  },

  // opswat.com, MetaDefender ICAP Server 5, "ICAP response headers": only the first threat; nothing is repaired.
  opswat: {
    blocked: ({ action, threats, fileName }) => {
      const reason = opswatReason(action)
      const names = threats.slice(0, 1)
      return {
        'X-Response-Info': 'Blocked',
        'X-Blocked-Reason': reason,
        'X-Response-Desc': reason,
        'X-Virus-ID': threatList(names),
        'X-Infection-Found': infection({ type: typeOf(action), resolution: 0, names }),
        'X-Violations-Found': violations(names, { fileName, resolution: 0 }),
      }
    },
    passed: { 'X-Response-Info': 'Allowed' },
  },

  // c-icap-modules, virus_scan, as c-icap 0.5.10 with ClamAV sends it: no X-Virus-ID, no file name.
  'c-icap': {
    blocked: ({ threats }) => ({
      'X-Infection-Found': infection({ type: 0, resolution: 2, names: threats }),
      'X-Violations-Found': violations(threats, { fileName: '', resolution: 0 }),
    }),
  },
}

export function blockHeaders(dialect: Dialect, said: BlockSaid): ReplyHeaders {
  return RULES[dialect].blocked(said)
}

const NONE: ReplyHeaders = {}

export function passHeaders(dialect: Dialect): ReplyHeaders {
  return RULES[dialect].passed ?? NONE
}

function isMalware(action: BlockSaid['action']): boolean {
  return action.type === 'block' && action.causes.some(({ about }) => about === 'file')
}

/** draft-stecher-icap-subid-00: 0 an infection, 2 a container violation. */
function typeOf(action: BlockSaid['action']): 0 | 2 {
  return action.type === 'block' ? 0 : 2
}

interface Infection {
  readonly type: number
  readonly resolution: number
  readonly names: readonly string[]
}

/** The last `;` is needed: rspamd's pattern ends with it (protocol row R14). */
function infection({ type, resolution, names }: Infection): string {
  return `Type=${type}; Resolution=${resolution}; Threat=${threatList(names)};`
}

/** The count, then for each violation four lines: file, threat, problem id, resolution. */
function violations(
  names: readonly string[],
  of: { readonly fileName: string; readonly resolution: number },
): string[] {
  const some = names.slice(0, MAX_VIOLATIONS)
  const file = headerText(of.fileName) || '-'
  return [
    String(some.length),
    ...some.flatMap((name) => [file, headerText(name) || 'Unknown', '0', String(of.resolution)]),
  ]
}

function mcafeeReason(action: BlockSaid['action']): string {
  if (action.type === 'block-unscanned') return headerText(`Not scanned (${action.reason})`)
  return isMalware(action) ? 'Malware found' : 'URL blocked'
}

function symantecViolation(reason: UnscannedReason): string {
  switch (reason) {
    case 'encrypted':
      return 'Encrypted container violation'
    case 'too-large':
    case 'too-deep':
    case 'bomb':
      return 'Container size violation'
    case 'malformed':
      return 'Malformed container violation'
    default:
      return `Not scanned (${reason})`
  }
}

/** MetaDefender Core's names of results, where it has one for the reason. */
function opswatReason(action: BlockSaid['action']): string {
  if (action.type === 'block') return isMalware(action) ? 'Infected' : 'Blocked URL'
  switch (action.reason) {
    case 'encrypted':
      return 'Encrypted Archive'
    case 'too-deep':
      return 'Exceeded Archive Depth'
    case 'bomb':
    case 'too-large':
      return 'Exceeded Archive Size'
    case 'timeout':
      return 'Exceeded Archive Timeout'
    default:
      return 'Not Scanned'
  }
}
