import {
  API_BASE,
  transactionDetailSchema,
  transactionIdSchema,
  transactionsPageSchema,
  transactionsQuerySchema,
} from '../contract.ts'
import type { ApiDeps } from '../deps.ts'
import { Refusal } from '../errors.ts'
import { json, type Route, route } from '../route.ts'

export function transactionRoutes({
  transactions,
  transaction,
}: Pick<ApiDeps, 'transactions' | 'transaction'>): Route[] {
  return [
    route({
      method: 'GET',
      path: `${API_BASE}/transactions`,
      summary: 'Records of transactions, newest first, a page at a time',
      query: transactionsQuerySchema,
      answers: transactionsPageSchema,
      handle: async ({ query }) => json(await transactions(query)),
    }),
    route({
      method: 'GET',
      path: `${API_BASE}/transactions/:id`,
      summary: 'One record with its evidence: the tree of what was inside, and what was found where',
      params: transactionIdSchema,
      answers: transactionDetailSchema,
      async handle({ params }) {
        const found = await transaction(params.id)
        if (found === undefined) throw new Refusal('NOT_FOUND', 'no record has this id')
        return json(found)
      },
    }),
  ]
}
