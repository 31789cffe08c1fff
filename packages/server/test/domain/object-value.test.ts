import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { addressHex, addressText } from '../../src/domain/ip-value.ts'
import { canonicalHost, canonicalObject, parentsOf, urlKeys } from '../../src/domain/object-value.ts'
import { OBJECT_TYPES, type ObjectType } from '../../src/domain/suspicious-object.ts'

const accepted: readonly (readonly [type: ObjectType, input: string, value: string, because: string])[] = [
  ['ip', ' 192.0.2.1 ', '192.0.2.1', 'spaces around do not count'],
  ['ip', '::ffff:192.0.2.1', '192.0.2.1', 'a mapped address is the v4 one'],
  ['ip', '::FFFF:C000:0201', '192.0.2.1', 'however it is written'],
  ['ip', '2001:DB8:0:0:0:0:0:1', '2001:db8::1', 'RFC 5952'],
  ['ip', '10.1.2.3/8', '10.0.0.0/8', 'host bits of a network are cleared'],
  ['ip', '10.1.2.3/32', '10.1.2.3', 'a network of one'],
  ['ip', '::ffff:10.0.0.0/104', '10.0.0.0/8', 'a mapped network'],
  ['ip', '2001:db8::1/64', '2001:db8::/64', 'a v6 network'],
  ['ip', '192.0.2.1 - 192.0.2.9', '192.0.2.1-192.0.2.9', 'a range'],
  ['ip', '192.0.2.1-192.0.2.1', '192.0.2.1', 'a range of one'],
  ['ip', '2001:db8::1-2001:db8::ff', '2001:db8::1-2001:db8::ff', 'a v6 range'],
  ['ip', '0.0.0.0/0', '0.0.0.0/0', 'everything'],
  ['domain', 'WWW.Example.COM.', 'www.example.com', 'case and final dot do not count'],
  ['domain', 'Bücher.example', 'xn--bcher-kva.example', 'IDN becomes punycode'],
  ['domain', '*.com', '*.com', 'a prefix wildcard joined with a dot'],
  ['domain', '*.Bücher.example', '*.xn--bcher-kva.example', 'both'],
  ['domain', 'localhost', 'localhost', 'one label'],
  ['domain', '_dmarc.example.com', '_dmarc.example.com', 'underscores are found in the wild'],
  ['url', 'example.com', 'http://example.com/', 'scheme and path may be missing'],
  ['url', 'HTTPS://Example.com:443/a', 'http://example.com/a', 'http and https are alike'],
  ['url', 'http://example.com:80/a#top', 'http://example.com/a', 'no default port, no fragment'],
  ['url', 'example.com:8080/A?b=%c3%a9&c', 'http://example.com:8080/A?b=%C3%A9&c', 'upper-case hex'],
  ['url', 'http://example.com/%7Ejoe/%41', 'http://example.com/~joe/A', 'unreserved characters stand plain'],
  ['url', 'http://example.com/100%', 'http://example.com/100%25', 'a lone % is a %'],
  ['url', 'http://example.com/%%34%31', 'http://example.com/%2541', 'decoding never makes a new escape'],
  ['url', 'http://example.com/a|b', 'http://example.com/a%7Cb', 'what no URI may hold is encoded'],
  ['url', 'http://example.com/a/../b', 'http://example.com/b', 'dot segments are resolved'],
  ['url', '*.example.com/a*b/*.exe', 'http://*.example.com/a*b/*.exe', 'wildcards in host prefix and path'],
  ['url', 'example.com/a**', 'http://example.com/a*', 'two stars say what one says'],
  ['url', 'http://user:pass@example.com/', 'http://example.com/', 'who logs in does not matter'],
  ['url', 'http://0x7f.1/', 'http://127.0.0.1/', 'odd spellings of an address'],
  ['url', 'http://[::ffff:1.2.3.4]/', 'http://1.2.3.4/', 'a mapped address as host'],
  ['url', 'http://[2001:DB8::1]:8443/x', 'http://[2001:db8::1]:8443/x', 'v6 as host'],
  ['sha1', 'A'.repeat(40), 'a'.repeat(40), 'hex is lower case'],
  ['sha256', 'Ab'.repeat(32), 'ab'.repeat(32), 'hex is lower case'],
]

const refused: readonly (readonly [type: ObjectType, input: string, because: string])[] = [
  ['ip', '', 'empty'],
  ['ip', '192.0.2.9-192.0.2.1', 'the range is backwards'],
  ['ip', '192.0.2.1-2001:db8::1', 'two families'],
  ['ip', '192.0.2.01', 'a leading zero is octal to some'],
  ['ip', '192.0.2.1/33', 'longer than an address'],
  ['ip', '2001:db8::/129', 'longer than an address'],
  ['ip', '192.0.2.0/24/8', 'two lengths'],
  ['ip', 'fe80::1%eth0', 'a zone id means nothing here'],
  ['ip', '1.1.1.1-2.2.2.2-3.3.3.3', 'three ends'],
  ['domain', '*', 'a star alone'],
  ['domain', '*com', 'not joined with a dot'],
  ['domain', 'a.*.com', 'a star inside'],
  ['domain', '*.*.com', 'two stars'],
  ['domain', 'a..b', 'an empty label'],
  ['domain', '192.0.2.1', 'an address'],
  ['domain', 'example.com/path', 'a URL'],
  ['domain', `${'a'.repeat(64)}.com`, 'a label of 64'],
  ['domain', 'ab.'.repeat(90), 'longer than 253'],
  ['url', 'ftp://example.com/', 'neither http nor https'],
  ['url', 'http://exa*mple.com/', 'a star inside the host'],
  ['url', 'http://*.1.2.3.4/', 'a wildcard on an address'],
  ['url', 'http://', 'no host'],
  ['url', 'example.com:99999/', 'no such port'],
  ['url', `http://example.com/${'é'.repeat(1000)}`, 'too long once encoded'],
  ['url', 'http://example.com/a\r\nb', 'a line break'],
  ['url', 'http://example.com/\0', 'NUL'],
  ['sha1', 'a'.repeat(39), 'too short'],
  ['sha256', 'g'.repeat(64), 'not hex'],
]

describe('canonicalObject', () => {
  for (const [type, input, value, because] of accepted) {
    it(`writes ${type} ${input.slice(0, 40)} as ${value.slice(0, 40)}: ${because}`, () => {
      assert.deepEqual(canonicalObject(type, input), { ok: true, value })
    })
  }

  for (const [type, input, because] of refused) {
    it(`refuses ${type} ${JSON.stringify(input.slice(0, 40))}: ${because}`, () => {
      const result = canonicalObject(type, input)
      assert.equal(result.ok, false)
    })
  }

  it('never throws, and what it accepts it leaves as it is the second time', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      fc
        .string({ unit: fc.constantFrom(...'%25.*/a-:@[]?#|é \\4fF'), maxLength: 30 })
        .map((path) => `h.example/${path}`),
      fc.ipV6(),
      fc.tuple(fc.ipV4(), fc.nat(40)).map(([address, length]) => `${address}/${length}`),
    )
    fc.assert(
      fc.property(fc.constantFrom(...OBJECT_TYPES), hostile, (type, input) => {
        const once = canonicalObject(type, input)
        if (!once.ok) return
        assert.ok(once.value.length <= 2048)
        assert.deepEqual(canonicalObject(type, once.value), once)
      }),
      { numRuns: 3000 },
    )
  })

  it('gives an entry and a look-up of the same URL the same spelling', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (url) => {
        const entry = canonicalObject('url', url)
        if (entry.ok && !entry.value.includes('*')) assert.equal(urlKeys(url)?.url, entry.value)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('urlKeys', () => {
  it('names URL, host and parents', () => {
    assert.deepEqual(urlKeys('https://a.B.example:8443/x?y=*#z'), {
      url: 'http://a.b.example:8443/x?y=%2A',
      path: '/x?y=%2A',
      host: 'a.b.example',
      port: ':8443',
      parents: ['*.b.example', '*.example'],
    })
  })

  it('names the address where the host is one', () => {
    assert.deepEqual(urlKeys('http://[::ffff:192.0.2.1]/'), {
      url: 'http://192.0.2.1/',
      path: '/',
      host: '192.0.2.1',
      port: '',
      parents: [],
      ip: '192.0.2.1',
    })
  })

  it('takes what CONNECT names, and other schemes for their host', () => {
    assert.equal(urlKeys('example.com:443')?.url, 'http://example.com/')
    assert.equal(urlKeys('ftp://Example.com/f')?.host, 'example.com')
    assert.equal(urlKeys('wss://example.com/f')?.host, 'example.com')
  })

  it('finds the host of an endless URL', () => {
    assert.equal(urlKeys(`http://example.com/${'a'.repeat(1_000_000)}`)?.host, 'example.com')
  })

  it('is undefined for what is no URL, and never throws', () => {
    for (const url of ['', 'http://', 'http://[::1', 'http://a b/', '/path']) assert.equal(urlKeys(url), undefined, url)
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (url) => void urlKeys(url)))
  })
})

describe('canonicalHost', () => {
  it('spells hosts as entries do', () => {
    assert.equal(canonicalHost('Bücher.example.'), 'xn--bcher-kva.example')
    assert.equal(canonicalHost('[2001:DB8::1]'), '2001:db8::1')
    assert.equal(canonicalHost('a/b'), undefined)
    assert.deepEqual(parentsOf('a.b.c'), ['*.b.c', '*.c'])
  })
})

describe('addressHex', () => {
  it('is undone by addressText', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        const hex = addressHex(address)
        assert.ok(hex !== undefined && (hex.length === 8 || hex.length === 32))
        assert.equal(addressHex(addressText(hex)), hex)
      }),
    )
  })
})
