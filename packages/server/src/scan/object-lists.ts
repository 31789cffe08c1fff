import type { ListTable } from '../domain/list-table.ts'
import type { ObjectListName, ObjectMatch } from '../domain/suspicious-object.ts'
import { type Detection, isNonEmpty, type ScanResult } from '../domain/verdict.ts'

/** What the lists are asked with; the whole table satisfies it. */
export type ObjectLookup = Pick<ListTable, 'revision' | 'findFile' | 'findUrl' | 'findHost'>

/** The boxes of the settings page that concern lists. */
export interface ListSettings {
  readonly suspiciousObjects: { readonly enabled: boolean; readonly list: 'generated' | 'synchronized' | 'both' }
  readonly userDefinedObjects: boolean
}

/** A look-up's matches and what they are about. */
export interface Found {
  readonly matches: readonly ObjectMatch[]
  readonly about: Detection['about']
  /** The member whose hash, URL or host it was. */
  readonly member?: string
}

export const SUSPICIOUS_OBJECTS = 'suspicious-objects'
export const USER_DEFINED_OBJECTS = 'user-defined-objects'
/** Stands for the lists when no box is ticked: then nothing is required of them. */
const NO_LIST = 'object-lists'

const clean = (engine: string): ScanResult => Object.freeze({ outcome: 'clean', engine })
const CLEAN_SUSPICIOUS = clean(SUSPICIOUS_OBJECTS)
const CLEAN_USER_DEFINED = clean(USER_DEFINED_OBJECTS)
/** Indexed by `boxes`: nothing is made for the message that is on no list. */
const CLEAN: readonly (readonly ScanResult[])[] = [
  [clean(NO_LIST)],
  [CLEAN_SUSPICIOUS],
  [CLEAN_USER_DEFINED],
  [CLEAN_SUSPICIOUS, CLEAN_USER_DEFINED],
]

/** Every list that is on found nothing. At least one result. */
export function cleanLists(settings: ListSettings): readonly ScanResult[] {
  return CLEAN[boxes(settings)] ?? []
}

/** The lists could not be asked: each one that is on says so. At least one result. */
export function listsDown(settings: ListSettings, detail: string): readonly ScanResult[] {
  return cleanLists(settings).map(({ engine }) =>
    engine === NO_LIST ? clean(engine) : { outcome: 'unscanned', engine, reason: 'engine-down', detail },
  )
}

/** One result a list that is on. An exception for the same object takes its matches away; it says nothing of the engines. */
export function judgeLists(found: readonly Found[], settings: ListSettings): readonly ScanResult[] {
  const matches = found.flatMap((one) =>
    isExcepted(one.matches) ? [] : one.matches.map((match) => ({ ...one, match })),
  )
  if (matches.length === 0) return cleanLists(settings)
  return cleanLists(settings).map((nothing) => {
    const detections = matches
      .filter(({ match }) => engineOf(match.list, settings) === nothing.engine)
      .map((one) => detectionOf(one.match, one, nothing.engine))
    return isNonEmpty(detections) ? { outcome: 'detected', engine: nothing.engine, detections } : nothing
  })
}

/** The trusted entry for this very file, if there is one: it stands above the engines, not above the lists. */
export function trustedMatch(matches: readonly ObjectMatch[]): ObjectMatch | undefined {
  return matches.find((match) => match.list === 'trusted' && (match.type === 'sha256' || match.type === 'sha1'))
}

function isExcepted(matches: readonly ObjectMatch[]): boolean {
  return matches.some((match) => match.list === 'exceptions')
}

function boxes({ suspiciousObjects, userDefinedObjects }: ListSettings): number {
  return (suspiciousObjects.enabled ? 1 : 0) + (userDefinedObjects ? 2 : 0)
}

/** The engine that answers for a list; undefined where the list is off or is no accusation. */
function engineOf(list: ObjectListName, { suspiciousObjects }: ListSettings): string | undefined {
  if (list === 'user-defined') return USER_DEFINED_OBJECTS
  if (list !== 'generated' && list !== 'synchronized') return undefined
  return suspiciousObjects.list === 'both' || suspiciousObjects.list === list ? SUSPICIOUS_OBJECTS : undefined
}

const KINDS = { ip: 'IP', domain: 'Domain', url: 'URL', sha1: 'File', sha256: 'File' } as const

function detectionOf(match: ObjectMatch, { about, member }: Found, engine: string): Detection {
  const prefix = engine === USER_DEFINED_OBJECTS ? 'UserDefinedObject' : 'SuspiciousObject'
  return {
    engine,
    name: `${prefix}.${KINDS[match.type]}`,
    // Generated objects carry the risk their analysis gave them; the others are somebody's decision.
    risk: match.list === 'generated' ? match.risk : 'high',
    about,
    ...(member === undefined ? {} : { member }),
    evidence: `${match.list} list: ${match.type} ${match.value}`,
  }
}
