import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { IcapHeaders } from '@assay/icap'
import fc from 'fast-check'
import {
  claimedHeaders,
  decodeName,
  headerText,
  infectionHeaders,
  responseDesc,
  savedAddress,
  savedHeaders,
  threatList,
} from '../../src/icap-service/icap-headers.ts'
import { istagOf } from '../../src/icap-service/istag.ts'

const ON = { virusId: true, infectionFound: true, responseDesc: true }
const base64 = (text: string) => Buffer.from(text).toString('base64')

function headers(lines: Record<string, string | string[]>): IcapHeaders {
  const all = (name: string) => [lines[name] ?? []].flat()
  return {
    get: (name) => all(name)[0],
    all,
    list: all,
    entries: () =>
      Object.entries(lines).flatMap(([name, values]) => [values].flat().map((value) => [name, value] as const)),
  }
}

describe('outgoing headers', () => {
  it('have the appliance form, names joined by a comma without a space, each once', () => {
    assert.deepEqual(infectionHeaders(['A.B', 'C', 'A.B'], ON), {
      'X-Virus-ID': 'A.B,C',
      'X-Infection-Found': 'Type=0; Resolution=2; Threat=A.B,C;',
    })
    assert.equal(responseDesc('No risk found', 'Detected by X; Y'), 'URL: No risk found; FILE: Detected by X Y')
  })

  it('are printable ASCII of bounded length whatever the names are', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 60 }), { minLength: 1, maxLength: 5 }), (names) => {
        const list = threatList(names)
        assert.match(list, /^[\x20-\x7e]{1,512}$/)
        assert.doesNotMatch(list, /;/)
      }),
    )
    assert.equal(headerText('a\r\nb\0c;d,e\u00e4'), 'abcde')
    assert.equal(threatList(['\r\n']), 'Unknown')
  })
})

describe('saved headers', () => {
  const names = [
    ['V2luTlQ6Ly9NWURPTUFJTi91c2VyMQ==', 'WinNT://MYDOMAIN/user1', 'ProxySG'],
    [base64('LDAP://CN=Jo,DC=x'), 'LDAP://CN=Jo,DC=x', 'LDAP'],
    [base64('Local://jo'), 'Local://jo', 'Local'],
    [base64('NTLM://D/jo'), 'NTLM://D/jo', 'NTLM'],
    [base64('DOM\\joe'), 'DOM\\joe', 'domain and user'],
    [base64('alice'), 'alice', 'Squid: padding gives it away'],
    ['user1234', 'user1234', 'a plain name that is valid base64 too'],
    ['WinNT://D/jo', 'WinNT://D/jo', 'not encoded'],
    ['test', 'test', 'decodes to no text'],
    ['AAAA', 'AAAA', 'decodes to control characters'],
    ['', '', 'empty'],
  ] as const
  for (const [value, name, because] of names)
    it(`reads ${JSON.stringify(value)}: ${because}`, () => assert.equal(decodeName(value), name))

  it('reads lists of groups, encoded as a whole or one by one', () => {
    const groups = (value: string | string[]) =>
      savedHeaders(claimedHeaders(headers({ 'X-Authenticated-Groups': value })), {
        clientIp: true,
        serverIp: true,
        authenticatedUser: true,
        authenticatedGroups: true,
        clientUsername: true,
      }).authenticatedGroups
    assert.equal(groups(`${base64('WinNT://D/a')},${base64('WinNT://D/b')}`), 'WinNT://D/a, WinNT://D/b')
    assert.equal(groups(base64('WinNT://D/a,WinNT://D/b')), 'WinNT://D/a, WinNT://D/b')
    assert.equal(groups(['a', 'b']), 'a, b')
    assert.ok((groups('x,'.repeat(100_000)) ?? '').length <= 4096)
  })

  it('keeps one valid address only', () => {
    assert.equal(savedAddress('10.0.0.1'), '10.0.0.1')
    assert.equal(savedAddress(' 2001:db8::1 '), '2001:db8::1')
    for (const junk of ['10.0.0.1, 10.0.0.2', 'x', '1'.repeat(1000), '']) assert.equal(savedAddress(junk), '')
  })

  it('keeps nothing that the settings do not save', () => {
    const all = headers({
      'X-Client-IP': '10.0.0.1',
      'X-Server-IP': '10.0.0.2',
      'X-Authenticated-User': 'a',
      'X-Authenticated-Groups': 'b',
      'X-Client-Username': 'c',
    })
    const off = {
      clientIp: false,
      serverIp: false,
      authenticatedUser: false,
      authenticatedGroups: false,
      clientUsername: false,
    }
    assert.deepEqual(savedHeaders(claimedHeaders(all), off), {})
    assert.deepEqual(savedHeaders(claimedHeaders(all), { ...off, serverIp: true }), { serverIp: '10.0.0.2' })
  })

  it('is free of control characters and bounded', () => {
    const on = {
      clientIp: true,
      serverIp: true,
      authenticatedUser: true,
      authenticatedGroups: true,
      clientUsername: true,
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (value) => {
        const saved = savedHeaders(
          claimedHeaders(headers({ 'X-Authenticated-User': value, 'X-Authenticated-Groups': value })),
          on,
        )
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
        assert.doesNotMatch(JSON.stringify(Object.values(saved).join('')), /[\x00-\x1f\x7f]|\\u00[01]/)
      }),
    )
  })
})

describe('ISTag', () => {
  const parts = {
    service: 'respmod',
    engines: ['yara 1', 'lists 2'],
    rulesVersion: 'r',
    listsRevision: '7',
    policies: '{}',
  }

  it('is quoted, at most 32 bytes, and the same on every node', () => {
    assert.match(istagOf(parts), /^"[\w-]{1,32}"$/)
    assert.equal(istagOf({ ...parts, engines: ['lists 2', 'yara 1'] }), istagOf(parts))
  })

  const changes = [
    { service: 'reqmod' },
    { engines: ['yara 2', 'lists 2'] },
    { engines: ['yara 1'] },
    { rulesVersion: 's' },
    { listsRevision: '8' },
    { policies: '{"a":1}' },
  ]
  for (const change of changes) {
    it(`changes with ${JSON.stringify(change)} (S8)`, () =>
      assert.notEqual(istagOf({ ...parts, ...change }), istagOf(parts)))
  }
})
