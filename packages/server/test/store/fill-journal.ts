import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openJournal } from '../../src/store/journal.ts'
import { recordOf } from './sample-record.ts'

/**
 * A worker on a disk that fills: commits batches of 7, makes room after the third failure, goes on, and prints which
 * records it may call acknowledged and still stand. Argument: DIR.
 */
const [dir = ''] = process.argv.slice(2)
const journal = openJournal({ dir, instance: 'w1' })
let acknowledged: string[] = []
let failures = 0

for (let batch = 0; batch < 120; batch++) {
  const ids = Array.from({ length: 7 }, (_, i) => `batch${batch}-${i}`)
  for (const id of ids) journal.append(recordOf(id))
  try {
    journal.commit()
    acknowledged.push(...ids)
  } catch {
    failures++
    if (failures === 3) makeRoom()
  }
}
journal.close()
process.stdout.write(JSON.stringify({ acknowledged, failures }))

/** As the reader does once it has stored them. */
function makeRoom(): void {
  for (const name of readdirSync(dir)) rmSync(join(dir, name))
  acknowledged = []
}
