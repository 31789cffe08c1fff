import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWriter, type Writer } from '../../src/store/writer.ts'

export interface StoreRig {
  readonly writer: Writer
  readonly folder: string
  readonly snapshots: string
  close(): Promise<void>
}

/** The real store (SQLite on its thread) in a folder of its own. */
export async function openStore(): Promise<StoreRig> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-composition-'))
  const snapshots = join(folder, 'worker', 'snapshots')
  const journalDir = join(folder, 'worker', 'journal')
  for (const path of [snapshots, journalDir]) mkdirSync(path, { recursive: true })
  const writer = await createWriter({
    location: { dataDir: folder },
    journalDir,
    damagedFile: join(folder, 'damaged-records.jsonl'),
    snapshotDir: snapshots,
  })
  return {
    writer,
    folder,
    snapshots,
    close: async () => {
      await writer.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
