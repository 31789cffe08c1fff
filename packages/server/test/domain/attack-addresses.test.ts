import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { buildListTable, openListTable } from '../../src/domain/list-table.ts'

const REST = { risk: 'high', expiresMs: 0, addedMs: 0, source: '', note: '' } as const
const entry = (value: string) => ({ list: 'user-defined', type: 'ip', value, ...REST }) as const

describe('a listed address', () => {
  const table = openListTable(buildListTable([entry('10.9.8.7'), entry('10.1.0.0/16')], '1'))

  for (const url of [
    'http://10.9.8.7/',
    'http://168364039/',
    'http://0x0a.0x09.010.7/',
    'http://[::ffff:10.9.8.7]/',
    'http://[64:ff9b::10.9.8.7]/',
    'http://[64:ff9b::a09:807]:8080/',
    'http://[2002:a09:807::1]/',
    'http://[2002:a01:203::]/',
  ]) {
    it(`is found as ${url}`, () => assert.equal(table.findUrl(url, 0).length, 1))
  }

  for (const url of ['http://[64:ff9c::10.9.8.7]/', 'http://[2003:a09:807::1]/', 'http://10.9.8.8/']) {
    it(`is not ${url}`, () => assert.equal(table.findUrl(url, 0).length, 0))
  }
})
