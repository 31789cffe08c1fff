import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { waitFor } from '../e2e/programs.ts'
import { connectIcap, OPTIONS, type RawConnection } from '../e2e/raw-icap.ts'
import { EICAR } from '../e2e/samples.ts'
import { removeFolder, type Server, startServer } from './server-rig.ts'

let server: Server
before(async () => {
  server = await startServer({ workers: 2 })
})
after(async () => {
  await server.kill()
  removeFolder(server.data)
})

async function connections(count: number): Promise<readonly [RawConnection, number][]> {
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const connection = await connectIcap(server.ports.icap)
      connection.send(OPTIONS('response'))
      const status = await connection.answer().then(
        (answer) => answer.status,
        () => 0,
      )
      return [connection, status] as const
    }),
  )
}

describe('clients.maxPerClient', () => {
  it('leaves the other places to other clients, and gives room again', async () => {
    await server.set({ 'clients.maxPerClient': 4 })
    const options = await server.options()
    assert.match(options.headers.get('max-connections') ?? '', /^[1-4]$/)
    const first = await connections(30)
    const served = first.filter(([, status]) => status === 200).length
    assert.ok(served > 0 && served <= 4, `${served} were served`)
    assert.equal(first.filter(([, status]) => status === 503).length, 30 - served)
    for (const [connection] of first) connection.close()
    await waitFor('nobody', async () => (await server.status()).connections.inUse === 0)
    const next = await connections(1)
    assert.equal(next[0]?.[1], 200)
    for (const [connection] of next) connection.close()
    await server.set({ 'clients.maxPerClient': null })
    const all = await connections(30)
    assert.equal(all.filter(([, status]) => status === 200).length, 30, '0 is no limit')
    for (const [connection] of all) connection.close()
  })
})

function rangeMessage(body: Buffer, from: number, to: number): Buffer {
  const request = 'GET http://ranges.example/file HTTP/1.1\r\nHost: ranges.example\r\n\r\n'
  const response =
    `HTTP/1.1 206 Partial Content\r\nETag: "v1"\r\nContent-Range: bytes ${from}-${to - 1}/${body.length}\r\n` +
    `Content-Type: application/octet-stream\r\nContent-Length: ${to - from}\r\n\r\n`
  const head =
    'RESPMOD icap://h/respmod ICAP/1.0\r\nHost: h\r\nAllow: 204\r\n' +
    `Encapsulated: req-hdr=0, res-hdr=${request.length}, res-body=${request.length + response.length}\r\n\r\n`
  return Buffer.concat([
    Buffer.from(`${head}${request}${response}${(to - from).toString(16)}\r\n`),
    body.subarray(from, to),
    Buffer.from('\r\n0\r\n\r\n'),
  ])
}

async function ask(bytes: Buffer): Promise<string> {
  const connection = await connectIcap(server.ports.icap)
  connection.send(bytes)
  const { status, headers } = await connection.answer()
  connection.close()
  return `${status} ${[...headers].map((line) => line.join(': ')).join(', ')}`
}

describe('ranges of one file, over two workers', () => {
  it('are joined, whoever takes them, and the whole is blocked for what lies across them', async () => {
    const eicar = Buffer.from(EICAR)
    const cut = 30
    const body = Buffer.concat([eicar, Buffer.from(' '.repeat(40))])
    assert.match(await ask(rangeMessage(body, 0, cut)), /Not scanned \(partial\)/)
    assert.match(await ask(rangeMessage(body, cut, body.length)), /x-virus-id: /)
    for (let turn = 0; turn < 8; turn++) assert.match(await ask(rangeMessage(body, 0, cut)), /x-virus-id: /)
    const names = readdirSync(join(server.data, 'worker', 'ranges'))
    assert.deepEqual(
      names.map((name) => name.slice(64)),
      ['.blocked'],
    )
  })

  it('are clean where the whole is', async () => {
    const body = randomBytes(200_000)
    assert.match(await ask(rangeMessage(body, 100_000, 200_000)), /^200 /)
    assert.match(await ask(rangeMessage(body, 0, 100_000)), /^204 /)
  })

  it('stay partial once they are not to be joined, and what was kept goes', async () => {
    await server.set({ 'intake.rangeJoin': false })
    const body = randomBytes(2_000)
    for (const [from, to] of [
      [0, 1_000],
      [1_000, 2_000],
    ] as const)
      assert.match(await ask(rangeMessage(body, from, to)), /Not scanned \(partial\)/)
    await waitFor('an empty folder', () => readdirSync(join(server.data, 'worker', 'ranges')).length === 0, 20_000)
    await server.set({ 'intake.rangeJoin': null })
  })
})
