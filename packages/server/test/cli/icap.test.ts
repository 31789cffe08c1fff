import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createIcapServer, type IcapServer, type Transaction } from '@assay/icap'
import { CommanderError } from 'commander'
import { icapCommand } from '../../src/cli/icap.ts'
import { parseIcapUrl } from '../../src/cli/icap-exchange.ts'

const PAGE = Buffer.from('blocked')
const BLOCK_HEAD = Buffer.from(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${PAGE.length}\r\n\r\n`)
const folder = mkdtempSync(join(tmpdir(), 'assay-cli-icap-'))
const file = (name: string): string => join(folder, name)

let listener: Server
let icap: IcapServer
let last: { transaction: Transaction; body: string } | undefined
let url: string

/** Blocks what holds the word virus, fails on the word crash, passes all else. */
async function handle(transaction: Transaction): Promise<void> {
  const parts: Buffer[] = []
  const keep = (bytes: Buffer): void => void parts.push(Buffer.from(bytes))
  if ((await transaction.readBody(keep)) === 'preview') {
    transaction.continueBody()
    await transaction.readBody(keep)
  }
  const body = Buffer.concat(parts)
  last = { transaction, body: String(body) }
  if (body.includes('crash')) return transaction.reply({ status: 500, error: true })
  const headers = { 'X-Note': 'seen' }
  if (body.includes('virus'))
    return transaction.reply({ status: 200, headers, section: 'res-hdr', head: BLOCK_HEAD, body: PAGE })
  if (transaction.allows204) return transaction.reply({ status: 204, headers })
  const isRequest = transaction.method === 'REQMOD'
  const head = (isRequest ? transaction.requestHead : transaction.responseHead) ?? Buffer.alloc(0)
  await transaction.reply({
    status: 200,
    headers,
    section: isRequest ? 'req-hdr' : 'res-hdr',
    head,
    ...(transaction.hasBody && { body }),
  })
}

before(async () => {
  icap = createIcapServer({
    serverHeader: 'Assay/test',
    findService: (path) => (path === 'both' ? { name: 'both', methods: ['REQMOD', 'RESPMOD'] } : undefined),
    isTag: () => 't',
    optionsFor: (_service, _peer) => ({
      status: 200,
      methods: ['REQMOD', 'RESPMOD'],
      isTag: 't',
      preview: 4,
      optionsTtlS: 60,
      maxConnections: 10,
      serviceText: 'test',
      serviceId: 'test',
      allow206: false,
    }),
    admit: () => 'ok',
    handle,
  })
  listener = createServer({ allowHalfOpen: true }, (socket) => icap.handleSocket(socket)).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  url = `icap://127.0.0.1:${(listener.address() as AddressInfo).port}/both`
  writeFileSync(file('clean'), 'hello world')
  writeFileSync(file('virus'), 'a virus')
  writeFileSync(file('crash'), 'crash')
  writeFileSync(file('big'), Buffer.alloc(17 * 1024 * 1024, 'x'))
})
after(async () => {
  listener.close()
  await icap.drain(10)
  rmSync(folder, { recursive: true })
})

/** Runs the command in this process and gives its exit code back to the test runner afterwards. */
async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const command = icapCommand({
    out: (text) => {
      said.out += text
    },
    err: (text) => {
      said.err += text
    },
  })
  try {
    await command.parseAsync(args, { from: 'user' })
    return { code: Number(process.exitCode), ...said }
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return { code: error.exitCode, ...said }
  } finally {
    process.exitCode = undefined
  }
}

const json = async (...args: string[]): Promise<Record<string, unknown>> => {
  const { code, out } = await run(...args, '--json')
  const result = JSON.parse(out) as Record<string, unknown>
  return { ...result, code }
}

describe('assay icap', () => {
  it('prints what a service can do', async () => {
    const { code, out } = await run('options', url)
    assert.equal(code, 0)
    assert.match(out, /^ICAP 200 OK[\s\S]*^Methods: REQMOD, RESPMOD$[\s\S]*^Preview: 4$/m)
  })

  it('follows the preview of OPTIONS, and tells that the rest was asked for', async () => {
    const { code, status, continued, blocked } = await json('respmod', url, file('clean'))
    assert.deepEqual({ code, status, continued, blocked }, { code: 0, status: 204, continued: true, blocked: false })
    assert.deepEqual([last?.body, last?.transaction.preview], ['hello world', 4])
  })

  it('exits 1 when the answer is a block', async () => {
    const result = await json('respmod', url, file('virus'))
    assert.deepEqual([result.code, result.blocked, result.httpStatus, result.bodyBytes], [1, true, 403, PAGE.length])
    assert.equal((await run('reqmod', url, file('virus'))).out.endsWith('BLOCKED\n'), true)
  })

  it('exits 2 on an ICAP error, an unreachable server and a missing file', async () => {
    assert.equal((await run('respmod', url, file('crash'))).code, 2)
    assert.equal((await run('options', `${url}-unknown`)).code, 2)
    const unreachable = await run('options', 'icap://127.0.0.1:1/x', '--json')
    assert.equal(unreachable.code, 2)
    assert.match(unreachable.out, /"ICAP_CLIENT_CONNECT"/)
    assert.equal((await run('respmod', url, file('nothing'))).code, 2)
  })

  it('exits 64 on wrong usage', async () => {
    for (const args of [
      ['options', 'http://h/x'],
      ['options'],
      ['respmod', url, '--preview', 'x'],
      ['respmod', url, '--timeout', '0'],
      ['respmod', url, '--header', 'nothing'],
      ['respmod', url, '--header', 'Encapsulated: null-body=0', '--preview', 'none'],
      ['respmod', url, '--odd'],
    ]) {
      assert.equal((await run(...args)).code, 64, args.join(' '))
    }
  })

  it('sends what the options say', async () => {
    const options = [
      '--preview',
      'none',
      '--no-204',
      '--header',
      'X-Client-IP: 10.0.0.1',
      '--header',
      'X-A: 1',
      '--header',
      'X-A: 2',
    ]
    const http = ['--http-url', 'http://h.example/up', '--method', 'PUT', '--content-type', 'text/plain']
    const { code, status } = await json('reqmod', url, file('clean'), ...options, ...http)
    assert.deepEqual([code, status], [0, 200])
    const { headers, preview, requestHead } = last?.transaction ?? assert.fail()
    assert.deepEqual(
      [preview, headers.get('allow'), headers.get('x-client-ip'), headers.all('x-a')],
      [undefined, undefined, '10.0.0.1', ['1', '2']],
    )
    assert.equal(
      String(requestHead),
      'PUT http://h.example/up HTTP/1.1\r\nHost: h.example\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\n',
    )
  })

  it('sends no body without a file', async () => {
    await run('reqmod', url)
    assert.deepEqual([last?.transaction.hasBody, String(last?.transaction.requestHead).slice(0, 4)], [false, 'GET '])
  })

  it('writes the body that came back, and after a 204 the original', async () => {
    for (const more of [[], ['--no-204']]) {
      assert.equal((await run('respmod', url, file('clean'), '-o', file('out'), ...more)).code, 0)
      assert.equal(readFileSync(file('out'), 'utf8'), 'hello world')
    }
  })

  it('streams a large file', async () => {
    const { code, bodyBytes } = await json('respmod', url, file('big'), '--no-204', '--preview', '1024')
    assert.deepEqual([code, bodyBytes], [0, 17 * 1024 * 1024])
  })

  const urls = [
    { text: 'icap://h/s', is: { host: 'h', port: 1344, tls: false, service: 's' } },
    { text: 'icaps://h/s', is: { host: 'h', port: 11344, tls: true, service: 's' } },
    { text: 'icap://[::1]:99/s/t?a=b', is: { host: '::1', port: 99, tls: false, service: 's/t?a=b' } },
    { text: 'h:1344/s', is: undefined },
    { text: 'icap:s', is: undefined },
  ]
  for (const { text, is } of urls) {
    it(`reads the URL ${text}`, () => assert.deepEqual(parseIcapUrl(text), is))
  }
})
