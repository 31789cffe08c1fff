import { join } from 'node:path'
import { damagedLinesIn } from '../../src/store/damaged-lines.ts'
import { type DatabaseLocation, openDatabase } from '../../src/store/database.ts'
import { createJournalReader } from '../../src/store/journal-reader.ts'
import { storeIn } from '../../src/store/operations.ts'

/** A store writer that is killed: takes journals in for ever. Arguments: JOURNAL_DIR DAMAGED_DIR LOCATION(JSON). Says `open` once. */
const [dir = '', damagedDir = '', location = ''] = process.argv.slice(2)
const database = await openDatabase(JSON.parse(location) as DatabaseLocation)
const { records } = storeIn(database)
const damaged = damagedLinesIn(join(damagedDir, 'damaged.jsonl'))
const reader = createJournalReader({ dir, damaged, insert: (lines) => records.insertLines(lines), batchRecords: 100 })
process.stdout.write('open\n')
for (;;) {
  await reader.takeIn('all')
  await new Promise((done) => setTimeout(done, 2))
}
