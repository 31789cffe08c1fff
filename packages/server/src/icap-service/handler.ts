import type { Transaction } from '@assay/icap'
import { Answer } from './answer.ts'
import type { HandlerDeps } from './handler-deps.ts'

/**
 * One ICAP transaction from its head to its reply. The order is the promise: the record stands in the journal before the reply
 * begins (a trickled reply: before its end), and the body is discarded last. Whatever fails ends in an error, never in a 204.
 */
export function createHandler(deps: HandlerDeps): (transaction: Transaction) => Promise<void> {
  return async function handle(transaction: Transaction): Promise<void> {
    const group = deps.policyFor(transaction.peer, transaction.service) // one policy per transaction, however long it lasts
    if (!group.allowed) {
      deps.count('refused')
      return await transaction.reply({ status: 403, error: true, close: true })
    }
    const answer = new Answer(deps, transaction, group)
    try {
      // Steps that are nearly always over when they return give a promise only where they are not.
      const rating = answer.rateUrl()
      if (rating !== undefined) await rating
      if (!answer.isBlockedByUrl()) {
        if (transaction.hasBody) await answer.takeIn()
        const examining = answer.examine()
        if (examining !== undefined) await examining
      }
      const decision = answer.decide()
      const settling = answer.settleRange(decision)
      if (settling !== undefined) await settling
      await answer.journal(decision)
      await answer.reply(decision)
    } catch (error) {
      await answer.fail(error)
    } finally {
      answer.discard()
    }
  }
}
