import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Conclusion, conclusions, type SeenAnswer } from '../../src/cli/icap-conclusions.ts'
import { DIALECTS } from '../../src/domain/dialect.ts'
import { blockHeaders } from '../../src/icap-service/dialects.ts'

interface Given {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly http?: string
  readonly section?: SeenAnswer['section']
  readonly hasBody?: boolean
}

function seen({ status, headers = {}, http = '', section, hasBody = false }: Given): SeenAnswer {
  const byName = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  return {
    status,
    header: (name) => byName.get(name.toLowerCase()),
    httpHead: http,
    section: section ?? (http === '' ? undefined : 'res-hdr'),
    hasBody,
  }
}

function of(client: string, given: Given): { conclusion: Conclusion; because: string } {
  const found = conclusions(seen(given)).find((one) => one.client === client)
  assert.ok(found, client)
  return found
}

const FORBIDDEN = 'HTTP/1.1 403 Forbidden\r\nX: y\r\n\r\n'
const ORIGINAL = 'HTTP/1.1 200 OK\r\n\r\n'
const INFECTION = { 'X-Infection-Found': 'Type=0; Resolution=2; Threat=X;' }

const rows: readonly [client: string, given: Given, conclusion: Conclusion, because: string][] = [
  ['Squid', { status: 204 }, 'clean', 'the original goes on'],
  ['Squid', { status: 200, http: FORBIDDEN, hasBody: true }, 'blocked', 'the user gets the 403'],
  ['Squid', { status: 201, http: FORBIDDEN }, 'blocked', '201 is understood'],
  ['Squid', { status: 403 }, 'error', 'an ICAP 403 is a failure, not a block'],
  ['Squid', { status: 200, http: ORIGINAL, headers: INFECTION, hasBody: true }, 'passes', 'headers do not count'],
  ['Squid', { status: 200, http: 'GET / HTTP/1.1\r\n\r\n', section: 'req-hdr' }, 'passes', 'the request goes on'],
  ['ProxySG', { status: 500 }, 'error', 'fail_closed or fail_open'],
  ['FortiGate', { status: 200, http: FORBIDDEN, headers: INFECTION }, 'blocked', 'and it logs the infection'],
  ['F5', { status: 201, http: FORBIDDEN }, 'error', 'ID545985'],
  ['F5', { status: 206, http: ORIGINAL }, 'error', 'ID545985'],
  ['Nextcloud', { status: 200, http: ORIGINAL, headers: INFECTION }, 'infected', 'its header'],
  ['Nextcloud', { status: 200, http: FORBIDDEN }, 'infected', '403 without a header'],
  ['Nextcloud', { status: 200, http: ORIGINAL, hasBody: true }, 'clean', 'it cannot tell unscanned'],
  ['Nextcloud', { status: 201, headers: INFECTION }, 'error', 'only 200 and 204 are valid'],
  ['Nextcloud', { status: 500 }, 'error', 'it throws'],
  [
    'ownCloud',
    { status: 200, http: 'HTTP/1.1 200 OK\r\nX-Virus-Name: X\r\n\r\n' },
    'infected',
    'McAfee 11: in the head',
  ],
  ['ownCloud', { status: 200, http: 'HTTP/1.0 403 VirusFound\r\n\r\n' }, 'infected', 'McAfee 10'],
  ['ownCloud', { status: 404 }, 'error', 'no verdict'],
  ['rspamd', { status: 200, headers: INFECTION }, 'infected', 'its pattern'],
  ['rspamd', { status: 200, headers: { 'X-Virus-ID': 'no threats' } }, 'clean', 'the one value that says clean'],
  ['rspamd', { status: 200, headers: { 'X-Virus-ID': 'X' } }, 'infected', 'any other value'],
  ['rspamd', { status: 200, http: FORBIDDEN, hasBody: true }, 'clean', 'it reads the ICAP head only'],
  ['rspamd', { status: 539 }, 'error', 'Symantec without a licence'],
  ['Kernun', { status: 200, http: ORIGINAL, hasBody: true }, 'infected', 'a 200 with a body is a finding'],
  ['Kernun', { status: 204 }, 'clean', 'so a 204 is to be preferred'],
  ['McAfee/Skyhigh scripts', { status: 200, headers: { 'X-Virus-Name': 'X' } }, 'infected', 'the name'],
  ['McAfee/Skyhigh scripts', { status: 200, http: ORIGINAL }, 'blocked', 'any 200'],
  ['OPSWAT clients', { status: 200, headers: { 'X-Response-Info': 'Blocked' } }, 'blocked', 'the one word'],
  ['OPSWAT clients', { status: 200, headers: { 'X-Response-Info': 'Allowed' } }, 'passes', '200 alone says nothing'],
  ['c-icap-client', { status: 200, http: FORBIDDEN, hasBody: true }, 'passes', 'it judges nothing'],
]

describe('what known clients conclude', () => {
  for (const [client, given, conclusion, because] of rows)
    it(`${client} takes ${given.status} ${Object.keys(given.headers ?? {})} ${given.http?.slice(0, 20) ?? ''} for ${conclusion}: ${because}`, () =>
      assert.equal(of(client, given).conclusion, conclusion))

  it('of rspamd shows an X-Infection-Found that lacks its last semicolon', () => {
    const { because } = of('rspamd', {
      status: 200,
      headers: { 'X-Infection-Found': 'Type=0; Resolution=2; Threat=X' },
    })
    assert.match(because, /lacks the last ;/)
  })

  for (const dialect of DIALECTS) {
    it(`of a block in ${dialect} is clean for nobody`, () => {
      for (const action of [
        { type: 'block', causes: [{ engine: 'yara', name: 'X', risk: 'high', about: 'file' }] },
        { type: 'block-unscanned', reason: 'encrypted', threat: 'locked' },
      ] as const) {
        const said = blockHeaders(dialect, {
          action,
          threats: ['X'],
          fileName: '',
          send: { virusId: true, infectionFound: true, responseDesc: true },
        })
        const headers = Object.fromEntries(
          Object.entries(said).map(([name, value]) => [name, [value].flat().join(' ')]),
        )
        const all = conclusions(seen({ status: 200, headers, http: FORBIDDEN, hasBody: true }))
        const others = all.filter(({ client }) => client !== 'c-icap-client')
        assert.deepEqual(
          others.filter(({ conclusion }) => !['infected', 'blocked'].includes(conclusion)),
          [],
        )
      }
    })
  }

  it('of a 204 is clean, of an error an error, for everybody', () => {
    for (const [status, conclusion] of [
      [204, 'clean'],
      [500, 'error'],
      [404, 'error'],
    ] as const)
      assert.deepEqual(
        new Set(conclusions(seen({ status })).map((one) => one.conclusion)),
        new Set([conclusion]),
        String(status),
      )
  })
})
