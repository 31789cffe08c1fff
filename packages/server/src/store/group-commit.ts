import type { TransactionRecord } from '../domain/transaction-record.ts'

interface CommittingJournal {
  readonly isFull: boolean
  append(record: TransactionRecord): void
  commit(): void
}

/**
 * One write for all records of one turn of the event loop. The returned promise settles when its record has survived this
 * process (or rejects when it has not): replies wait for it, so a full turn of transactions costs one `write`.
 */
export function createGroupCommit(journal: CommittingJournal): (record: TransactionRecord) => Promise<void> {
  let turn: PromiseWithResolvers<void> | undefined

  function commit(): void {
    const waiting = turn
    turn = undefined
    try {
      journal.commit()
      waiting?.resolve()
    } catch (error) {
      waiting?.reject(error)
    }
  }

  return (record) => {
    journal.append(record)
    if (turn === undefined) {
      turn = Promise.withResolvers<void>()
      // After the poll phase: whatever other sockets finished in this turn shares the write.
      setImmediate(commit)
    }
    return turn.promise
  }
}
