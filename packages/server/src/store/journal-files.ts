import { type Dirent, promises as fs, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** One journal file: `<instance>-<sequence, 8 digits>.jsonl`. A higher sequence of the same instance says that this one is finished. */
export interface JournalFile {
  readonly path: string
  readonly instance: string
  readonly sequence: number
}

const NAME = /^([A-Za-z0-9][A-Za-z0-9._-]{0,63})-(\d{8})\.jsonl$/

export function isInstanceName(instance: string): boolean {
  return NAME.test(`${instance}-00000000.jsonl`)
}

export function journalPath(dir: string, instance: string, sequence: number): string {
  return join(dir, `${instance}-${String(sequence).padStart(8, '0')}.jsonl`)
}

/** The folder's journal files, by instance and sequence; none where the folder does not exist yet. */
export async function listJournalFiles(dir: string): Promise<JournalFile[]> {
  return (await entriesOf(dir))
    .flatMap((entry) => {
      const [, instance, sequence] = NAME.exec(entry.name) ?? []
      if (!entry.isFile() || instance === undefined) return []
      return [{ path: join(dir, entry.name), instance, sequence: Number(sequence) }]
    })
    .sort((a, b) => (a.instance === b.instance ? a.sequence - b.sequence : a.instance < b.instance ? -1 : 1))
}

async function entriesOf(dir: string): Promise<Dirent[]> {
  try {
    return await fs.readdir(dir, { withFileTypes: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Bytes of all journal files in the folder, whoever wrote them. */
export async function journalBytes(dir: string): Promise<number> {
  let total = 0
  for (const { path } of await listJournalFiles(dir)) total += await sizeOf(path)
  return total
}

/** The same at once, for the one time that an answer is needed before the event loop turns. */
export function journalBytesNow(dir: string): number {
  let total = 0
  for (const name of readdirSync(dir)) {
    if (NAME.test(name)) total += statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0
  }
  return total
}

/** 0 for a file that is gone: taken in and deleted meanwhile. */
export function sizeOf(path: string): Promise<number> {
  return fs.stat(path).then(
    (stat) => stat.size,
    () => 0,
  )
}
