import type { ListCount, ListEntry, ListEntryKey } from '../api/contract.ts'
import type { ApiDeps, ImportLine, Outcome } from '../api/deps.ts'
import { canonicalObject } from '../domain/object-value.ts'
import type { ObjectListName, ObjectType, SuspiciousObject } from '../domain/suspicious-object.ts'

/** The lists as the store keeps them; values are canonical. */
export interface ObjectStore {
  addMany(objects: readonly SuspiciousObject[]): Promise<number>
  remove(keys: readonly ListEntryKey[]): Promise<number>
  page(query: {
    readonly list?: ObjectListName | undefined
    readonly type?: ObjectType | undefined
    readonly limit: number
    readonly after?: ListEntryKey | undefined
  }): Promise<readonly SuspiciousObject[]>
  counts(): Promise<readonly ListCount[]>
}

export interface ListsServiceOptions {
  readonly store: ObjectStore
  /** Resolves when every worker asks a table that has all changes made before the call. */
  published(): Promise<void>
}

/** More wrong lines than this are counted, not shown. */
const MAX_FAULTS = 50
const EXPORT_PAGE = 5_000

type Checked = { readonly object: SuspiciousObject } | { readonly fault: string }

/** Adding to and removing from the lists; a change is done when every worker uses it. */
export function createListsService({ store, published }: ListsServiceOptions): ApiDeps['lists'] {
  async function addAll(objects: readonly SuspiciousObject[]): Promise<Outcome<{ changed: number }>> {
    try {
      const changed = await store.addMany(objects)
      if (changed > 0) await published()
      return { ok: true, changed }
    } catch (error) {
      // A full list is the user's business; everything else is ours.
      if ((error as { code?: string }).code !== 'LIST_FULL') throw error
      return { ok: false, faults: [(error as Error).message] }
    }
  }

  return {
    async add({ by, ...entry }) {
      const checked = checkEntry(entry, by)
      return 'fault' in checked ? { ok: false, faults: [checked.fault] } : addAll([checked.object])
    },
    async remove({ by: _, ...entry }) {
      const canonical = canonicalObject(entry.type, entry.value)
      if (!canonical.ok) return { ok: false, faults: [canonical.fault] }
      const changed = await store.remove([{ list: entry.list, type: entry.type, value: canonical.value }])
      if (changed > 0) await published()
      return { ok: true, changed }
    },
    async import({ by }, batches) {
      const { objects, faults } = await readLines(batches, by)
      return faults.length > 0 ? { ok: false, faults } : addAll(objects)
    },
    async *export({ list, type }) {
      let after: ListEntryKey | undefined
      for (;;) {
        const page = await store.page({ list, type, limit: EXPORT_PAGE, after })
        if (page.length === 0) return
        yield page
        after = page.at(-1)
      }
    },
    counts: () => store.counts(),
  }
}

async function readLines(batches: AsyncIterable<readonly ImportLine[]>, by: string) {
  const objects: SuspiciousObject[] = []
  const faults: string[] = []
  let wrong = 0
  for await (const batch of batches) {
    for (const line of batch) {
      const checked = 'fault' in line ? line : checkEntry(line.entry, by)
      if ('object' in checked) objects.push(checked.object)
      else if (++wrong <= MAX_FAULTS) faults.push(`line ${line.line}: ${checked.fault}`)
    }
  }
  if (wrong > MAX_FAULTS) faults.push(`and ${wrong - MAX_FAULTS} more wrong lines`)
  return { objects, faults }
}

function checkEntry(entry: ListEntry, by: string): Checked {
  const canonical = canonicalObject(entry.type, entry.value)
  if (!canonical.ok) return { fault: canonical.fault }
  if (entry.list === 'trusted') {
    if (entry.type !== 'sha1' && entry.type !== 'sha256') return { fault: 'only hashes can be trusted' }
    if (entry.note.trim() === '') return { fault: 'a trusted hash overrides engines, so it needs a note that says why' }
  }
  const { list, type, risk, expiresMs, note } = entry
  return { object: { list, type, value: canonical.value, risk, expiresMs, addedMs: Date.now(), source: by, note } }
}
