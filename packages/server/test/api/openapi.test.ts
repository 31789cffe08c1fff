import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type TransactionsPage, transactionSchema } from '../../src/api/contract.ts'
import { apiRoutes } from '../../src/api/http-server.ts'
import { openApiDocument } from '../../src/api/openapi.ts'
import { memoryServer, sampleRecord } from './fixture.ts'

type Operation = {
  parameters: { name: string; in: string; required: boolean }[]
  requestBody?: unknown
  responses: object
}
const document = openApiDocument(apiRoutes(memoryServer().deps), '1.2.3') as {
  openapi: string
  paths: Record<string, Record<string, Operation>>
}

describe('the OpenAPI document', () => {
  it('has every route, its parameters and its body', () => {
    assert.equal(document.openapi, '3.1.0')
    const operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    )
    assert.deepEqual(operations.sort(), [
      'delete /api/v1/feeds/{name}',
      'delete /api/v1/lists/entries',
      'delete /api/v1/models/{name}',
      'delete /api/v1/rules/{name}',
      'get /api/v1/feeds',
      'get /api/v1/feeds/{name}',
      'get /api/v1/lists/counts',
      'get /api/v1/lists/export',
      'get /api/v1/models',
      'get /api/v1/recall',
      'get /api/v1/rules',
      'get /api/v1/rules/hits',
      'get /api/v1/rules/{name}',
      'get /api/v1/settings',
      'get /api/v1/settings/export',
      'get /api/v1/settings/history',
      'get /api/v1/status',
      'get /api/v1/transactions',
      'get /api/v1/transactions/recheck',
      'get /api/v1/transactions/{id}',
      'post /api/v1/feed-preview',
      'post /api/v1/feeds',
      'post /api/v1/feeds/{name}/preview',
      'post /api/v1/feeds/{name}/sync',
      'post /api/v1/lists/entries',
      'post /api/v1/lists/import',
      'post /api/v1/models',
      'post /api/v1/models/fetch',
      'post /api/v1/rules',
      'post /api/v1/rules/check',
      'post /api/v1/settings/apply',
      'post /api/v1/settings/rollback/{revision}',
      'put /api/v1/feeds/{name}/enabled',
      'put /api/v1/rules/{name}/options',
      'put /api/v1/settings',
    ])
    const { parameters } = document.paths['/api/v1/lists/entries']?.delete ?? { parameters: [] }
    assert.deepEqual(
      parameters.map(({ name, required }) => [name, required]),
      [
        ['list', true],
        ['type', true],
        ['value', true],
      ],
    )
    assert.ok(document.paths['/api/v1/settings']?.put?.requestBody)
  })

  it('holds no reference that leads nowhere', () => assert.doesNotMatch(JSON.stringify(document), /\$ref/))
})

describe('the contract', () => {
  it('takes a record as the domain has it', () => {
    const page: TransactionsPage = { records: [sampleRecord()], next: null }
    assert.deepEqual(transactionSchema.parse(page.records[0]), page.records[0])
  })
})
