import type { ListCount, ListEntry, ListEntryKey } from '../api/contract.ts'
import type { ApiDeps, ImportLine, Outcome } from '../api/deps.ts'
import { canonicalObject } from '../domain/object-value.ts'
import type { ObjectListName, ObjectType, SuspiciousObject } from '../domain/suspicious-object.ts'

/** The lists as the store keeps them; values are canonical. */
export interface ObjectStore {
  addMany(objects: readonly SuspiciousObject[]): Promise<number>
  /** All batches or nothing; a rejection of `batches` changes nothing. */
  import(batches: AsyncIterable<readonly SuspiciousObject[]>): Promise<number>
  remove(keys: readonly ListEntryKey[]): Promise<number>
  export(query: {
    readonly list?: ObjectListName | undefined
    readonly type?: ObjectType | undefined
  }): AsyncIterable<readonly SuspiciousObject[]>
  counts(): Promise<readonly ListCount[]>
}

export interface ListsServiceOptions {
  readonly store: ObjectStore
  /** Resolves when every worker asks a table that has all changes made before the call. */
  published(): Promise<void>
}

/** More wrong lines than this are counted, not shown. */
const MAX_FAULTS = 50

type Checked = { readonly object: SuspiciousObject } | { readonly fault: string }

/** Adding to and removing from the lists; a change is done when every worker uses it. */
export function createListsService({ store, published }: ListsServiceOptions): ApiDeps['lists'] {
  async function taken(change: () => Promise<number>): Promise<Outcome<{ changed: number }>> {
    try {
      const changed = await change()
      if (changed > 0) await published()
      return { ok: true, changed }
    } catch (error) {
      if (error instanceof WrongLines) return { ok: false, faults: error.faults }
      // A full list is the user's business; everything else is ours.
      if ((error as { code?: string }).code !== 'LIST_FULL') throw error
      return { ok: false, faults: [(error as Error).message] }
    }
  }

  return {
    async add({ by, ...entry }) {
      const checked = checkEntry(entry, by)
      return 'fault' in checked ? { ok: false, faults: [checked.fault] } : taken(() => store.addMany([checked.object]))
    },
    async remove({ by: _, ...entry }) {
      const canonical = canonicalObject(entry.type, entry.value)
      if (!canonical.ok) return { ok: false, faults: [canonical.fault] }
      const changed = await store.remove([{ list: entry.list, type: entry.type, value: canonical.value }])
      if (changed > 0) await published()
      return { ok: true, changed }
    },
    import: ({ by }, batches) => taken(() => store.import(objectsOf(batches, by))),
    export: (query) => store.export(query),
    counts: () => store.counts(),
  }
}

class WrongLines extends Error {
  override readonly name = 'WrongLines'
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super('the import has wrong lines')
    this.faults = faults
  }
}

/** The good lines, as they come; at the end a throw with every wrong one, which takes the whole import back. */
async function* objectsOf(batches: AsyncIterable<readonly ImportLine[]>, by: string) {
  const faults: string[] = []
  let wrong = 0
  for await (const batch of batches) {
    const objects: SuspiciousObject[] = []
    for (const line of batch) {
      const checked = 'fault' in line ? line : checkEntry(line.entry, by)
      if ('object' in checked) objects.push(checked.object)
      else if (++wrong <= MAX_FAULTS) faults.push(`line ${line.line}: ${checked.fault}`)
    }
    if (wrong === 0 && objects.length > 0) yield objects
  }
  if (wrong > MAX_FAULTS) faults.push(`and ${wrong - MAX_FAULTS} more wrong lines`)
  if (wrong > 0) throw new WrongLines(faults)
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
