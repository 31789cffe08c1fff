import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import type { TransactionRecord } from '../../src/domain/transaction-record.ts'
import { Unscanned } from '../../src/domain/verdict.ts'
import { compilePages } from '../../src/icap-service/notification-page.ts'
import {
  CLEAN_LISTS,
  chunked,
  EICAR,
  GET,
  GROUP,
  icap,
  OK,
  PAGES,
  POLICY,
  parse,
  type Rig,
  startRig,
  withoutDate,
} from './service-rig.ts'

const POST = 'POST http://example.com/up HTTP/1.1\r\nHost: example.com\r\n\r\n'
const ALLOW = 'Allow: 204\r\n'

function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function lastOf(rig: Rig): TransactionRecord {
  const record = rig.records.at(-1)
  assert.ok(record, 'a record was written')
  return record
}

describe('an ICAP transaction', () => {
  let rig: Rig
  before(async () => {
    rig = await startRig()
  })
  after(async () => {
    assert.deepEqual(rig.spool.used, { diskBytes: 0, memoryBytes: 0, files: 0 }, 'nothing is left in the spool')
    await rig.close()
  })

  it('blocks EICAR with exactly these bytes', async () => {
    const answer = await rig.send(icap({ request: GET, response: OK, body: EICAR }))
    assert.equal(
      withoutDate(answer),
      'ICAP/1.0 200 OK\r\n' +
        'ISTag: "tag"\r\nServer: Assay/test\r\n' +
        'X-Virus-ID: EICAR_Test\r\n' +
        'X-Infection-Found: Type=0; Resolution=2; Threat=EICAR_Test;\r\n' +
        'X-Response-Desc: URL: No risk found; FILE: Detected by YARA Rule\r\n' +
        'Connection: keep-alive\r\n' +
        'Encapsulated: res-hdr=0, res-body=238\r\n\r\n' +
        'HTTP/1.1 403 Forbidden\r\n' +
        'Content-Type: text/plain; charset=utf-8\r\n' +
        'Cache-Control: no-store\r\n' +
        'X-Content-Type-Options: nosniff\r\n' +
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n" +
        'Content-Length: 24\r\n' +
        'Via: ICAP/1.0 assay\r\n\r\n' +
        '18\r\ndownload page EICAR_Test\r\n0\r\n\r\n',
    )
    const record = lastOf(rig)
    assert.equal(record.outcome, 'detected')
    assert.equal(record.action, 'block')
    assert.equal(record.icapStatus, 200)
    assert.equal(record.sha256, sha256(EICAR))
    assert.equal(record.size, EICAR.length)
    assert.equal(record.url, 'http://example.com/dir/file.bin')
    assert.equal(record.fileName, 'file.bin')
    assert.equal(record.mode, 'RESPMOD')
    assert.equal(record.httpStatus, 200)
  })

  it('answers 204 to a clean body where it is allowed, with X-Response-Desc', async () => {
    const answer = await rig.send(icap({ icap: ALLOW, request: GET, response: OK, body: 'harmless' }))
    assert.match(answer, /^ICAP\/1\.0 204 No Content\r\n/)
    assert.match(answer, /X-Response-Desc: URL: No risk found; FILE: No risk found\r\n/)
    assert.doesNotMatch(answer, /X-Virus-ID|X-Infection-Found/)
    assert.equal(lastOf(rig).outcome, 'clean')
  })

  const heads = [
    { head: OK, because: 'a usual head' },
    {
      head: 'HTTP/1.0 200\r\nX:  two  spaces \r\nx: dup\r\n folded\r\n\r\n',
      because: 'odd spacing, folding, no reason phrase (R6, R9)',
    },
    {
      head: 'HTTP/1.1 999 \xc4\xd6\r\nX-B: \xff\r\nSet-Cookie: a=b\r\n\r\n',
      because: 'non-ASCII bytes and an odd status (R6, R9, R13)',
    },
    { head: 'HTTP/1.1 200 OK\nX: bare LF\r\n\r\n', because: 'bare line feeds (R9)' },
  ]
  for (const { head, because } of heads) {
    it(`gives the original back byte-equal: ${because}`, async () => {
      const body = randomBytes(3000)
      const { status, httpHead, body: echoed } = parse(await rig.send(icap({ request: GET, response: head, body })))
      assert.equal(status, 200)
      assert.equal(httpHead, head)
      assert.ok(echoed.equals(body))
    })
  }

  it('takes Transfer-Encoding, and nothing else, out of a returned head (Q11)', async () => {
    const head =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\ntransfer-encoding : gzip,\r\n chunked\r\nX-After: 1\r\n\r\n'
    const { httpHead } = parse(await rig.send(icap({ request: GET, response: head, body: 'x' })))
    assert.equal(httpHead, 'HTTP/1.1 200 OK\r\nX-After: 1\r\n\r\n')
  })

  const bodiless = [
    {
      request: 'HEAD http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n',
      response: 'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n',
      because: 'HEAD',
    },
    { request: GET, response: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 20\r\n\r\n', because: '304' },
    { request: GET, response: 'HTTP/1.1 204 No Content\r\n\r\n', because: '204' },
  ]
  for (const { request, response, because } of bodiless) {
    it(`keeps a head without a body as it is: ${because} (R3, E16)`, async () => {
      const { icapHead, httpHead } = parse(await rig.send(icap({ request, response })))
      assert.match(icapHead, /Encapsulated: res-hdr=0, null-body=/)
      assert.equal(httpHead, response)
      assert.equal(lastOf(rig).size, -1)
      assert.equal(lastOf(rig).outcome, 'clean')
    })
  }

  it('answers a bodiless message 204 inside Preview: 0, without Allow (Q3)', async () => {
    assert.match(await rig.send(icap({ method: 'REQMOD', icap: 'Preview: 0\r\n', request: GET })), /^ICAP\/1\.0 204 /)
  })

  it('rates the host of CONNECT and blocks it with a 403 (Q6)', async () => {
    const request = 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n'
    const { icapHead, httpHead, body } = parse(await rig.send(icap({ method: 'REQMOD', icap: ALLOW, request })))
    assert.match(icapHead, /Encapsulated: res-hdr=0, res-body=/)
    assert.match(icapHead, /X-Response-Desc: URL: Detected by Suspicious Object; FILE: No risk found\r\n/)
    assert.match(httpHead, /^HTTP\/1\.1 403 Forbidden\r\n/)
    assert.equal(body.toString(), 'URL page evil.example:443 SuspiciousObject.URL')
    const clean = 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n'
    assert.match(await rig.send(icap({ method: 'REQMOD', icap: ALLOW, request: clean })), /^ICAP\/1\.0 204 /)
  })

  it('sends no body with the block of a HEAD request', async () => {
    const request = 'HEAD http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n'
    const { icapHead, httpHead } = parse(await rig.send(icap({ method: 'REQMOD', request })))
    assert.match(icapHead, /null-body=/)
    assert.match(httpHead, /Content-Length: \d\d/)
  })

  it('blocks a bad URL before its upload is read, and does not call it a file', async () => {
    const request = 'POST http://evil.example/up HTTP/1.1\r\nHost: evil.example\r\n\r\n'
    const answer = await rig.send(
      icap({ method: 'REQMOD', icap: 'Preview: 4\r\n', request, chunks: '4\r\nabcd\r\n0\r\n\r\n' }),
    )
    assert.match(answer, /^ICAP\/1\.0 200 OK/)
    assert.match(answer, /FILE: Not scanned \(blocked by URL\)/)
    assert.match(answer, /URL page/)
  })

  it('names the upload page for an upload', async () => {
    const { body } = parse(await rig.send(icap({ method: 'REQMOD', request: POST, body: `prefix ${EICAR}` })))
    assert.equal(body.toString(), 'upload page EICAR_Test')
  })

  it('never settles "clean" on a preview: it asks for the rest and finds EICAR there', async () => {
    const body = `${'x'.repeat(2000)}${EICAR}`
    const first = icap({
      icap: `${ALLOW}Preview: 1024\r\n`,
      request: GET,
      response: OK,
      chunks: chunked(body.slice(0, 1024)),
    })
    const answer = await rig.send([first, chunked(body.slice(1024))])
    assert.match(answer, /X-Virus-ID: EICAR_Test/)
    assert.equal(lastOf(rig).sha256, sha256(body))
  })

  it('takes a preview that ends with ieof for the whole (P2)', async () => {
    const answer = await rig.send(
      icap({ icap: 'Preview: 1024\r\n', request: GET, response: OK, chunks: '5\r\nhello\r\n0; ieof\r\n\r\n' }),
    )
    assert.match(answer, /^ICAP\/1\.0 204 /)
    assert.equal(lastOf(rig).sha256, sha256('hello'))
  })

  it('accepts an empty rest behind a preview (P5)', async () => {
    const first = icap({ icap: 'Preview: 5\r\n', request: GET, response: OK, chunks: '5\r\nhello\r\n0\r\n\r\n' })
    const { status, body } = parse(await rig.send([first, '0\r\n\r\n']))
    assert.equal(status, 200, 'no 204 after 100 Continue without Allow: 204')
    assert.equal(body.toString(), 'hello')
  })

  for (const size of [0, 1, 65_536, 65_537, 300_000, 1_048_576, 1_048_577, 20 * 1_048_576]) {
    it(`hashes and gives back ${size} bytes`, async () => {
      const body = randomBytes(size)
      const { status, body: echoed } = parse(await rig.send(icap({ request: GET, response: OK, body }), 20_000))
      assert.equal(status, 200)
      assert.ok(echoed.equals(body))
      assert.equal(lastOf(rig).sha256, sha256(body))
      assert.equal(lastOf(rig).size, size)
    })
  }

  it('finds EICAR at the end of a spooled body', async () => {
    const body = Buffer.concat([randomBytes(3 * 1_048_576), Buffer.from(EICAR)])
    assert.match(await rig.send(icap({ request: GET, response: OK, body })), /X-Virus-ID: EICAR_Test/)
  })

  const encodings = [
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['GZip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['gzip, br', (bytes: Buffer) => brotliCompressSync(gzipSync(bytes))],
  ] as const
  for (const [encoding, compress] of encodings) {
    it(`finds EICAR inside ${encoding} and returns clean bodies untouched (R8)`, async () => {
      const response = `HTTP/1.1 200 OK\r\nContent-Encoding: ${encoding}\r\n\r\n`
      const bad = compress(Buffer.from(`some text ${EICAR}`))
      assert.match(await rig.send(icap({ request: GET, response, body: bad })), /X-Virus-ID: EICAR_Test/)
      assert.equal(lastOf(rig).sha256, sha256(bad), 'the hash is that of the bytes as they came')
      const good = compress(Buffer.from('some text'))
      const { status, body } = parse(await rig.send(icap({ request: GET, response, body: good })))
      assert.equal(status, 200)
      assert.ok(body.equals(good))
      assert.equal(lastOf(rig).outcome, 'clean')
    })
  }

  const damaged = [
    { encoding: 'gzip', body: gzipSync('fine').subarray(0, 15), reason: 'malformed', because: 'cut short' },
    { encoding: 'gzip', body: Buffer.from('no gzip at all'), reason: 'malformed', because: 'not what it says' },
    {
      encoding: 'gzip',
      body: Buffer.concat([gzipSync('fine'), Buffer.from('more')]),
      reason: 'malformed',
      because: 'trailing bytes',
    },
    { encoding: 'compress', body: Buffer.from('x'), reason: 'not-unpacked', because: 'an unknown coding' },
    {
      encoding: 'gzip, gzip, gzip, gzip, gzip',
      body: Buffer.from('x'),
      reason: 'too-deep',
      because: 'too many layers',
    },
  ]
  for (const { encoding, body, reason, because } of damaged) {
    it(`calls an encoded body ${reason}: ${because}`, async () => {
      const response = `HTTP/1.1 200 OK\r\nContent-Encoding: ${encoding}\r\n\r\n`
      const answer = await rig.send(icap({ icap: ALLOW, request: GET, response, body }))
      assert.match(answer, /^ICAP\/1\.0 200 /, 'never a 204')
      assert.match(answer, new RegExp(`FILE: Not scanned \\(${reason}\\)`))
      assert.deepEqual(lastOf(rig).reasons, [reason])
      assert.equal(lastOf(rig).outcome, 'unscanned')
    })
  }

  const partial = [
    { response: 'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/100\r\n\r\n', because: 'a range' },
    { response: 'HTTP/1.1 200 OK\r\nContent-Range: bytes 0-3/100\r\n\r\n', because: 'Content-Range without 206' },
    { response: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n', because: 'shorter than its Content-Length (R11)' },
    { response: 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n', because: 'longer than its Content-Length' },
  ]
  for (const { response, because } of partial) {
    it(`never calls a part clean: ${because}`, async () => {
      const answer = await rig.send(icap({ icap: ALLOW, request: GET, response, body: 'part' }))
      assert.match(answer, /^ICAP\/1\.0 200 /)
      assert.match(answer, /FILE: Not scanned \(partial\)/)
      assert.equal(parse(answer).httpHead, response)
      assert.match(
        await rig.send(icap({ icap: ALLOW, request: GET, response, body: EICAR })),
        /X-Virus-ID/,
        'and still scans it',
      )
    })
  }

  it('accepts equal Content-Length lines and calls different ones malformed (Q9)', async () => {
    const twice = (a: number, b: number) => `HTTP/1.1 200 OK\r\nContent-Length: ${a}\r\nContent-Length: ${b}\r\n\r\n`
    assert.match(
      await rig.send(icap({ icap: ALLOW, request: GET, response: twice(4, 4), body: 'part' })),
      /^ICAP\/1\.0 204 /,
    )
    await rig.send(icap({ icap: ALLOW, request: GET, response: twice(4, 5), body: 'part' }))
    assert.deepEqual(lastOf(rig).reasons, ['malformed'])
  })

  it('serves a response without request or response head in a legal form (E9, E10)', async () => {
    assert.equal(parse(await rig.send(icap({ response: OK, body: 'x' }))).httpHead, OK)
    assert.match(await rig.send(icap({ response: OK, body: 'x' })), /URL: Not rated \(unknown\)/)
    const bare = parse(await rig.send(icap({ body: 'hello' })))
    assert.equal(bare.httpHead, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')
    assert.equal(bare.body.toString(), 'hello')
    const upload = parse(await rig.send(icap({ method: 'REQMOD', body: 'hello' })))
    assert.equal(upload.httpHead, 'POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n')
    assert.match(await rig.send(icap({ body: EICAR })), /X-Virus-ID: EICAR_Test/)
  })

  it('records what the client claims, decoded, and keeps credentials and secrets out', async () => {
    const request =
      'GET http://user:pw@example.com/f?token=s3cret&a=1 HTTP/1.1\r\nHost: example.com\r\nCookie: sid=c00kie\r\nAuthorization: Basic dTpw\r\n\r\n'
    const lines =
      'X-Client-IP: 10.1.2.3\r\nX-Server-IP: junk, 1.2.3.4\r\nX-Authenticated-User: V2luTlQ6Ly9NWURPTUFJTi91c2VyMQ==\r\n' +
      'X-Authenticated-Groups: V2luTlQ6Ly9NWURPTUFJTi9NeUdyb3Vw\r\nX-Client-Username: user1234\r\nProxy-Authorization: Basic cHJveHk=\r\n'
    await rig.send(icap({ icap: lines + ALLOW, request, response: OK, body: 'x' }))
    const record = lastOf(rig)
    assert.deepEqual(record.saved, {
      clientIp: '10.1.2.3',
      authenticatedUser: 'WinNT://MYDOMAIN/user1',
      authenticatedGroups: 'WinNT://MYDOMAIN/MyGroup',
      clientUsername: 'user1234',
    })
    assert.equal(record.url, 'http://example.com/f?token=***&a=1')
    assert.doesNotMatch(JSON.stringify(record), /s3cret|c00kie|dTpw|cHJveHk|user:pw/)
  })

  it('serves many messages on one connection, each with its own offsets (E20)', async () => {
    const messages = [
      icap({ method: 'REQMOD', request: GET }),
      icap({ method: 'REQMOD', request: POST, body: 'abc' }),
      icap({ method: 'REQMOD', request: GET }),
    ]
    const before = rig.records.length
    const answer = await rig.send(Buffer.concat(messages), 300)
    assert.deepEqual(answer.match(/Encapsulated: [^\r]*/g), [
      `Encapsulated: req-hdr=0, null-body=${GET.length}`,
      `Encapsulated: req-hdr=0, req-body=${POST.length}`,
      `Encapsulated: req-hdr=0, null-body=${GET.length}`,
    ])
    assert.equal(rig.records.length, before + 3)
  })

  it('answers a broken body with the protocol error and a record that is not clean', async () => {
    const before = rig.records.length
    const answer = await rig.send(icap({ request: GET, response: OK, chunks: '5\r\nhello\r\nzz\r\n' }))
    assert.match(answer, /^ICAP\/1\.0 400 /)
    assert.equal(rig.records.length, before + 1)
    assert.equal(lastOf(rig).outcome, 'unscanned')
    assert.equal(lastOf(rig).action, 'error')
  })
})

describe('the order of a transaction', () => {
  it('is journal, reply, discard', async () => {
    const events: string[] = []
    let journaled = (): void => {}
    const rig = await startRig({
      deps: {
        journal: () => {
          events.push('journal begins')
          return new Promise((resolve) => {
            journaled = () => {
              events.push(`journal ends, ${rig.spool.used.memoryBytes} bytes held`)
              resolve()
            }
          })
        },
      },
    })
    try {
      const answer = rig.send(icap({ request: GET, response: OK, body: 'hello' })).then((text) => {
        events.push(`answer ${parse(text).status}`)
        return text
      })
      await new Promise((resolve) => setTimeout(resolve, 60))
      assert.deepEqual(events, ['journal begins'], 'no byte goes out before the record stands')
      journaled()
      await answer
      await new Promise((resolve) => setTimeout(resolve, 10))
      events.push(`${rig.spool.used.memoryBytes} bytes held`)
      assert.deepEqual(events, ['journal begins', 'journal ends, 5 bytes held', 'answer 200', '0 bytes held'])
    } finally {
      await rig.close()
    }
  })

  it('answers 500, never 204, when the record cannot be written', async () => {
    for (const journal of [
      () => Promise.reject(new Error('full')),
      () => {
        throw new Error('full')
      },
    ]) {
      const rig = await startRig({ deps: { journal } })
      try {
        assert.match(await rig.send(icap({ icap: ALLOW, request: GET, response: OK, body: 'x' })), /^ICAP\/1\.0 500 /)
        assert.ok((rig.counts.get('journal-failed') ?? 0) > 0)
      } finally {
        await rig.close()
      }
    }
  })
})

describe('what cannot be scanned', () => {
  async function withRig(options: Parameters<typeof startRig>[0], run: (rig: Rig) => Promise<void>): Promise<void> {
    const rig = await startRig(options)
    try {
      await run(rig)
      assert.deepEqual(rig.spool.used, { diskBytes: 0, memoryBytes: 0, files: 0 }, 'nothing is left in the spool')
    } finally {
      await rig.close()
    }
  }
  const clean = icap({ icap: ALLOW, request: GET, response: OK, body: 'x' })

  it('is an error when an engine throws, is silent, or rejects', async () => {
    const faults = [
      { prescan: () => Promise.reject(new Error('thread died')) },
      {
        prescan: () => {
          throw new Error('boom')
        },
      },
      { prescan: () => ({ results: [], trueType: '', cached: false }) },
      { lists: () => [] },
      {
        lists: () => {
          throw new Error('no list')
        },
      },
      { rateUrl: () => [] },
      {
        rateUrl: () => {
          throw new Error('no rating')
        },
      },
    ]
    for (const deps of faults) {
      await withRig({ deps }, async (rig) => {
        assert.match(await rig.send(clean), /^ICAP\/1\.0 500 /)
        assert.deepEqual(lastOf(rig).reasons, ['engine-down'])
        assert.equal(lastOf(rig).action, 'error')
      })
    }
  })

  it('is a labelled 200 with the original where policy lets it pass, even with the header off', async () => {
    const deps = {
      prescan: () => {
        throw new Unscanned('encrypted', 'locked')
      },
    }
    const off = { virusId: false, infectionFound: false, responseDesc: false }
    await withRig({ deps, config: { send: off } }, async (rig) => {
      const { status, icapHead, body } = parse(await rig.send(clean))
      assert.equal(status, 200)
      assert.match(icapHead, /X-Response-Desc: URL: No risk found; FILE: Not scanned \(encrypted\)\r\n/)
      assert.equal(body.toString(), 'x')
    })
  })

  it('names the appliance class of a locked sample when asked, and blocks it when told', async () => {
    const deps = {
      prescan: () => {
        throw new Unscanned('encrypted', 'locked')
      },
    }
    const name = 'ICAP: Password-protected file \\(non-malicious unextracted\\)'
    const label = { ...GROUP, policy: { ...POLICY, classifyPasswordProtected: 'label' as const } }
    await withRig({ deps, group: label }, async (rig) => {
      assert.match(await rig.send(clean), new RegExp(`FILE: Not scanned \\(encrypted: ${name}\\)`))
      assert.equal(lastOf(rig).action, 'allow-unscanned')
    })
    const block = { ...GROUP, policy: { ...POLICY, classifyPasswordProtected: 'block' as const } }
    await withRig({ deps, group: block }, async (rig) => {
      assert.match(await rig.send(clean), new RegExp(`X-Virus-ID: ${name}\r\n`))
      assert.equal(lastOf(rig).action, 'block-unscanned')
    })
  })

  it('is no-space when the spool is full; a body that was not kept is never given back as a whole one', async () => {
    const body = randomBytes(3 * 1_048_576)
    const message = icap({ icap: ALLOW, request: GET, response: OK, body })
    await withRig({ spool: { maxBytes: 1_048_576 } }, async (rig) => {
      assert.match(await rig.send(message), /^ICAP\/1\.0 500 /)
      assert.deepEqual(lastOf(rig).reasons, ['no-space'])
      assert.equal(lastOf(rig).size, body.length)
      assert.match(await rig.send(clean), /^ICAP\/1\.0 204 /, 'and it recovers by itself')
    })
    const allow = { ...GROUP, policy: { ...POLICY, unscanned: { ...POLICY.unscanned, 'no-space': 'allow' as const } } }
    await withRig({ spool: { maxBytes: 1_048_576 }, group: allow }, async (rig) => {
      assert.match(await rig.send(message), /^ICAP\/1\.0 500 /)
      assert.equal(rig.counts.get('not-returnable'), 1)
    })
  })

  it('goes to disk early when memory is short', async () => {
    await withRig({ spool: { maxMemoryBytes: 10 } }, async (rig) => {
      const { body } = parse(await rig.send(icap({ request: GET, response: OK, body: randomBytes(5000) })))
      assert.equal(body.length, 5000)
    })
  })

  it('excludes by type: 200, labelled, lists still asked, content engines not', async () => {
    const deps = {
      excluded: () => true,
      prescan: () => {
        throw new Error('must not be asked')
      },
    }
    await withRig({ deps }, async (rig) => {
      const answer = await rig.send(clean)
      assert.match(answer, /^ICAP\/1\.0 200 /)
      assert.match(answer, /FILE: Not scanned \(excluded\)/)
      assert.equal(lastOf(rig).outcome, 'excluded')
    })
    const listed = [
      { engine: 'suspicious-objects', name: 'SuspiciousObject.File', risk: 'high', about: 'file' },
    ] as const
    const lists = () => [{ outcome: 'detected', engine: 'suspicious-objects', detections: listed }] as const
    await withRig({ deps: { ...deps, lists } }, async (rig) =>
      assert.match(await rig.send(clean), /X-Virus-ID: SuspiciousObject\.File/),
    )
  })

  it('is a bomb when it decodes to far more than came', async () => {
    const response = 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n'
    await withRig({}, async (rig) => {
      const answer = await rig.send(
        icap({ icap: ALLOW, request: GET, response, body: gzipSync(Buffer.alloc(64 * 1_048_576)) }),
        20_000,
      )
      assert.match(answer, /HTTP\/1\.1 403 Forbidden/)
      assert.match(answer, /FILE: Not scanned \(bomb\)/)
      assert.equal(lastOf(rig).action, 'block-unscanned')
    })
  })

  it('bypasses the URL in RESPMOD, and a 304 without anything to look at is clean', async () => {
    await withRig({ config: { bypassUrlInRespmod: true } }, async (rig) => {
      const request = 'GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n'
      const answer = await rig.send(icap({ icap: ALLOW, request, response: OK, body: 'x' }))
      assert.match(answer, /^ICAP\/1\.0 204 /)
      assert.match(answer, /URL: Not rated \(bypassed\); FILE: No risk found/)
      const notModified = 'HTTP/1.1 304 Not Modified\r\n\r\n'
      assert.match(await rig.send(icap({ icap: ALLOW, request, response: notModified })), /^ICAP\/1\.0 204 /)
      assert.match(await rig.send(icap({ method: 'REQMOD', request })), /403 Forbidden/)
    })
  })

  it('sends a bare 403 where pages are switched off, and only the headers that are on', async () => {
    const off = { enabled: false, content: null }
    const config = {
      pages: compilePages({ ...PAGES, fileDownload: off }),
      send: { virusId: false, infectionFound: true, responseDesc: false },
    }
    await withRig({ config }, async (rig) => {
      const { icapHead, httpHead } = parse(await rig.send(icap({ request: GET, response: OK, body: EICAR })))
      assert.equal(
        httpHead,
        'HTTP/1.1 403 Forbidden\r\nCache-Control: no-store\r\nContent-Length: 0\r\nVia: ICAP/1.0 assay\r\n\r\n',
      )
      assert.match(icapHead, /X-Infection-Found/)
      assert.doesNotMatch(icapHead, /X-Virus-ID|X-Response-Desc/)
    })
  })

  it('refuses a client that is not on the list, without a record', async () => {
    await withRig({ group: { ...GROUP, allowed: false } }, async (rig) => {
      const answer = await rig.send(clean)
      assert.match(answer, /^ICAP\/1\.0 403 /)
      assert.match(answer, /Connection: close/)
      assert.equal(rig.records.length, 0)
    })
  })

  it('keeps hostile names out of the header lines (R17)', async () => {
    const name = 'Bad\r\nX-Evil: 1;,\0\u00e4Name'
    const detections = [{ engine: 'yara', name, risk: 'high', about: 'file' }] as const
    const prescan = () => ({
      trueType: '',
      cached: false,
      results: [{ outcome: 'detected', engine: 'yara', detections }] as const,
    })
    await withRig({ deps: { prescan, lists: () => CLEAN_LISTS } }, async (rig) => {
      const { icapHead } = parse(await rig.send(clean))
      assert.match(icapHead, /\r\nX-Virus-ID: BadX-Evil: 1Name\r\n/)
      assert.match(icapHead, /\r\nX-Infection-Found: Type=0; Resolution=2; Threat=BadX-Evil: 1Name;\r\n/)
      assert.doesNotMatch(JSON.stringify(lastOf(rig)), /\\u0000|\\r|\\n/)
    })
  })
})
