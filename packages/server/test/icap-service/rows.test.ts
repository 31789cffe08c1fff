import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { Detection, UnscannedReason } from '../../src/domain/verdict.ts'
import type { MessageContext } from '../../src/icap-service/handler-deps.ts'
import { compilePages } from '../../src/icap-service/notification-page.ts'
import {
  chunked,
  EICAR,
  GET,
  icap,
  OK,
  PAGES,
  POLICY,
  parse,
  type Rig,
  type RigOptions,
  startRig,
} from './service-rig.ts'

// The protocol rows that belong to the product; docs/rfc3507.md names these tests by their ids.

let rig: Rig
before(async () => {
  rig = await startRig()
})
after(() => rig.close())

const ALLOW = 'Allow: 204\r\n'

async function withRig(options: RigOptions, run: (rig: Rig) => Promise<void>): Promise<void> {
  const own = await startRig(options)
  await run(own).finally(() => own.close())
}

const last = (from: Rig = rig) => from.records.at(-1) ?? assert.fail('no record')

/** A rig whose one engine answers so. */
const engineSays = (name: string, extra: Partial<Detection> = {}): RigOptions => ({
  deps: {
    prescan: () => ({
      trueType: '',
      cached: false,
      results: [
        {
          outcome: 'detected',
          engine: 'yara',
          detections: [{ engine: 'yara', name, risk: 'high', about: 'file', ...extra }],
        },
      ],
    }),
  },
})

const unscanned = (reason: UnscannedReason): RigOptions => ({
  deps: {
    prescan: () => ({ trueType: '', cached: false, results: [{ outcome: 'unscanned', engine: 'yara', reason }] }),
  },
})

describe('rows: REQMOD', () => {
  /** What the lists are asked with for that request head. */
  async function ratedAs(head: string): Promise<MessageContext> {
    let seen: MessageContext | undefined
    const rateUrl = (context: MessageContext) => {
      seen = context
      return [{ outcome: 'clean', engine: 'url-rating' }] as const
    }
    await withRig({ deps: { rateUrl } }, async (own) => {
      await own.send(icap({ method: 'REQMOD', icap: ALLOW, request: head }))
    })
    return seen ?? assert.fail('the URL was not rated')
  }

  it('Q4: an absolute-form URI is rated as it stands', async () => {
    const { url, host } = await ratedAs('GET http://A.example/p?q=1 HTTP/1.1\r\nHost: A.example\r\n\r\n')
    assert.deepEqual([url.toLowerCase(), host], ['http://a.example/p?q=1', 'a.example'])
  })

  it('Q5: an origin-form URI takes its host from Host', async () => {
    const { url, host } = await ratedAs('GET /p?q=1 HTTP/1.1\r\nHost: b.example:8080\r\n\r\n')
    assert.deepEqual([url, host], ['http://b.example:8080/p?q=1', 'b.example'])
  })

  it('Q6: CONNECT: the host is rated; clean is 204, a block is a 403', async () => {
    const { host, url } = await ratedAs('CONNECT good.example:443 HTTP/1.1\r\nHost: good.example:443\r\n\r\n')
    assert.deepEqual([host, url], ['good.example', 'good.example:443'])
    const connect = (name: string) =>
      icap({ method: 'REQMOD', icap: `${ALLOW}Preview: 0\r\n`, request: `CONNECT ${name}:443 HTTP/1.1\r\n\r\n` })
    assert.match(await rig.send(connect('good.example')), /^ICAP\/1\.0 204 /)
    assert.match(parse(await rig.send(connect('evil.example'))).httpHead, /^HTTP\/1\.1 403 /)
  })

  it('S2: where the URI and Host differ the target is rated', async () => {
    const { host } = await ratedAs('GET http://target.example/ HTTP/1.1\r\nHost: other.example\r\n\r\n')
    assert.equal(host, 'target.example')
    const evil = 'GET http://evil.example/ HTTP/1.1\r\nHost: good.example\r\n\r\n'
    assert.match(parse(await rig.send(icap({ method: 'REQMOD', icap: ALLOW, request: evil }))).httpHead, / 403 /)
  })

  const form = (part: string): string =>
    `--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\n\r\n${part}\r\n--b--\r\n`
  const uploads: { name: string; head: string; body: string }[] = [
    { name: 'Q8: an upload by PUT', head: 'PUT /f HTTP/1.1\r\nHost: h\r\n\r\n', body: EICAR },
    { name: 'Q8: an upload by POST', head: 'POST /f HTTP/1.1\r\nHost: h\r\n\r\n', body: EICAR },
    {
      name: 'Q8: a part of a multipart upload',
      head: 'POST /f HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n',
      body: form(EICAR),
    },
  ]
  for (const { name, head, body } of uploads) {
    it(`${name} is scanned`, async () => {
      const { httpHead } = parse(await rig.send(icap({ method: 'REQMOD', icap: ALLOW, request: head, body })))
      assert.match(httpHead, /^HTTP\/1\.1 403 /)
      const clean = await rig.send(
        icap({ method: 'REQMOD', icap: ALLOW, request: head, body: body.replace(EICAR, 'clean') }),
      )
      assert.match(clean, /^ICAP\/1\.0 204 /)
    })
  }

  it('Q11: Q13: a head given back lacks Transfer-Encoding and nothing else; a body without a head gets its length', async () => {
    const head = 'POST /f HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n'
    const { httpHead } = parse(await rig.send(icap({ method: 'REQMOD', request: head, body: 'hello' })))
    assert.equal(httpHead, 'POST /f HTTP/1.1\r\nHost: h\r\nX-A: b\r\n\r\n')
    const bare = parse(await rig.send(icap({ method: 'REQMOD', body: 'hello' })))
    assert.match(bare.httpHead, /\r\nContent-Length: 5\r\n/)
  })

  for (const [what, pages] of [
    ['with a page', PAGES],
    ['with pages of 100 KB', { ...PAGES, fileDownload: { enabled: true, content: '<p>é</p>'.repeat(10_000) } }],
    ['without pages', { ...PAGES, fileDownload: { enabled: false, content: null } }],
  ] as const) {
    it(`Q13: Q14: Q15: a block ${what} has the exact Content-Length and no Transfer-Encoding`, async () => {
      await withRig({ config: { pages: compilePages(pages) } }, async (own) => {
        const { status, icapHead, httpHead, body } = parse(
          await own.send(icap({ request: GET, response: OK, body: EICAR })),
        )
        assert.equal(status, 200)
        assert.match(icapHead, /Encapsulated: res-hdr=0, (res|null)-body=/)
        assert.equal(/\r\nContent-Length: (\d+)\r\n/.exec(httpHead)?.[1], String(body.length))
        assert.doesNotMatch(httpHead, /transfer-encoding/i)
        if (body.length > 0) assert.match(httpHead, /\r\nContent-Type: text\/(html|plain)/)
      })
    })
  }
})

describe('rows: RESPMOD', () => {
  const encodings = [
    { name: 'gzip', encode: (bytes: Buffer) => gzipSync(bytes) },
    { name: 'deflate', encode: (bytes: Buffer) => deflateSync(bytes) },
    { name: 'br', encode: (bytes: Buffer) => brotliCompressSync(bytes) },
    { name: 'gzip, br', encode: (bytes: Buffer) => brotliCompressSync(gzipSync(bytes)) },
  ]
  for (const { name, encode } of encodings) {
    it(`R8: ${name}: decoded for the scan, given back untouched`, async () => {
      const response = `HTTP/1.1 200 OK\r\nContent-Encoding: ${name}\r\n\r\n`
      const bytes = encode(Buffer.from('a clean page'))
      const { httpHead, body } = parse(await rig.send(icap({ request: GET, response, body: bytes })))
      assert.deepEqual([httpHead, body], [response, bytes])
      const infected = parse(
        await rig.send(icap({ icap: ALLOW, request: GET, response, body: encode(Buffer.from(EICAR)) })),
      )
      assert.match(infected.httpHead, /^HTTP\/1\.1 403 /)
    })
  }

  it("R10: R12: a block has none of the original's metadata, is not to be stored, and says Via", async () => {
    const response =
      'HTTP/1.1 206 Partial Content\r\nETag: "x"\r\nContent-Encoding: identity\r\nContent-Range: bytes 0-9/9\r\nAccept-Ranges: bytes\r\nExpires: x\r\n\r\n'
    const { httpHead } = parse(await rig.send(icap({ request: GET, response, body: EICAR })))
    assert.doesNotMatch(httpHead, /^(etag|content-encoding|content-range|accept-ranges|expires|last-modified):/im)
    assert.match(httpHead, /\r\nCache-Control: no-store\r\n/)
    assert.match(httpHead, /\r\nVia: ICAP\/1\.0 /)
  })

  it('R12: a message given back unmodified has no Via of ours', async () => {
    assert.equal(parse(await rig.send(icap({ request: GET, response: OK, body: 'clean' }))).httpHead, OK)
  })

  it('R11: a body shorter than its Content-Length is partial, never clean', async () => {
    const response = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n'
    const answer = await rig.send(icap({ icap: ALLOW, request: GET, response, body: 'short' }))
    assert.match(answer, /^ICAP\/1\.0 200 /)
    assert.deepEqual([last().outcome, last().reasons], ['unscanned', ['partial']])
  })

  it('R14: R15: a block names the threat in one line each, X-Infection-Found with its last semicolon', async () => {
    const { icapHead } = parse(await rig.send(icap({ request: GET, response: OK, body: EICAR })))
    assert.match(icapHead, /\r\nX-Virus-ID: EICAR_Test\r\n/)
    assert.match(icapHead, /\r\nX-Infection-Found: Type=0; Resolution=2; Threat=EICAR_Test;\r\n/)
  })

  it('R15: nothing but a block has X-Virus-ID or X-Infection-Found', async () => {
    for (const lines of ['', ALLOW]) {
      const answer = await rig.send(icap({ icap: lines, request: GET, response: OK, body: 'clean' }))
      assert.doesNotMatch(answer, /X-Virus-ID|X-Infection-Found/i)
    }
  })

  for (const name of [
    'Bad\r\nX-Evil: 1',
    'Bad\nX-Evil: 1',
    'a\0b',
    'a;b;',
    'ü\u{1f600}',
    '\u010a\u010d',
    '',
    'x'.repeat(5_000),
  ]) {
    it(`R17: S4: the threat name ${JSON.stringify(name.slice(0, 20))} stays inside its header line`, async () => {
      await withRig(engineSays(name), async (own) => {
        const { status, icapHead } = parse(await own.send(icap({ request: GET, response: OK, body: 'x' })))
        assert.equal(status, 200)
        assert.doesNotMatch(icapHead, /^X-Evil/m)
        assert.match(icapHead, /\r\nX-Virus-ID: [\x20-\x3a\x3c-\x7e]{1,512}\r\n/)
        assert.match(icapHead, /\r\nX-Infection-Found: Type=0; Resolution=2; Threat=[^;]{1,512};\r\n/)
      })
    })
  }
})

describe('rows: headers of the client', () => {
  const claims: { name: string; lines: string; saved: object }[] = [
    {
      name: 'H23: X-Client-IP and X-Server-IP, v4 and v6',
      lines: 'X-Client-IP: 10.0.0.1\r\nX-Server-IP: 2001:db8::1\r\n',
      saved: { clientIp: '10.0.0.1', serverIp: '2001:db8::1' },
    },
    {
      name: 'H23: a list and junk are ignored',
      lines: 'X-Client-IP: 10.0.0.1, 10.0.0.2\r\nX-Server-IP: junk\r\n',
      saved: {},
    },
    {
      name: 'H24: WinNT:// in base64 (ProxySG)',
      lines: 'X-Authenticated-User: V2luTlQ6Ly9NWURPTUFJTi91c2VyMQ==\r\n',
      saved: { authenticatedUser: 'WinNT://MYDOMAIN/user1' },
    },
    {
      name: 'H24: LDAP:// in plain',
      lines: 'X-Authenticated-User: LDAP://cn=user1,dc=example\r\n',
      saved: { authenticatedUser: 'LDAP://cn=user1,dc=example' },
    },
    {
      name: 'H24: a plain name that is valid base64 too',
      lines: 'X-Authenticated-User: user1234\r\n',
      saved: { authenticatedUser: 'user1234' },
    },
    {
      name: 'H25: groups in base64 and a plain X-Client-Username',
      lines: `X-Authenticated-Groups: ${Buffer.from('WinNT://D/G1').toString('base64')}\r\nX-Client-Username: joe\r\n`,
      saved: { authenticatedGroups: 'WinNT://D/G1', clientUsername: 'joe' },
    },
  ]
  for (const { name, lines, saved } of claims) {
    it(name, async () => {
      assert.match(
        await rig.send(icap({ icap: lines + ALLOW, request: GET, response: OK, body: 'x' })),
        /^ICAP\/1\.0 204 /,
      )
      assert.deepEqual(last().saved, saved)
    })
  }

  it('H21: S7: credentials of users are in no record and no answer', async () => {
    const request =
      'GET http://joe:pw@h.example/?password=hunter2 HTTP/1.1\r\nHost: h.example\r\nCookie: c00kie\r\nAuthorization: Basic c2VjcmV0\r\n\r\n'
    const lines = 'Proxy-Authorization: Basic cHJveHk=\r\nAuthorization: Bearer t0ken\r\n'
    const answer = await rig.send(icap({ icap: lines, request, response: OK, body: EICAR }))
    assert.match(answer, /403 Forbidden/)
    assert.doesNotMatch(answer + JSON.stringify(last()), /hunter2|c00kie|c2VjcmV0|cHJveHk|t0ken|joe:pw/)
  })

  it('S4: hostile values are escaped in the page and kept out of header lines', async () => {
    const content = '<html><body>%URL% %USER% %THREAT%</body></html>'
    const pages = compilePages({ ...PAGES, fileDownload: { enabled: true, content } })
    const request = 'GET http://h.example/"><script>alert(1)</script> HTTP/1.1\r\nHost: h.example\r\n\r\n'
    const lines = 'X-Authenticated-User: <img src=x onerror=alert(1)>\r\n'
    await withRig({ ...engineSays('<b>&"\''), config: { pages } }, async (own) => {
      const { httpHead, body } = parse(await own.send(icap({ icap: lines, request, response: OK, body: 'x' })))
      assert.doesNotMatch(String(body), /<script|<img|<b>/)
      assert.match(String(body), /&lt;/)
      assert.doesNotMatch(httpHead, /script/)
    })
  })
})

describe('rows: limits and policy', () => {
  const policies: { name: string; reason: UnscannedReason; status: RegExp }[] = [
    {
      name: 'L7: too large to scan is let pass, labelled',
      reason: 'too-large',
      status: /^ICAP\/1\.0 200 [\s\S]*FILE: Not scanned \(too-large\)/,
    },
    { name: 'L8: an engine that is down is an error', reason: 'engine-down', status: /^ICAP\/1\.0 500 / },
    { name: 'L8: a full disk is an error', reason: 'no-space', status: /^ICAP\/1\.0 500 / },
    { name: 'L9: a scan that took too long is an error', reason: 'timeout', status: /^ICAP\/1\.0 500 / },
    { name: 'S6: a bomb is blocked', reason: 'bomb', status: /^ICAP\/1\.0 200 [\s\S]*HTTP\/1\.1 403 / },
    {
      name: 'S6: too deep an archive is blocked',
      reason: 'too-deep',
      status: /^ICAP\/1\.0 200 [\s\S]*HTTP\/1\.1 403 /,
    },
  ]
  for (const { name, reason, status } of policies) {
    it(`${name}; never 204, 413 or an ICAP 403`, async () => {
      await withRig(unscanned(reason), async (own) => {
        const answer = await own.send(icap({ icap: ALLOW, request: GET, response: OK, body: 'x' }))
        assert.match(answer, status)
        assert.deepEqual([last(own).outcome, last(own).reasons], ['unscanned', [reason]])
      })
    })
  }

  it('L7: a body over the most that is kept is answered by policy while it streams, never with half of it', async () => {
    const intake = {
      memoryBytes: 65_536,
      maxBytes: 200_000,
      endlessAfterBytes: 1e9,
      endlessAfterMs: 600_000,
      sha1: false,
      md5: false,
    }
    await withRig({ config: { intake } }, async (own) => {
      const answer = await own.send(icap({ icap: ALLOW, request: GET, response: OK, body: 'z'.repeat(500_000) }))
      assert.doesNotMatch(answer, /^ICAP\/1\.0 (204|413)/)
      if (answer.startsWith('ICAP/1.0 200')) assert.equal(parse(answer).body.length, 500_000)
      assert.equal(last(own).outcome, 'unscanned')
    })
  })

  it('S6: a gzip bomb is bounded and blocked', async () => {
    const response = 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n'
    const answer = await rig.send(
      icap({ icap: ALLOW, request: GET, response, body: gzipSync(Buffer.alloc(64 * 1_048_576)) }),
      20_000,
    )
    assert.match(answer, /HTTP\/1\.1 403 Forbidden/)
    assert.deepEqual(last().reasons, ['bomb'])
  })

  it('L12: a verdict is ICAP 200 with an HTTP 403, for files, URLs and policies alike', async () => {
    const evil = 'GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n'
    for (const bytes of [
      icap({ request: GET, response: OK, body: EICAR }),
      icap({ request: evil, response: OK, body: 'x' }),
      icap({ method: 'REQMOD', request: evil }),
      icap({
        method: 'REQMOD',
        request: GET,
        body: EICAR,
        icap: 'Preview: 4096\r\n',
        chunks: chunked(EICAR, '0; ieof\r\n\r\n'),
      }),
    ]) {
      const { status, httpHead } = parse(await rig.send(bytes))
      assert.deepEqual([status, httpHead.slice(0, 12)], [200, 'HTTP/1.1 403'])
    }
  })

  it('S5: an unlisted client gets 403 and a close', async () => {
    await withRig({ group: { allowed: false, group: 'none', policy: POLICY } }, async (own) => {
      assert.match(
        await own.send(icap({ request: GET, response: OK, body: 'x' })),
        /^ICAP\/1\.0 403 [\s\S]*Connection: close/,
      )
    })
  })
})
