import { API_BASE, statusSchema } from '../contract.ts'
import type { ApiDeps } from '../deps.ts'
import { json, type Route, route } from '../route.ts'

export function statusRoutes({ status }: Pick<ApiDeps, 'status'>): Route[] {
  return [
    route({
      method: 'GET',
      path: `${API_BASE}/status`,
      summary: 'Processes, engines, rules, lists, ISTags, listeners, connections, journal, store and counters',
      answers: statusSchema,
      handle: async () => json(await status()),
    }),
  ]
}
