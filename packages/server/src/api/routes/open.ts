import { healthSchema, readinessSchema, type Status } from '../contract.ts'
import type { ApiDeps } from '../deps.ts'
import { json, type Route, route } from '../route.ts'
import { statusPage } from '../status-page.ts'

type OpenDeps = Pick<ApiDeps, 'readiness' | 'metricsText' | 'status'>

/** The pages that need no account: nothing here names a user, a URL, an address of a client or a setting. */
export function openRoutes(deps: OpenDeps): Route[] {
  return [...probeRoutes(deps), pageRoute(deps)]
}

function probeRoutes(deps: OpenDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/healthz',
      summary: 'The supervisor answers',
      answers: healthSchema,
      handle: async () => json({ status: 'ok' }),
    }),
    route({
      method: 'GET',
      path: '/readyz',
      summary: '503 while a required engine is down or no content engine is on',
      answers: readinessSchema,
      handle: async () => {
        const readiness = await deps.readiness()
        return { kind: 'json', status: readiness.ready ? 200 : 503, value: readiness }
      },
    }),
    route({
      method: 'GET',
      path: '/metrics',
      summary: 'Prometheus text',
      answers: 'text/plain',
      handle: async () => ({
        kind: 'text',
        type: 'text/plain; version=0.0.4; charset=utf-8',
        text: await deps.metricsText(),
      }),
    }),
  ]
}

function pageRoute(deps: OpenDeps): Route {
  return route({
    method: 'GET',
    path: '/',
    summary: 'One plain status page',
    answers: 'text/html',
    handle: async () => {
      const status: Status = await deps.status()
      return { kind: 'text', type: 'text/html; charset=utf-8', ...statusPage(status) }
    },
  })
}
