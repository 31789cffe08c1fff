import { API_BASE, recallPageSchema, recallQuerySchema, recheckQuerySchema, recheckSliceSchema } from '../contract.ts'
import type { ApiDeps } from '../deps.ts'
import { json, type Route, route } from '../route.ts'

export function recallRoutes({ recall }: Pick<ApiDeps, 'recall'>): Route[] {
  return [
    route({
      method: 'GET',
      path: `${API_BASE}/recall`,
      summary: 'What was let through and was found to be bad by a later list, newest first',
      query: recallQuerySchema,
      answers: recallPageSchema,
      handle: async ({ query }) => json(await recall.list(query)),
    }),
    route({
      method: 'GET',
      path: `${API_BASE}/transactions/recheck`,
      summary: 'Judges records anew by the lists and the policy of today, a slice at a time; nothing is changed',
      query: recheckQuerySchema,
      answers: recheckSliceSchema,
      handle: async ({ query }) => json(await recall.recheck(query)),
    }),
  ]
}
