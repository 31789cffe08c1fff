import { promises as fs } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { listTableBuilder } from '../domain/list-table.ts'
import type { SuspiciousObject } from '../domain/suspicious-object.ts'
import type { SuspiciousObjects } from './objects.ts'

/** A snapshot of all lists that stands on disk, whole. */
export interface ListSnapshot {
  readonly revision: string
  readonly path: string
  readonly count: number
}

export interface ListSnapshots {
  /** Builds a snapshot when the lists have changed since the last one; undefined when they have not. */
  refresh(): Promise<ListSnapshot | undefined>
}

const PAGE_ROWS = 5000
/** The newest, and those that a worker may be about to open. */
const KEPT_FILES = 3

/** Snapshots `lists-<revision>.bin` in a folder (made when missing), for the workers to read. */
export function listSnapshotsIn(dir: string, objects: SuspiciousObjects): ListSnapshots {
  let built: number | undefined
  return {
    async refresh() {
      const revision = await objects.revision()
      if (revision === built) return undefined
      const { bytes, count } = await build(objects, String(revision))
      const path = join(dir, `lists-${revision}.bin`)
      await writeWhole(dir, path, bytes)
      built = revision
      await removeOld(dir, path)
      return { revision: String(revision), path, count }
    },
  }
}

// What changes while the pages are read has a higher revision, and is built again.
async function build(objects: SuspiciousObjects, revision: string): Promise<{ bytes: Buffer; count: number }> {
  const builder = listTableBuilder()
  let count = 0
  let after: SuspiciousObject | undefined
  do {
    const page = await objects.page({ limit: PAGE_ROWS, after })
    for (const object of page) builder.add(object)
    count += page.length
    after = page.length === PAGE_ROWS ? page.at(-1) : undefined
    await setImmediate()
  } while (after !== undefined)
  return { bytes: builder.finish(revision), count }
}

/** Written beside, synced and renamed: a reader sees the old file or the whole new one. */
async function writeWhole(dir: string, path: string, bytes: Buffer): Promise<void> {
  await fs.mkdir(dir, { recursive: true, mode: 0o755 })
  const beside = `${path}.tmp`
  await fs.rm(beside, { force: true })
  const file = await fs.open(beside, 'wx', 0o644)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await fs.rename(beside, path)
}

async function removeOld(dir: string, newest: string): Promise<void> {
  const names = (await fs.readdir(dir)).filter((name) => /^lists-\d+\.bin$/.test(name))
  const byAge = await Promise.all(
    names.map(async (name) => ({ path: join(dir, name), timeMs: (await fs.stat(join(dir, name))).mtimeMs })),
  )
  byAge.sort((a, b) => b.timeMs - a.timeMs)
  for (const { path } of byAge.slice(KEPT_FILES)) if (path !== newest) await fs.rm(path, { force: true })
}
