import assert from 'node:assert/strict'
import { BlockList, isIPv4 } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createAddressMap, createAddressSet, parseAddressRange } from '../../src/domain/address-set.ts'

const canonical = [
  { text: '10.0.0.1', is: '10.0.0.1', because: 'an address is itself' },
  { text: ' 10.0.0.1 ', is: '10.0.0.1', because: 'space around it means nothing' },
  { text: '10.0.0.5/8', is: '10.0.0.0/8', because: 'host bits of a block are cleared' },
  { text: '10.0.0.5/32', is: '10.0.0.5', because: 'a block of one is an address' },
  { text: '0.0.0.0/0', is: '0.0.0.0/0', because: 'all of IPv4 is a block' },
  { text: '10.0.0.1-10.0.0.9', is: '10.0.0.1-10.0.0.9', because: 'a range keeps its ends' },
  { text: '10.0.0.1 - 10.0.0.9', is: '10.0.0.1-10.0.0.9', because: 'people put spaces into ranges' },
  { text: '10.0.0.1-10.0.0.1', is: '10.0.0.1', because: 'a range of one is an address' },
  { text: '::ffff:10.0.0.1', is: '10.0.0.1', because: 'a mapped address is the IPv4 one' },
  { text: '::ffff:10.0.0.0/104', is: '10.0.0.0/8', because: 'a mapped block counts in 128 bits' },
  { text: '2001:DB8:0:0:1::1', is: '2001:db8::1:0:0:1', because: 'RFC 5952: lower case, first longest run of zeros' },
  { text: '2001:db8::/32', is: '2001:db8::/32', because: 'IPv6 blocks work' },
  { text: '2001:db8::1-2001:db8::ff', is: '2001:db8::1-2001:db8::ff', because: 'IPv6 ranges work' },
  { text: '::/0', is: '::/0', because: 'all of IPv6 is a block' },
]

const refused = [
  { text: '', because: 'nothing is no address' },
  { text: 'proxy.example', because: 'names are not looked up' },
  { text: '010.0.0.1', because: 'a leading zero is octal to some' },
  { text: '10.0.0', because: 'three parts are no address' },
  { text: '10.0.0.256', because: 'a part is a byte' },
  { text: '10.0.0.0/33', because: 'IPv4 has 32 bits' },
  { text: '10.0.0.0/', because: 'a block needs its length' },
  { text: '10.0.0.0/8/8', because: 'one length is enough' },
  { text: '10.0.0.0/255.0.0.0', because: 'masks are not prefix lengths' },
  { text: '10.0.0.0/-1', because: 'a length is not negative' },
  { text: '::/129', because: 'IPv6 has 128 bits' },
  { text: '::ffff:10.0.0.0/24', because: 'a mapped block shorter than 96 is not IPv4' },
  { text: '10.0.0.9-10.0.0.1', because: 'a range goes up' },
  { text: '10.0.0.1-20', because: 'both ends are whole addresses' },
  { text: '10.0.0.1-2001:db8::1', because: 'a range stays in its family' },
  { text: '10.0.0.1-10.0.0.2-10.0.0.3', because: 'a range has two ends' },
  { text: 'fe80::1%eth0', because: 'a zone is known to one host only' },
  { text: `${'1'.repeat(200)}`, because: 'long texts are not looked at' },
]

describe('an address range', () => {
  for (const { text, is, because } of canonical) {
    it(`reads ${JSON.stringify(text)} as ${is}: ${because}`, () => {
      const parsed = parseAddressRange(text)
      assert.ok(parsed.ok)
      assert.equal(parsed.range.text, is)
      assert.deepEqual(parseAddressRange(is), parsed, 'reading the canonical form gives the same range')
    })
  }
  for (const { text, because } of refused) {
    it(`refuses ${JSON.stringify(text).slice(0, 40)}: ${because}`, () =>
      assert.equal(parseAddressRange(text).ok, false))
  }
})

const v4 = fc.ipV4()
const v6 = fc.ipV6().filter((address) => !address.toLowerCase().includes('ffff'))

describe('an address set', () => {
  it('agrees with node:net BlockList on blocks and addresses', () => {
    const block = fc.oneof(
      fc.tuple(v4, fc.integer({ min: 0, max: 32 })),
      fc.tuple(v6, fc.integer({ min: 1, max: 128 })),
    )
    fc.assert(
      fc.property(
        fc.array(block, { maxLength: 20 }),
        fc.array(fc.oneof(v4, v6), { maxLength: 20 }),
        (blocks, asked) => {
          // One list a family: a BlockList finds IPv4 addresses in ::/1, too.
          const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
          const familyOf = (address: string) => (isIPv4(address) ? 'ipv4' : 'ipv6')
          for (const [address, prefix] of blocks) lists[familyOf(address)].addSubnet(address, prefix, familyOf(address))
          const set = createAddressSet(blocks.map(([address, prefix]) => `${address}/${prefix}`))
          for (const address of [...asked, ...blocks.map(([address]) => address)]) {
            assert.equal(set.has(address), lists[familyOf(address)].check(address, familyOf(address)), address)
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  const questions = [
    { items: ['10.0.0.0/8'], ask: '::ffff:10.1.2.3', has: true, because: 'a mapped peer is an IPv4 peer' },
    { items: ['::/0'], ask: '10.0.0.1', has: false, because: 'all of IPv6 is not IPv4' },
    { items: ['::/0'], ask: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', has: true, because: 'the last address counts' },
    { items: ['0.0.0.0/0'], ask: '255.255.255.255', has: true, because: 'the last address counts' },
    { items: ['10.0.0.1-10.0.0.3'], ask: '10.0.0.4', has: false, because: 'a range ends' },
    { items: ['10.0.0.1-10.0.0.3'], ask: '10.0.0.3', has: true, because: 'both ends are in it' },
    { items: ['fe80::/10'], ask: 'fe80::1%eth0', has: true, because: "a socket's zone does not hide the address" },
    { items: [], ask: '10.0.0.1', has: false, because: 'an empty set has nothing' },
    { items: ['0.0.0.0/0', '::/0'], ask: 'nonsense', has: false, because: 'what is no address is in no set' },
    { items: ['0.0.0.0/0', '::/0'], ask: '', has: false, because: 'a closed socket has no address' },
  ]
  for (const { items, ask, has, because } of questions) {
    it(`${has ? 'has' : 'has not'} ${ask} in [${items}]: ${because}`, () => {
      assert.equal(createAddressSet(items).has(ask), has)
    })
  }

  it('throws on an item that is no address', () => {
    assert.throws(() => createAddressSet(['10.0.0.1', 'x']), /"x" is not an IPv4 or IPv6 address/)
  })
})

describe('an address map', () => {
  it('gives the most specific owner, wherever it stands', () => {
    const map = createAddressMap([
      { items: ['10.0.0.0/8', '2001:db8::/32'], value: 'site' },
      { items: ['10.1.0.0-10.1.0.99'], value: 'floor' },
      { items: ['10.1.0.7'], value: 'desk' },
      { items: ['10.1.0.0/16'], value: 'house' },
    ])
    const asked = ['10.1.0.7', '10.1.0.8', '10.1.0.100', '10.2.0.1', '11.0.0.1', '2001:db8::5', '10.1.0.7']
    const owners = asked.map((address) => map.find(address))
    assert.deepEqual(owners, ['desk', 'floor', 'house', 'site', undefined, 'site', 'desk'])
  })

  it('gives what looking at every range would give', () => {
    const range = fc
      .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 60 }))
      .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 12 }), (ranges) => {
        const map = createAddressMap(
          ranges.map(([low, high], value) => ({ items: [`10.0.0.${low}-10.0.0.${high}`], value })),
        )
        for (let host = 0; host <= 61; host++) {
          const around = [...ranges.entries()].filter(([, [low, high]]) => low <= host && host <= high)
          const spans = around.map(([, [low, high]]) => high - low)
          const found = map.find(`10.0.0.${host}`)
          const span = found === undefined ? undefined : around.find(([value]) => value === found)?.[1]
          assert.equal(span && span[1] - span[0], around.length === 0 ? undefined : Math.min(...spans))
        }
      }),
      { numRuns: 200 },
    )
  })
})
