import { z } from 'zod'
import { API_BASE, addModelSchema, fetchModelSchema, modelNameSchema, modelsSchema } from '../contract.ts'
import type { ApiDeps } from '../deps.ts'
import { changed, json, type Route, route, streamRoute } from '../route.ts'

export function modelRoutes({ models }: Pick<ApiDeps, 'models'>, by: string): Route[] {
  return [
    route({
      method: 'GET',
      path: `${API_BASE}/models`,
      summary: 'The models of the predictive engine',
      answers: modelsSchema,
      handle: async () => json({ models: await models.list() }),
    }),
    streamRoute({
      method: 'POST',
      path: `${API_BASE}/models`,
      summary: 'Installs a model: the body is its LightGBM text',
      query: addModelSchema,
      answers: modelsSchema,
      handle: async ({ query, body }) => changed(await models.add({ ...query, by }, body)),
    }),
    route({
      method: 'POST',
      path: `${API_BASE}/models/fetch`,
      summary: 'Fetches a model from a URL, or the three of its publisher, and installs it',
      body: fetchModelSchema,
      answers: modelsSchema,
      handle: async ({ body }) => changed(await models.download({ ...body, by })),
    }),
    route({
      method: 'DELETE',
      path: `${API_BASE}/models/:name`,
      summary: 'Removes a model',
      params: modelNameSchema,
      answers: z.strictObject({ removed: z.boolean() }),
      handle: async ({ params }) => changed(await models.remove({ ...params, by })),
    }),
  ]
}
