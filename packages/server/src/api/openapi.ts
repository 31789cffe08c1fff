import { z } from 'zod'
import { API_BASE, apiErrorSchema } from './contract.ts'
import { json, type Route, route } from './route.ts'

/** The page that describes all others, made from the schemas that check them. */
export function openApiRoute(routes: readonly Route[], version: string): Route {
  return route({
    method: 'GET',
    path: `${API_BASE}/openapi.json`,
    summary: 'This document',
    answers: z.unknown(),
    handle: async () => json(openApiDocument(routes, version)),
  })
}

export function openApiDocument(routes: readonly Route[], version: string): unknown {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const described of routes) {
    const path = described.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [described.method.toLowerCase()]: operationOf(described) }
  }
  return { openapi: '3.1.0', info: { title: 'Assay', version }, paths }
}

function operationOf(described: Route): unknown {
  const { params, query } = described.schemas
  return {
    summary: described.summary,
    parameters: [...parametersOf('path', params), ...parametersOf('query', query)],
    ...(described.takes !== 'nothing' && { requestBody: { required: true, content: bodyOf(described) } }),
    responses: {
      200: { description: 'done', content: answerOf(described.answers) },
      default: {
        description: 'refused',
        content: { 'application/json': { schema: schemaOf(apiErrorSchema, 'output') } },
      },
    },
  }
}

function bodyOf({ takes, schemas }: Route): unknown {
  if (takes === 'stream' || schemas.body === undefined) return { 'text/plain': { schema: { type: 'string' } } }
  return { 'application/json': { schema: schemaOf(schemas.body, 'input') } }
}

function answerOf(answers: z.ZodType | string): unknown {
  if (typeof answers === 'string') return { [answers]: { schema: { type: 'string' } } }
  return { 'application/json': { schema: schemaOf(answers, 'output') } }
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return described
}

function parametersOf(place: 'path' | 'query', schema: z.ZodType | undefined): unknown[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as { properties?: object; required?: string[] }
  return Object.entries(properties).map(([name, described]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: described,
  }))
}
