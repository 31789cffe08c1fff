import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createClientList } from '../../src/icap-service/client-list.ts'
import type { GroupPolicy } from '../../src/icap-service/handler-deps.ts'
import { GROUP } from './service-rig.ts'

const named = (group: string): GroupPolicy => ({ ...GROUP, group })

describe('client list', () => {
  const groups = [
    { addresses: ['10.0.0.0/8'], services: [], policy: named('wide') },
    { addresses: ['10.1.0.0-10.1.0.255', '2001:db8::/32'], services: [], policy: named('narrow') },
    { addresses: ['10.1.0.7'], services: ['reqmod'], policy: named('uploads') },
  ]
  const open = createClientList({ onlyListed: false, list: [], groups, fallback: GROUP })
  const cases = [
    ['10.9.9.9', 'respmod', 'wide', 'in one group'],
    ['10.1.0.9', 'respmod', 'narrow', 'the smaller of two'],
    ['10.1.0.7', 'reqmod', 'uploads', 'the smallest, for its service'],
    ['10.1.0.7', 'respmod', 'narrow', 'not its service'],
    ['2001:db8::9', 'respmod', 'narrow', 'IPv6'],
    ['192.0.2.1', 'respmod', 'default', 'in no group'],
    ['junk', 'respmod', 'default', 'no address'],
  ] as const
  for (const [address, service, group, because] of cases) {
    it(`puts ${address} at ${service} into ${group}: ${because}`, () => {
      for (let again = 0; again < 2; again++) assert.equal(open.policyFor(address, service).group, group)
    })
  }

  it('refuses whoever is in neither list nor group when only listed clients may come', () => {
    const closed = createClientList({ onlyListed: true, list: ['192.0.2.0/30'], groups, fallback: GROUP })
    for (const [address, allowed] of [
      ['192.0.2.1', true],
      ['10.9.9.9', true],
      ['192.0.2.9', false],
      ['', false],
    ] as const) {
      assert.equal(closed.policyFor(address, 'respmod').allowed, allowed, address)
      assert.equal(closed.allows(address), allowed, address)
    }
  })

  it('stays right with more peers than it remembers', () => {
    for (let i = 0; i < 5000; i++) assert.equal(open.policyFor(`10.2.${i >> 8}.${i & 255}`, 'respmod').group, 'wide')
  })
})
