import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import {
  apiErrorSchema,
  consoleAddressFault,
  readinessSchema,
  settingsViewSchema,
  statusSchema,
  transactionsPageSchema,
} from '../../src/api/contract.ts'
import { type ApiDeps, Unavailable } from '../../src/api/deps.ts'
import { type Listening, listenApi, listenConsole } from '../../src/api/http-server.ts'
import { call, jsonCall, memoryServer, sampleStatus, temporaryFolder } from './fixture.ts'

const folder = temporaryFolder()
const memory = memoryServer()
const reported: unknown[] = []
let api: Listening
let socketPath: string

before(async () => {
  api = await listenApi(memory.deps, { dataFolder: folder.path, version: '1', report: (error) => reported.push(error) })
  socketPath = api.address
})
after(async () => {
  await api.close()
  assert.deepEqual(readdirSync(folder.path), [], 'the socket and its nursery are gone')
  folder.remove()
})

describe('the API on the socket', () => {
  it('is for its own user only, and leaves nothing beside it', () => {
    assert.equal(statSync(socketPath).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(folder.path), ['assay.sock'])
  })

  for (const [path, schema] of [
    ['/api/v1/status', statusSchema],
    ['/api/v1/settings', settingsViewSchema],
    ['/api/v1/transactions?limit=3', transactionsPageSchema],
    ['/readyz', readinessSchema],
  ] as const) {
    it(`answers ${path} as the contract says`, async () => {
      const answer = await call({ socketPath, path })
      assert.equal(answer.status, 200)
      schema.parse(JSON.parse(answer.text))
      assert.equal(answer.headers['cache-control'], 'no-store')
    })
  }

  it('saves several settings at once, and says who', async () => {
    const answer = await jsonCall(socketPath, 'PUT', '/api/v1/settings', {
      updates: { 'icap.port': 1345, 'pages.urlAccess': 'no' },
    })
    assert.equal(answer.status, 200)
    assert.deepEqual(JSON.parse(answer.text).changed, ['icap.port', 'pages.urlAccess'])
    const last = memory.calls.at(-1)?.input
    assert.deepEqual(last, { updates: { 'icap.port': 1345, 'pages.urlAccess': 'no' }, by: 'cli' })
  })

  it('names every fault of a save', async () => {
    const answer = await jsonCall(socketPath, 'PUT', '/api/v1/settings', { updates: { a: 1, b: 2 } })
    assert.equal(answer.status, 422)
    assert.deepEqual(JSON.parse(answer.text).faults, ['a: unknown setting', 'b: unknown setting'])
  })

  it('exports, applies, rolls back, tells the history', async () => {
    const exported = await call({ socketPath, path: '/api/v1/settings/export' })
    assert.match(String(exported.headers['content-type']), /^application\/yaml/)
    assert.equal((await jsonCall(socketPath, 'POST', '/api/v1/settings/apply', { text: exported.text })).status, 200)
    assert.equal((await call({ socketPath, method: 'POST', path: '/api/v1/settings/rollback/1' })).status, 200)
    assert.equal((await call({ socketPath, method: 'POST', path: '/api/v1/settings/rollback/99' })).status, 422)
    assert.equal(JSON.parse((await call({ socketPath, path: '/api/v1/settings/history' })).text).entries[0].revision, 2)
  })

  it('streams a list in and out', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `host${i}.example\tmedium\t\tnote ${i}\n`)
    const imported = await call({
      socketPath,
      method: 'POST',
      path: '/api/v1/lists/import?list=user-defined&type=domain',
      headers: { 'content-type': 'text/plain' },
      body: Readable.from(lines),
    })
    assert.deepEqual(JSON.parse(imported.text), { changed: 5000 })
    const exported = await call({ socketPath, path: '/api/v1/lists/export?list=user-defined' })
    assert.equal(exported.text, lines.join(''))
  })

  it('ends an import whose sender goes away with a rejection, never as a whole file', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const other = temporaryFolder()
    const lists: ApiDeps['lists'] = {
      ...memory.deps.lists,
      import: async (_options, batches) => {
        let lines = 0
        try {
          for await (const batch of batches) lines += batch.length
          resolve('whole')
        } catch {
          resolve(`cut after ${lines}`)
        }
        return { ok: false, faults: ['cut'] }
      },
    }
    const face = await listenApi({ ...memory.deps, lists }, { dataFolder: other.path, version: '1' })
    const socket = connect(face.address)
    socket.write(
      'POST /api/v1/lists/import?list=user-defined&type=domain HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\na.example\nb.example\n',
    )
    setTimeout(() => socket.destroy(), 100)
    assert.equal(await promise, 'cut after 2')
    await face.close()
    other.remove()
  })

  it('adds and removes rule files', async () => {
    const good = await jsonCall(socketPath, 'POST', '/api/v1/rules', { name: 'a.yar', text: 'rule a {}' })
    assert.equal(JSON.parse(good.text).file.state, 'loaded')
    const bad = await jsonCall(socketPath, 'POST', '/api/v1/rules', { name: 'b.yar', text: 'bad' })
    assert.equal(bad.status, 200)
    assert.deepEqual(JSON.parse(bad.text).file.faults, ['line 1: syntax error'])
    const removed = await call({ socketPath, method: 'DELETE', path: '/api/v1/rules/a.yar' })
    assert.deepEqual(JSON.parse(removed.text), { removed: true })
    assert.equal((await call({ socketPath, method: 'DELETE', path: '/api/v1/rules/builtin.yar' })).status, 422)
  })
})

const deepJson = `{"updates":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`
const big = 'x'.repeat(100_000)
const refusals = [
  { method: 'GET', path: '/api/v1/nothing', status: 404, because: 'no such page' },
  { method: 'DELETE', path: '/api/v1/settings', status: 404, because: 'not with this method' },
  { method: 'GET', path: '/api/v1/transactions?limit=0', status: 400, because: 'below the bound' },
  { method: 'GET', path: '/api/v1/transactions?limit=1000000', status: 400, because: 'above the bound' },
  { method: 'GET', path: '/api/v1/transactions?sincems=1', status: 400, because: 'unknown field' },
  { method: 'GET', path: '/api/v1/transactions?sha256=zz', status: 400, because: 'not a hash' },
  { method: 'GET', path: '/api/v1/transactions?limit=1&limit=2', status: 400, because: 'given twice' },
  { method: 'PUT', path: '/api/v1/settings', body: '{"updates":{},"extra":1}', status: 400, because: 'unknown field' },
  { method: 'PUT', path: '/api/v1/settings', body: '{"updates":{}}', status: 400, because: 'a save of nothing' },
  { method: 'PUT', path: '/api/v1/settings', body: '[]', status: 400, because: 'not an object' },
  { method: 'PUT', path: '/api/v1/settings', body: '{', status: 400, because: 'not JSON' },
  { method: 'PUT', path: '/api/v1/settings', body: '{"__proto__":{"a":1}}', status: 400, because: 'prototype' },
  { method: 'PUT', path: '/api/v1/settings', body: deepJson, status: 400, because: 'nests too deep' },
  { method: 'PUT', path: '/api/v1/settings', body: 'a', type: 'text/plain', status: 415, because: 'not JSON by type' },
  { method: 'PUT', path: '/api/v1/settings', body: 'a', type: 'text/xml', status: 415, because: 'unknown type' },
  { method: 'PUT', path: '/api/v1/settings', status: 400, because: 'no body at all' },
  {
    method: 'POST',
    path: '/api/v1/lists/entries',
    body: JSON.stringify({ list: 'user-defined', type: 'url', value: big }),
    status: 413,
    because: 'body over the limit of its page',
  },
  {
    method: 'POST',
    path: '/api/v1/lists/entries',
    body: JSON.stringify({ list: 'user-defined', type: 'url', value: 'a\u0000b' }),
    status: 400,
    because: 'control character',
  },
  {
    method: 'POST',
    path: '/api/v1/lists/entries',
    body: '{"list":"x","type":"url","value":"a"}',
    status: 400,
    because: 'no such list',
  },
  {
    method: 'POST',
    path: '/api/v1/lists/import?list=user-defined&type=url',
    body: '{}',
    status: 415,
    because: 'JSON in place of lines',
  },
  {
    method: 'POST',
    path: '/api/v1/rules',
    body: '{"name":"../../etc/x.yar","text":""}',
    status: 400,
    because: 'path in a name',
  },
  { method: 'POST', path: '/api/v1/rules', body: '{"name":".yar","text":""}', status: 400, because: 'no name' },
  { method: 'DELETE', path: '/api/v1/rules/..%2f..%2fa.yar', status: 400, because: 'encoded path in a name' },
  { method: 'DELETE', path: `/api/v1/rules/${'a'.repeat(300)}.yar`, status: 400, because: 'longer than any name' },
  { method: 'GET', path: '/api/v1/settings/%zz', status: 400, because: 'broken escape' },
  { method: 'POST', path: '/api/v1/settings/rollback/-1', status: 400, because: 'no revision' },
  { method: 'POST', path: '/api/v1/settings/rollback/abc', status: 400, because: 'no number' },
  { method: 'GET', path: '/api/v1/../../etc/passwd', status: 404, because: 'no files here' },
] as const

describe('what the API refuses', () => {
  for (const refusal of refusals) {
    const { method, path, status, because } = refusal
    it(`${method} ${path.slice(0, 60)} is ${status}: ${because}`, async () => {
      const body = 'body' in refusal ? { body: refusal.body } : {}
      const type: string = 'type' in refusal ? refusal.type : 'application/json'
      const headers: Record<string, string> = 'body' in refusal ? { 'content-type': type } : {}
      const answer = await call({ socketPath, method, path, headers, ...body })
      assert.equal(answer.status, status, answer.text)
      const error = apiErrorSchema.parse(JSON.parse(answer.text))
      assert.doesNotMatch(answer.text, /node_modules|at Object|FST_/)
      assert.notEqual(error.text, '')
    })
  }

  it('names the wrong fields', async () => {
    const answer = await call({ socketPath, path: '/api/v1/transactions?limit=0&mode=X' })
    assert.equal(JSON.parse(answer.text).faults.length, 2)
  })

  it('answers bytes that are no HTTP with 400 and a close', async () => {
    const socket = connect(socketPath)
    socket.write('ICAP/1.0 hello\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    assert.match(text, /^HTTP\/1\.1 400 /)
  })

  it('says an import line that never ends, and stops reading', async () => {
    const body = Readable.from(['ok.example\n', 'a'.repeat(20_000)])
    const answer = await call({
      socketPath,
      method: 'POST',
      path: '/api/v1/lists/import?list=user-defined&type=domain',
      headers: { 'content-type': 'text/plain' },
      body,
    })
    assert.equal(answer.status, 422)
    assert.deepEqual(JSON.parse(answer.text).faults, ['line 2: longer than 8192 bytes'])
  })
})

describe('errors that are ours', () => {
  it('are 503 when a part is away and 500 without a word of the cause otherwise', async () => {
    const other = temporaryFolder()
    const seen: string[] = []
    const face = await listenApi(
      {
        ...memory.deps,
        transactions: () => Promise.reject(new Unavailable('the store is away')),
        readSettings: () => Promise.reject(new Error('secret path /x')),
      },
      { dataFolder: other.path, version: '1', report: (_error, page) => seen.push(page) },
    )
    const away = await call({ socketPath: face.address, path: '/api/v1/transactions' })
    assert.deepEqual([away.status, JSON.parse(away.text)], [503, { code: 'UNAVAILABLE', text: 'the store is away' }])
    const broken = await call({ socketPath: face.address, path: '/api/v1/settings' })
    assert.equal(broken.status, 500)
    assert.doesNotMatch(broken.text, /secret/)
    assert.deepEqual(seen, ['GET /api/v1/settings'])
    await face.close()
    other.remove()
  })
})

describe('the socket', () => {
  it('takes the place of one that a dead server left', async () => {
    const other = temporaryFolder()
    writeFileSync(join(other.path, 'assay.sock'), '')
    const face = await listenApi(memory.deps, { dataFolder: other.path, version: '1' })
    assert.equal((await call({ socketPath: face.address, path: '/healthz' })).status, 200)
    await face.close()
    other.remove()
  })

  it('is refused while another server answers on it', async () => {
    await assert.rejects(listenApi(memory.deps, { dataFolder: folder.path, version: '1' }), /another server answers/)
    assert.equal((await call({ socketPath, path: '/healthz' })).status, 200)
  })

  it('works in a folder whose path is too long for a socket', async (t) => {
    if (process.platform !== 'linux') return t.skip('needs /proc')
    const other = temporaryFolder()
    const long = join(other.path, 'x'.repeat(120), 'y'.repeat(120))
    mkdirSync(long, { recursive: true })
    const face = await listenApi(memory.deps, { dataFolder: long, version: '1' })
    assert.deepEqual(readdirSync(long), ['assay.sock'])
    await assert.rejects(listenApi(memory.deps, { dataFolder: long, version: '1' }), /another server answers/)
    await face.close()
    assert.deepEqual(readdirSync(long), [])
    other.remove()
  })

  it('names a data folder that is not there', async () => {
    await assert.rejects(listenApi(memory.deps, { dataFolder: join(folder.path, 'none'), version: '1' }))
  })
})

describe('the console port', () => {
  it('serves health, readiness, metrics and one page, and nothing of the API', async () => {
    const face = await listenConsole(memory.deps, { address: '127.0.0.1', port: 0 })
    const { port } = face
    assert.equal(face.address, `127.0.0.1:${port}`)
    assert.equal((await call({ port, path: '/healthz' })).text, '{"status":"ok"}')
    assert.equal((await call({ port, path: '/readyz' })).status, 200)
    assert.match(
      String((await call({ port, path: '/metrics' })).headers['content-type']),
      /^text\/plain; version=0\.0\.4/,
    )
    assert.match((await call({ port, path: '/' })).text, /<h1>Assay 9\.8\.7 is/)
    for (const path of ['/api/v1/status', '/api/v1/settings', '/api/v1/transactions', '/api/v1/openapi.json'])
      assert.equal((await call({ port, path })).status, 404, path)
    assert.equal((await call({ port, method: 'POST', path: '/' })).status, 404)
    await face.close()
    await assert.rejects(call({ port, path: '/healthz' }))
  })

  it('is 503 on /readyz with the reasons while an engine is down', async () => {
    const readiness = async () => ({ ready: false, reasons: ['yara is down'] })
    const face = await listenConsole({ ...memory.deps, readiness }, { address: '127.0.0.1', port: 0 })
    const answer = await call({ port: face.port, path: '/readyz' })
    assert.deepEqual([answer.status, JSON.parse(answer.text).reasons], [503, ['yara is down']])
    await face.close()
  })

  it('asks a part that hangs once, and gives up with 503', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    let asked = 0
    const status = () => {
      asked++
      return new Promise<never>(() => {})
    }
    const { withinDeadline } = await import('../../src/api/deadline.ts')
    const watched = withinDeadline({ ...memory.deps, status }, 1000)
    const answers = [watched.status(), watched.status(), watched.status()]
    t.mock.timers.tick(1000)
    for (const answer of answers) await assert.rejects(answer, Unavailable)
    assert.equal(asked, 1)
  })

  for (const address of ['0.0.0.0', '::', '192.0.2.1', '2001:db8::1', 'example.com', '']) {
    it(`refuses ${JSON.stringify(address)}`, async () => {
      await assert.rejects(listenConsole(memory.deps, { address, port: 0 }), /console: /)
    })
  }

  for (const address of ['127.0.0.1', '127.8.8.8', '::1', 'localhost']) {
    it(`may listen on ${address}`, () => assert.equal(consoleAddressFault(address), undefined))
  }

  it('rejects when the port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    await assert.rejects(listenConsole(memory.deps, { address: '127.0.0.1', port }), { code: 'EADDRINUSE' })
    taken.close()
  })
})

describe('the status page', () => {
  const hostile = '<img src=x onerror=alert(1)>"\'&'
  const status = async () =>
    sampleStatus({
      version: hostile,
      readiness: { ready: false, reasons: [hostile] },
      engines: [{ engine: hostile, state: 'down', version: hostile, detail: 'DETAIL' }],
      listeners: [{ name: 'icap', address: '203.0.113.9:1344', state: 'failed', detail: 'DETAIL' }],
    })

  it('escapes everything, has no script and a policy that would stop one', async () => {
    const face = await listenConsole({ ...memory.deps, status }, { address: '127.0.0.1', port: 0 })
    const { headers, text } = await call({ port: face.port, path: '/' })
    await face.close()
    assert.ok(!text.includes('<img'))
    assert.ok(text.includes('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;'))
    assert.doesNotMatch(text, /<script|javascript:/i)
    const policy = String(headers['content-security-policy'])
    assert.match(policy, /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}';/)
    assert.doesNotMatch(policy, /unsafe|script-src/)
    assert.equal(headers['x-content-type-options'], 'nosniff')
  })

  it('shows neither addresses nor details', async () => {
    const face = await listenConsole({ ...memory.deps, status }, { address: '127.0.0.1', port: 0 })
    const { text } = await call({ port: face.port, path: '/' })
    await face.close()
    assert.doesNotMatch(text, /DETAIL|203\.0\.113\.9/)
  })
})
