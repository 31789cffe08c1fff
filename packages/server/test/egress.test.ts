import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { addressKind, createEgress, type EgressRequest, type HostAddress } from '../src/egress.ts'

const servers: { close(): unknown; closeAllConnections?(): void }[] = []
after(() => {
  for (const server of servers) {
    server.closeAllConnections?.()
    server.close()
  }
})

async function serve(listener: RequestListener, host = '127.0.0.1'): Promise<number> {
  const server: Server = createServer(listener).listen(0, host)
  servers.push(server)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Sends these bytes to everyone, whatever they ask, and closes. */
async function serveBytes(bytes: string): Promise<number> {
  const server = createTcpServer((socket: Socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(bytes))
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const LOOPBACK: readonly HostAddress[] = [{ address: '127.0.0.1', family: 4 }]
const named = createEgress({ namedHosts: ['feed.example', '127.0.0.1'], resolve: async () => LOOPBACK })

function ask(url: string, more: Partial<EgressRequest> = {}): EgressRequest {
  return { url, maxBytes: 1000, timeoutMs: 5000, ...more }
}

async function get(request: EgressRequest, egress = named) {
  const chunks: Buffer[] = []
  const reply = await egress(request, (chunk) => void chunks.push(chunk))
  return { ...reply, text: Buffer.concat(chunks).toString() }
}

const addresses = [
  ['8.8.8.8', 'outside'],
  ['2606:4700::1', 'outside'],
  ['127.0.0.1', 'inside'],
  ['127.255.0.1', 'inside'],
  ['10.1.2.3', 'inside'],
  ['172.16.0.1', 'inside'],
  ['172.32.0.1', 'outside'],
  ['192.168.1.1', 'inside'],
  ['100.64.0.1', 'inside'],
  ['100.128.0.1', 'outside'],
  ['::1', 'inside'],
  ['fc00::1', 'inside'],
  ['fd12:3456::1', 'inside'],
  ['0.0.0.0', 'never'],
  ['0.1.2.3', 'never'],
  ['169.254.169.254', 'never'],
  ['169.254.0.1', 'never'],
  ['100.100.100.200', 'never'],
  ['224.0.0.1', 'never'],
  ['255.255.255.255', 'never'],
  ['::', 'never'],
  ['fe80::1', 'never'],
  ['febf::1', 'never'],
  ['fe80::1%eth0', 'never'],
  ['ff02::1', 'never'],
  ['fd00:ec2::254', 'never'],
  ['::ffff:169.254.169.254', 'never'],
  ['::ffff:a9fe:a9fe', 'never'],
  ['::ffff:127.0.0.1', 'inside'],
  ['::ffff:8.8.8.8', 'outside'],
  ['::127.0.0.1', 'inside'],
  ['64:ff9b::a9fe:a9fe', 'never'],
  ['64:ff9b::10.0.0.1', 'inside'],
  ['64:ff9b::8.8.8.8', 'outside'],
  ['2002:7f00:1::', 'inside'],
  ['2002:a9fe:a9fe::1', 'never'],
  ['not an address', 'never'],
] as const

describe('egress: addresses', () => {
  for (const [address, kind] of addresses) it(`${address} is ${kind}`, () => assert.equal(addressKind(address), kind))
})

describe('egress: where it does not go', () => {
  const inside = createEgress({ namedHosts: ['other.example'], resolve: async () => LOOPBACK })
  const metadata = createEgress({
    namedHosts: ['feed.example'],
    resolve: async () => [{ address: '169.254.169.254', family: 4 }],
  })
  const mixed = createEgress({
    resolve: async () => [
      { address: '8.8.8.8', family: 4 },
      { address: '10.0.0.1', family: 4 },
    ],
  })
  const nowhere = createEgress({ resolve: async () => [] })
  const failing = createEgress({ resolve: () => Promise.reject(new Error('SERVFAIL')) })
  const rows = [
    {
      url: 'http://feed.example/',
      egress: inside,
      fault: 'refused-address',
      because: 'private, and another host was named',
    },
    { url: 'http://127.0.0.1/', egress: inside, fault: 'refused-address', because: 'loopback as an address' },
    { url: 'http://2130706433/', egress: inside, fault: 'refused-address', because: 'loopback as a number' },
    { url: 'http://0x7f.1/', egress: inside, fault: 'refused-address', because: 'loopback in hexadecimal' },
    {
      url: 'http://[::ffff:127.0.0.1]/',
      egress: inside,
      fault: 'refused-address',
      because: 'loopback mapped into IPv6',
    },
    {
      url: 'http://feed.example/',
      egress: metadata,
      fault: 'refused-address',
      because: 'a named host may not be metadata',
    },
    {
      url: 'http://feed.example/',
      egress: mixed,
      fault: 'refused-address',
      because: 'one of its addresses is private',
    },
    { url: 'http://feed.example/', egress: nowhere, fault: 'name-not-found', because: 'no address' },
    { url: 'http://feed.example/', egress: failing, fault: 'name-not-found', because: 'the resolver fails' },
    { url: 'ftp://feed.example/', egress: named, fault: 'bad-url', because: 'not http' },
    { url: 'file:///etc/passwd', egress: named, fault: 'bad-url', because: 'a file' },
    { url: 'nonsense', egress: named, fault: 'bad-url', because: 'no URL' },
    { url: 'http://user:pass@feed.example/', egress: named, fault: 'bad-url', because: 'credentials in the URL' },
    { url: 'http://127.0.0.1:1/', egress: named, fault: 'connection', because: 'nobody listens' },
  ] as const
  for (const { url, egress, fault, because } of rows)
    it(`${url}: ${fault}, ${because}`, () => assert.rejects(get(ask(url), egress), { name: 'EgressError', fault }))
})

describe('egress: one look-up', () => {
  it('connects to the address that was checked, not to a second answer', async () => {
    const port = await serve((_request, response) => response.end('first'))
    let lookups = 0
    const rebinding = createEgress({
      namedHosts: ['feed.example'],
      resolve: async () => (lookups++ === 0 ? LOOPBACK : [{ address: '169.254.169.254', family: 4 }]),
    })
    assert.equal((await get(ask(`http://feed.example:${port}/`), rebinding)).text, 'first')
    assert.equal(lookups, 1)
    await assert.rejects(get(ask(`http://feed.example:${port}/`), rebinding), { fault: 'refused-address' })
  })

  it('sends the name as Host, and reads no proxy variable', async () => {
    process.env.http_proxy = 'http://127.0.0.1:1'
    const port = await serve((request, response) => response.end(request.headers.host))
    assert.equal((await get(ask(`http://feed.example:${port}/`))).text, `feed.example:${port}`)
    delete process.env.http_proxy
  })
})

describe('egress: redirects', () => {
  let port = 0
  const seen: { path: string; method: string; headers: IncomingMessage['headers'] }[] = []
  const routes: Record<string, (response: ServerResponse) => void> = {
    '/loop': (response) => response.writeHead(302, { location: '/loop' }).end(),
    '/end': (response) => response.end('end'),
    '/same': (response) => response.writeHead(307, { location: '/end' }).end(),
    '/303': (response) => response.writeHead(303, { location: '/end' }).end(),
    '/other': (response) => response.writeHead(307, { location: `http://127.0.0.1:${port}/end` }).end(),
    '/metadata': (response) => response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end(),
    '/file': (response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    '/inside': (response) => response.writeHead(302, { location: 'http://unnamed.example/' }).end(),
    '/5': (response) => response.writeHead(302, { location: '/4' }).end(),
    '/4': (response) => response.writeHead(302, { location: '/3' }).end(),
    '/3': (response) => response.writeHead(302, { location: '/2' }).end(),
    '/2': (response) => response.writeHead(302, { location: '/1' }).end(),
    '/1': (response) => response.writeHead(302, { location: '/end' }).end(),
    '/304': (response) => response.writeHead(304, { location: '/end' }).end(),
  }
  before(async () => {
    port = await serve((request, response) => {
      seen.push({ path: request.url ?? '', method: request.method ?? '', headers: request.headers })
      const route = routes[request.url ?? '']
      if (route) route(response)
      else response.writeHead(404).end()
    })
  })

  const at = (path: string, more: Partial<EgressRequest> = {}) => get(ask(`http://feed.example:${port}${path}`, more))

  it('follows five, not six', async () => {
    assert.equal((await at('/5')).text, 'end')
    await assert.rejects(at('/loop'), { fault: 'too-many-redirects' })
  })

  for (const [path, fault] of [
    ['/metadata', 'refused-address'],
    ['/inside', 'refused-address'],
    ['/file', 'bad-url'],
  ] as const)
    it(`checks where ${path} leads: ${fault}`, () => assert.rejects(at(path), { fault }))

  it('hands an answer that is no redirect to the caller', async () => {
    assert.equal((await at('/304')).status, 304)
    assert.equal((await at('/nothing')).status, 404)
  })

  it('keeps credentials on the same origin and drops them on another', async () => {
    const headers = { Authorization: 'Bearer x', 'X-Api-Key': 'k', Cookie: 'c', Accept: 'text/csv' }
    await at('/same', { headers })
    assert.equal(seen.at(-1)?.headers.authorization, 'Bearer x')
    await at('/other', { headers })
    const last = seen.at(-1)?.headers
    assert.deepEqual(
      [last?.authorization, last?.['x-api-key'], last?.cookie, last?.accept],
      [undefined, undefined, undefined, 'text/csv'],
    )
  })

  it('asks again with GET after 303, with the same method and body after 307', async () => {
    await at('/303', { method: 'POST', body: Buffer.from('abc') })
    assert.deepEqual([seen.at(-1)?.method, seen.at(-1)?.headers['content-length']], ['GET', undefined])
    await at('/same', { method: 'POST', body: Buffer.from('abc') })
    assert.deepEqual([seen.at(-1)?.method, seen.at(-1)?.headers['content-length']], ['POST', '3'])
  })
})

describe('egress: bounds', () => {
  it('refuses a body that says it is too large before reading it', async () => {
    const port = await serve((_request, response) => response.writeHead(200, { 'content-length': 5000 }).flushHeaders())
    let bytes = 0
    const reading = named(ask(`http://127.0.0.1:${port}/`), (chunk) => {
      bytes += chunk.length
    })
    await assert.rejects(reading, { fault: 'too-large' })
    assert.equal(bytes, 0)
  })

  it('refuses a body without a length once it is too large', async () => {
    const port = await serve((_request, response) => {
      const timer = setInterval(() => response.write('x'.repeat(400)), 1)
      response.on('close', () => clearInterval(timer))
    })
    await assert.rejects(get(ask(`http://127.0.0.1:${port}/`)), { fault: 'too-large' })
  })

  it('takes exactly the bound', async () => {
    const port = await serve((_request, response) => response.end('x'.repeat(1000)))
    assert.equal((await get(ask(`http://127.0.0.1:${port}/`))).bytes, 1000)
  })

  for (const [what, bytes] of [
    ['less than Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc'],
    ['a cut chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nabc'],
    ['chunks without the last', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
  ] as const)
    it(`never takes ${what} for a whole answer`, async () => {
      const port = await serveBytes(bytes)
      await assert.rejects(get(ask(`http://127.0.0.1:${port}/`)), { fault: 'cut-short' })
    })

  for (const [what, bytes] of [
    ['no HTTP', 'SSH-2.0-x\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['a head without end', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(100_000)}`],
    ['nothing', ''],
    ['101', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'],
  ] as const)
    it(`fails on ${what}`, async () => {
      const port = await serveBytes(bytes)
      await assert.rejects(get(ask(`http://127.0.0.1:${port}/`)), { name: 'EgressError' })
    })

  it('gives up at its deadline, in the head, in the body, in the look-up and in the sink', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/body') response.write('x')
      if (request.url === '/sink') response.end('x')
    })
    const short = { timeoutMs: 150 }
    await assert.rejects(get(ask(`http://127.0.0.1:${port}/head`, short)), { fault: 'timeout' })
    await assert.rejects(get(ask(`http://127.0.0.1:${port}/body`, short)), { fault: 'timeout' })
    await assert.rejects(
      named(ask(`http://127.0.0.1:${port}/sink`, short), () => new Promise(() => {})),
      { fault: 'timeout' },
    )
    const stuck = createEgress({ resolve: () => new Promise(() => {}) })
    await assert.rejects(get(ask('http://feed.example/', short), stuck), { fault: 'timeout' })
  })

  it('stops when the caller does, and when the sink fails', async () => {
    const port = await serve((_request, response) => response.write('x'))
    const signal = AbortSignal.timeout(50)
    await assert.rejects(get(ask(`http://127.0.0.1:${port}/`, { signal })), { fault: 'aborted' })
    const failing = named(ask(`http://127.0.0.1:${port}/`), () => Promise.reject(new Error('disk full')))
    await assert.rejects(failing, { name: 'EgressError', message: 'disk full' })
  })

  it('sends a body and reads no body after HEAD', async () => {
    const port = await serve(async (request, response) => {
      let text = ''
      for await (const chunk of request) text += String(chunk)
      response.end(`${request.method} ${text}`)
    })
    assert.equal(
      (await get(ask(`http://127.0.0.1:${port}/`, { method: 'POST', body: Buffer.from('abc') }))).text,
      'POST abc',
    )
    assert.equal((await get(ask(`http://127.0.0.1:${port}/`, { method: 'HEAD' }))).text, '')
  })
})
