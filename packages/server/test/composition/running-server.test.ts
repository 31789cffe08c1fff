import assert from 'node:assert/strict'
import { connect } from 'node:net'
import process from 'node:process'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createIcapClient } from '@assay/icap'
import { processLine } from '../e2e/process-table.ts'
import { freePorts, isListening, waitFor } from '../e2e/programs.ts'
import { connectIcap, OPTIONS, type RawConnection, respmod } from '../e2e/raw-icap.ts'
import { EICAR, plainText } from '../e2e/samples.ts'
import { callApi, removeFolder, repeat, type Server, startServer } from './server-rig.ts'

const BODY = plainText('running server', 3000)

let server: Server
before(async () => {
  server = await startServer({ workers: 2 })
})
after(async () => {
  await server.kill()
  removeFolder(server.data)
})

/** Opens that many connections at once, asks OPTIONS on each; gives their answers' status in no order. */
async function burst(count: number): Promise<{ connections: RawConnection[]; statuses: number[] }> {
  const connections = await Promise.all(Array.from({ length: count }, () => connectIcap(server.ports.icap)))
  const statuses = await Promise.all(connections.map(askOptions))
  return { connections, statuses }
}

/** 0: closed without an answer. */
async function askOptions(connection: RawConnection): Promise<number> {
  connection.send(OPTIONS('response'))
  return connection.answer().then(
    ({ status }) => status,
    () => 0,
  )
}

function times(statuses: readonly number[], status: number): number {
  return statuses.filter((one) => one === status).length
}

async function untilNobodyIsConnected(): Promise<void> {
  await waitFor('no connection to be open', async () => (await server.status()).connections.inUse === 0)
}

describe('clients.maxConnections', () => {
  it('is exact over two workers: of 50 connections at once 10 are served, 40 get 503', async () => {
    await server.set({ 'clients.maxConnections': 10 })
    const { connections, statuses } = await burst(50)
    assert.deepEqual([times(statuses, 200), times(statuses, 503)], [10, 40])
    for (const connection of connections) connection.close()
    await untilNobodyIsConnected()
  })

  it('gives room again as connections close, and not before', async () => {
    const first = await burst(10)
    assert.equal(times(first.statuses, 200), 10)
    assert.equal(times((await burst(3)).statuses, 503), 3)
    for (const connection of first.connections.slice(0, 4)) connection.close()
    const next = await waitFor('four places', async () => {
      const tried = await burst(4)
      if (times(tried.statuses, 200) === 4) return tried
      for (const connection of tried.connections) connection.close()
      return undefined
    })
    assert.equal(times((await burst(3)).statuses, 503), 3)
    for (const connection of [...first.connections, ...next.connections]) connection.close()
    await untilNobodyIsConnected()
  })

  it('lowered while connections live: they live on, new ones wait for the new limit', async () => {
    const { connections, statuses } = await burst(10)
    assert.equal(times(statuses, 200), 10)
    await server.set({ 'clients.maxConnections': 3 })
    assert.deepEqual(await Promise.all(connections.map(askOptions)), Array(10).fill(200))
    for (const connection of connections.slice(0, 7)) connection.close()
    await waitFor('three connections', async () => (await server.status()).connections.inUse === 3)
    assert.equal(times((await burst(5)).statuses, 503), 5)
    for (const connection of connections) connection.close()
    await untilNobodyIsConnected()
    const after = await burst(8)
    assert.deepEqual([times(after.statuses, 200), times(after.statuses, 503)], [3, 5])
    for (const connection of after.connections) connection.close()
    await server.set({ 'clients.maxConnections': null })
    await untilNobodyIsConnected()
  })

  it('holds while workers die', async () => {
    await server.set({ 'clients.maxConnections': 10 })
    const { connections } = await burst(10)
    const [victim] = await server.pids('worker')
    process.kill(victim ?? 0, 'SIGKILL')
    await waitFor('another worker', async () => {
      const pids = await server.pids('worker')
      return pids.length === 2 && !pids.includes(victim ?? 0)
    })
    const left = connections.filter((connection) => !connection.closed()).length
    const more = await burst(20)
    assert.equal(times(more.statuses, 200), 10 - left)
    for (const connection of [...connections, ...more.connections]) connection.close()
    await server.set({ 'clients.maxConnections': null })
    await untilNobodyIsConnected()
  })
})

describe('clients.onlyListed', () => {
  it('is obeyed from the moment that the save returns, and so is its end', async () => {
    assert.equal((await server.options()).status, 200)
    await server.set({ 'clients.list': '127.0.0.2', 'clients.onlyListed': 'on' })
    assert.deepEqual(
      (await Promise.all(Array.from({ length: 8 }, () => server.options()))).map(({ status }) => status),
      Array(8).fill(403),
    )
    const listed = await connectIcap(server.ports.icap, { from: '127.0.0.2' })
    assert.equal(await askOptions(listed), 200)
    listed.close()
    await server.set({ 'clients.onlyListed': 'off' })
    assert.equal((await server.options()).status, 200)
  })
})

describe('lists', () => {
  it('a new entry blocks the very next request, and the ISTag is another one', async () => {
    const tag = (await server.options()).headers.get('istag')
    assert.equal((await server.respond('list-me', BODY)).status, 204)
    const added = await server.api('POST', '/lists/entries', {
      list: 'user-defined',
      type: 'url',
      value: 'http://www.example.com/list-me',
    })
    assert.deepEqual([added.status, added.json], [200, { changed: 1 }])
    const answers = await Promise.all(Array.from({ length: 8 }, () => server.respond('list-me', BODY)))
    for (const answer of answers) assert.match(answer.httpHead, /^HTTP\/1\.1 403/)
    assert.equal((await server.respond('another', BODY)).status, 204)
    assert.notEqual((await server.options()).headers.get('istag'), tag)
  })

  it('a removed entry blocks nothing from the next request on', async () => {
    const query = new URLSearchParams({ list: 'user-defined', type: 'url', value: 'http://www.example.com/list-me' })
    assert.deepEqual((await server.api('DELETE', `/lists/entries?${query}`)).json, { changed: 1 })
    assert.equal((await server.respond('list-me', BODY)).status, 204)
  })

  it('an import of 60,000 lines goes on while clients are served, and is used when it returns', async () => {
    const lines = function* () {
      for (let block = 0; block < 60; block++)
        yield Array.from({ length: 1000 }, (_, n) => `http://host-${block}.example/${n}\n`).join('')
    }
    const client = createIcapClient({ host: '127.0.0.1', port: server.ports.icap })
    const load = repeat((n) => ask(client, `import-load-${n}`))
    const imported = await server.api(
      'POST',
      '/lists/import?list=generated&type=url&risk=high',
      Readable.from(lines(), { objectMode: false }),
    )
    assert.deepEqual([imported.status, imported.json], [200, { changed: 60_000 }])
    const answer = await exchangeUrl('http://host-59.example/999')
    assert.match(answer.httpHead, /^HTTP\/1\.1 403/)
    assert.ok(load.done() > 5, `${load.done()} requests were answered meanwhile`)
    assert.deepEqual(await load.stop(), [])
    client.close()
  })

  it('an import whose client goes away changes nothing', async () => {
    const before = (await server.api('GET', '/lists/counts')).json
    const endless = new Readable({ read() {} })
    endless.push('http://half.example/1\n'.repeat(10))
    const request = callApi(server.data, {
      method: 'POST',
      path: '/lists/import?list=user-defined&type=url',
      body: endless,
    })
    await sleep(200)
    endless.destroy()
    // The pipe ends, the request does not: the server's own time limits are not waited for here.
    void request.catch(() => {})
    assert.deepEqual((await server.api('GET', '/lists/counts')).json, before)
  })
})

/** A RESPMOD on a connection that is kept. */
async function ask(client: ReturnType<typeof createIcapClient>, name: string, body = BODY): Promise<void> {
  const reply = await client.request({
    method: 'RESPMOD',
    service: 'response',
    requestHead: Buffer.from(`GET http://www.example.com/${name} HTTP/1.1\r\nHost: www.example.com\r\n\r\n`),
    responseHead: Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`),
    body,
    allow204: true,
  })
  for await (const _ of reply.body ?? []);
  if (reply.status !== 204 && reply.status !== 200) throw new Error(`ICAP ${reply.status}`)
}

async function exchangeUrl(url: string) {
  const connection = await connectIcap(server.ports.icap)
  connection.send(respmod({ url, body: BODY }))
  const answer = await connection.answer()
  connection.close()
  return answer
}

const RULE = (word: string) => `rule ${word} { meta: risk = "high" strings: $a = "${word}-marker" condition: $a }`

describe('rules', () => {
  it('are changed under load without one failed answer, and are used when the command returns', async () => {
    const clients = Array.from({ length: 4 }, () => createIcapClient({ host: '127.0.0.1', port: server.ports.icap }))
    const loads = clients.map((client, at) => repeat((n) => ask(client, `rules-load-${at}-${n}`)))
    const sample = Buffer.concat([BODY, Buffer.from('first-marker')])
    assert.equal((await server.respond('rule-sample', sample)).status, 204)
    const tag = (await server.options()).headers.get('istag')
    const added = await server.api('POST', '/rules', { name: 'own.yar', text: RULE('first') })
    assert.equal(added.json.file?.state ?? added.json.state, 'loaded', added.text)
    for (let n = 0; n < 6; n++)
      assert.match((await server.respond('rule-sample', sample)).httpHead, /^HTTP\/1\.1 403/, 'every worker')
    assert.notEqual((await server.options()).headers.get('istag'), tag)
    const removed = await server.api('DELETE', '/rules/own.yar')
    assert.equal(removed.status, 200, removed.text)
    assert.equal((await server.respond('rule-sample', sample)).status, 204)
    assert.equal((await server.options()).headers.get('istag'), tag, 'the same rules again are the same tag')
    for (const load of loads) {
      assert.ok(load.done() > 3)
      assert.deepEqual(await load.stop(), [])
    }
    for (const client of clients) client.close()
  })
})

describe('a rule file', () => {
  it('that takes the compiler down is refused, and takes nobody with it', async () => {
    const text = `rule deep { condition: ${'('.repeat(100_000)}true${')'.repeat(100_000)} }`
    const answer = await server.api('POST', '/rules', { name: 'deep.yar', text })
    assert.ok(answer.status === 422 || answer.json?.file?.state === 'quarantined', answer.text)
    assert.equal((await server.respond('after-deep', BODY)).status, 204)
    assert.ok(!(await server.api('GET', '/rules')).text.includes('deep.yar') || answer.status === 200)
  })
})

describe('settings', () => {
  it('set by many at once are all kept, each in a revision of its own', async () => {
    const before = (await server.status()).settingsRevision
    const saves = Array.from({ length: 12 }, (_, n) =>
      server.api('PUT', '/settings', { updates: { 'icap.optionsTtlS': 100 + n } }),
    )
    const answers = await Promise.all(saves)
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array(12).fill(200),
    )
    assert.deepEqual(
      answers.map(({ json }) => json.revision).sort((a, b) => a - b),
      Array.from({ length: 12 }, (_, n) => before + n + 1),
    )
    const last = answers.reduce((a, b) => (a.json.revision > b.json.revision ? a : b))
    const ttl = (await server.options()).headers.get('options-ttl')
    assert.equal(Number(ttl), 100 + answers.indexOf(last))
  })

  it('set while workers are being killed are saved, and used by those that come after', async () => {
    const pids = await server.pids('worker')
    const saves = Promise.all(Array.from({ length: 6 }, (_, n) => server.set({ 'icap.optionsTtlS': 200 + n })))
    for (const pid of pids) {
      process.kill(pid, 'SIGKILL')
      await sleep(100)
    }
    await saves
    await waitFor('two new workers', async () => {
      const now = await server.pids('worker')
      return now.length === 2 && now.every((pid) => !pids.includes(pid))
    })
    const answers = await Promise.all(Array.from({ length: 8 }, () => server.options()))
    assert.deepEqual(new Set(answers.map(({ headers }) => headers.get('options-ttl'))), new Set(['205']))
  })

  it('with pages of 5 MB are taken and sent', async () => {
    const page = `page ${'x'.repeat(5_000_000)}`
    await server.set({ 'pages.fileDownload': page, 'pages.fileUpload': page, 'pages.urlAccess': page })
    const answer = await server.respond('big-page', EICAR)
    assert.equal(answer.body.length, page.length)
    const exported = await server.api('GET', '/settings/export')
    assert.equal(exported.status, 200)
    const applied = await server.api('POST', '/settings/apply', { text: exported.text })
    assert.deepEqual([applied.status, applied.json?.changed], [200, []], applied.text.slice(0, 500))
    await server.set({ 'pages.fileDownload': null, 'pages.fileUpload': null, 'pages.urlAccess': null })
  })

  it('with another address on the same port close the old one before they open the new one, and back', async () => {
    const { icap } = server.ports
    await server.set({ 'icap.listen': '127.0.0.1' })
    assert.deepEqual(
      (await server.status()).listeners.filter(({ name }) => name === 'icap').map(({ address }) => address),
      [`127.0.0.1:${icap}`],
    )
    assert.equal((await server.options()).status, 200)
    await server.set({ 'icap.listen': null })
    assert.equal((await server.options()).status, 200)
    const away = connect(icap, '127.0.0.5')
    await new Promise((resolve, reject) => away.once('connect', resolve).once('error', reject))
    away.destroy()
  })

  it('with a port move it, and a replaced worker serves on it too', async () => {
    const [next = 0] = await freePorts(1)
    const old = server.ports.icap
    const kept = await connectIcap(old)
    await server.set({ 'icap.port': next })
    assert.equal(await isListening(old), false)
    assert.equal(await askOptions(kept), 200, 'a connection of before lives on')
    kept.close()
    const before = await server.pids('worker')
    for (const pid of before) process.kill(pid, 'SIGKILL')
    await waitFor('two new workers', async () => {
      const now = await server.pids('worker')
      return now.length === 2 && now.every((pid) => !before.includes(pid))
    })
    const connection = await connectIcap(next)
    assert.equal(await askOptions(connection), 200)
    connection.close()
    await server.set({ 'icap.port': old })
    assert.equal((await server.options()).status, 200)
  })
})

describe('workers', () => {
  it('that are killed are replaced, and take only their own connections with them', async () => {
    const { connections } = await burst(24)
    const [victim = 0, other = 0] = await server.pids('worker')
    process.kill(victim, 'SIGKILL')
    await waitFor('the worker to be gone', () => processLine(victim) === undefined)
    await sleep(100)
    const living = connections.filter((connection) => !connection.closed())
    assert.ok(living.length > 0 && living.length < connections.length, `${living.length} of 24 live`)
    assert.deepEqual(await Promise.all(living.map(askOptions)), Array(living.length).fill(200))
    const pids = await waitFor('its successor', async () => {
      const now = await server.pids('worker')
      return now.length === 2 && !now.includes(victim) ? now : undefined
    })
    assert.ok(pids.includes(other))
    for (const connection of connections) connection.close()
  })

  it('that stand still are killed and replaced while the other one serves; a save waits for that and no longer', async () => {
    const [victim = 0] = await server.pids('worker')
    process.kill(victim, 'SIGSTOP')
    const startedMs = Date.now()
    const saved = server.set({ 'icap.optionsTtlS': 301 })
    let served = 0
    while (Date.now() - startedMs < 3000) {
      const answer = await Promise.race([server.options().catch(() => undefined), sleep(200)])
      if (answer?.status === 200) served++
    }
    assert.ok(served > 0, 'the other one serves')
    await waitFor('the still one to be killed', () => processLine(victim) === undefined, 20_000)
    await saved
    assert.ok(Date.now() - startedMs < 25_000)
    const answers = await Promise.all(Array.from({ length: 6 }, () => server.options()))
    assert.deepEqual(new Set(answers.map(({ headers }) => headers.get('options-ttl'))), new Set(['301']))
  })
})

describe('an attacker', () => {
  const garbage: readonly [string, string | Buffer][] = [
    ['bytes', Buffer.from(Array.from({ length: 4096 }, (_, n) => (n * 7919) % 256))],
    ['a head without an end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(100_000)}`],
    [
      'two lengths',
      'PUT /api/v1/settings HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'JSON that nests',
      `PUT /api/v1/settings HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 40000\r\n\r\n${'['.repeat(40_000)}`,
    ],
    ['a TLS greeting', Buffer.from('16030100c8010000c40303', 'hex')],
  ]
  for (const [what, bytes] of garbage)
    it(`on the API socket with ${what} does no harm`, async () => {
      const socket = connect(`${server.data}/assay.sock`)
      socket.on('error', () => {})
      socket.write(bytes)
      await sleep(100)
      socket.destroy()
      assert.equal((await server.api('GET', '/status')).status, 200)
    })

  it('with 700 idle connections takes all permits and no more: the rest get 503, the server lives, and all come back', async () => {
    await waitFor('two workers', async () => (await server.pids('worker')).length === 2)
    await server.set({ 'clients.maxConnections': 200 })
    const sockets = await Promise.all(
      Array.from(
        { length: 700 },
        () =>
          new Promise<ReturnType<typeof connect>>((resolve) => {
            const socket = connect(server.ports.icap, '127.0.0.1', () => resolve(socket))
            socket.on('error', () => resolve(socket))
            socket.resume()
          }),
      ),
    )
    await waitFor('the permits to be used', async () => (await server.status()).connections.inUse === 200)
    assert.equal((await server.options()).status, 503)
    assert.equal((await server.pids('worker')).length, 2)
    for (const socket of sockets) socket.destroy()
    await untilNobodyIsConnected()
    await server.set({ 'clients.maxConnections': null })
    assert.equal((await server.respond('after-the-flood', BODY)).status, 204)
  })
})
