import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { openDatabase } from '../../src/store/database.ts'
import { storeIn } from '../../src/store/operations.ts'

it('keeps every file of the SQLite database from other users, the write-ahead log too', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'assay-files-'))
  const database = await openDatabase({ dataDir })
  try {
    await storeIn(database).meta.set('key', 'value')
    const modes = readdirSync(dataDir).map((name) => [name, (statSync(join(dataDir, name)).mode & 0o777).toString(8)])
    assert.deepEqual(modes.sort(), [
      ['assay.db', '600'],
      ['assay.db-shm', '600'],
      ['assay.db-wal', '600'],
    ])
  } finally {
    await database.close()
    rmSync(dataDir, { recursive: true })
  }
})
