import type { Sample } from '../../domain/sample.ts'
import type { ObjectMatch } from '../../domain/suspicious-object.ts'
import type { ScanResult } from '../../domain/verdict.ts'
import { cleanLists, type Found, judgeLists, type ListSettings, listsDown, type ObjectLookup } from '../object-lists.ts'

/** Hashes and names found within a sample: the lists are asked with them on each transaction, also when the scan was cached. */
export interface ScannedMember {
  /** The path inside the sample. */
  readonly path: string
  readonly sha256: string
  readonly sha1?: string
  readonly urls?: readonly string[]
  readonly hosts?: readonly string[]
}

export interface ListQuestion {
  /** Undefined: the snapshot is missing or damaged. */
  readonly table: ObjectLookup | undefined
  readonly settings: ListSettings
  readonly nowMs: number
  /** What this table said of the sample a moment ago: saves the second look-up. */
  readonly known?: readonly ObjectMatch[]
}

/** The file lists on a sample and its members. At least one result; a look-up that throws is engine-down. */
export function askFileLists(
  sample: Pick<Sample, 'sha256' | 'sha1'>,
  members: readonly ScannedMember[],
  { table, settings, nowMs, known }: ListQuestion,
): readonly ScanResult[] {
  if (table === undefined) return listsDown(settings, 'the lists are not loaded')
  try {
    const matches = known ?? table.findFile(sample, nowMs)
    if (matches.length === 0 && members.length === 0) return cleanLists(settings)
    const found: Found[] = [{ matches, about: 'file' }]
    for (const member of members) found.push(...memberMatches(member, table, nowMs))
    return judgeLists(found, settings)
  } catch (error) {
    return listsDown(settings, `the lists failed: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function memberMatches(member: ScannedMember, table: ObjectLookup, nowMs: number): Found[] {
  const looks = [
    table.findFile(member, nowMs),
    ...(member.urls ?? []).map((url) => table.findUrl(url, nowMs)),
    ...(member.hosts ?? []).map((host) => table.findHost(host, nowMs)),
  ]
  return looks.map((matches) => ({ matches, about: 'file' as const, member: member.path }))
}
