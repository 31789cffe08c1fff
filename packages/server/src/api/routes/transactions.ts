import { API_BASE, transactionsPageSchema, transactionsQuerySchema } from '../contract.ts'
import type { ApiDeps } from '../deps.ts'
import { json, type Route, route } from '../route.ts'

export function transactionRoutes({ transactions }: Pick<ApiDeps, 'transactions'>): Route[] {
  return [
    route({
      method: 'GET',
      path: `${API_BASE}/transactions`,
      summary: 'Records of transactions, newest first, a page at a time',
      query: transactionsQuerySchema,
      answers: transactionsPageSchema,
      handle: async ({ query }) => json(await transactions(query)),
    }),
  ]
}
