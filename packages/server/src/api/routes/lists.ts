import {
  API_BASE,
  type ListExport,
  listChangedSchema,
  listCountsSchema,
  listEntryKeySchema,
  listEntrySchema,
  listExportSchema,
  listImportSchema,
} from '../contract.ts'
import type { ApiDeps } from '../deps.ts'
import { exportLine, importLines } from '../import-lines.ts'
import { changed, json, type Route, route, streamRoute } from '../route.ts'

type Lists = ApiDeps['lists']

export function listRoutes({ lists }: Pick<ApiDeps, 'lists'>, by: string): Route[] {
  return [...entryRoutes(lists, by), ...fileRoutes(lists, by)]
}

function entryRoutes(lists: Lists, by: string): Route[] {
  return [
    route({
      method: 'POST',
      path: `${API_BASE}/lists/entries`,
      summary: 'Adds an entry, or changes the one with the same value',
      body: listEntrySchema,
      answers: listChangedSchema,
      handle: async ({ body }) => changed(await lists.add({ ...body, by })),
    }),
    // By query: a DELETE with a body is dropped by some proxies and clients (RFC 9110 9.3.5).
    route({
      method: 'DELETE',
      path: `${API_BASE}/lists/entries`,
      summary: 'Removes an entry',
      query: listEntryKeySchema,
      answers: listChangedSchema,
      handle: async ({ query }) => changed(await lists.remove({ ...query, by })),
    }),
    route({
      method: 'GET',
      path: `${API_BASE}/lists/counts`,
      summary: 'How many entries each list has of each type',
      answers: listCountsSchema,
      handle: async () => json({ counts: await lists.counts() }),
    }),
  ]
}

function fileRoutes(lists: Lists, by: string): Route[] {
  return [
    streamRoute({
      method: 'POST',
      path: `${API_BASE}/lists/import`,
      summary: 'Adds every line of a file, or none: VALUE [TAB RISK [TAB EXPIRES [TAB NOTE]]]',
      query: listImportSchema,
      answers: listChangedSchema,
      handle: async ({ query, body }) => changed(await lists.import({ ...query, by }, importLines(body, query))),
    }),
    route({
      method: 'GET',
      path: `${API_BASE}/lists/export`,
      summary: 'The entries as a file that import takes',
      query: listExportSchema,
      answers: 'text/plain',
      handle: async ({ query }) => ({
        kind: 'stream',
        type: 'text/plain; charset=utf-8',
        chunks: exported(lists, query),
      }),
    }),
  ]
}

async function* exported(lists: Lists, options: ListExport): AsyncGenerator<string> {
  for await (const batch of lists.export(options)) yield batch.map(exportLine).join('')
}
