import { transactionIds } from '../../src/domain/transaction-id.ts'
import { openJournal } from '../../src/store/journal.ts'
import { recordOf } from './sample-record.ts'

/** A worker that is killed: appends for ever, and writes the ids it may call acknowledged on stdout. Arguments: DIR INSTANCE MAX_FILE_BYTES. */
const [dir = '', instance = '', maxFileBytes = ''] = process.argv.slice(2)
const journal = openJournal({ dir, instance, maxFileBytes: Number(maxFileBytes) })
const nextId = transactionIds(instance)

function turn(): void {
  const ids = Array.from({ length: 16 }, nextId)
  for (const id of ids) journal.append(recordOf(id, { timeMs: Date.now() }))
  journal.commit()
  process.stdout.write(`${ids.join('\n')}\n`)
  setTimeout(turn, 2)
}
turn()
