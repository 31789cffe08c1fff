import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type EncapsulatedIn, parseEncapsulated } from '../src/encapsulated.ts'

describe('parseEncapsulated', () => {
  const accepted: [row: string, value: string, where: EncapsulatedIn, found: (number | string | undefined)[]][] = [
    ['E2', 'req-hdr=0, null-body=106', 'REQMOD', [0, undefined, 'null-body', 106]],
    ['E3', 'req-hdr=0,null-body=106', 'REQMOD', [0, undefined, 'null-body', 106]],
    ['E3', 'req-hdr=0 ,\tnull-body=106', 'REQMOD', [0, undefined, 'null-body', 106]],
    ['R1', 'req-hdr=0, res-hdr=119, res-body=237', 'RESPMOD', [0, 119, 'res-body', 237]],
    ['E9', 'res-hdr=0, res-body=112', 'RESPMOD', [undefined, 0, 'res-body', 112]],
    ['E10', 'res-body=0', 'RESPMOD', [undefined, undefined, 'res-body', 0]],
    ['E10', 'req-body=0', 'REQMOD', [undefined, undefined, 'req-body', 0]],
    ['E11', 'req-hdr=0, res-body=20', 'RESPMOD', [0, undefined, 'res-body', 20]],
    ['O3', 'null-body=0', 'OPTIONS', [undefined, undefined, 'null-body', 0]],
    ['O4', 'opt-body=0', 'OPTIONS', [undefined, undefined, 'opt-body', 0]],
    ['E18', 'res-hdr=0, res-body=50', 'response', [undefined, 0, 'res-body', 50]],
  ]
  for (const [row, value, where, found] of accepted)
    it(`${row}: ${where} ${JSON.stringify(value)}`, () => {
      const { requestHeadAt, responseHeadAt, body, bodyAt } = parseEncapsulated(value, where)
      assert.deepEqual([requestHeadAt, responseHeadAt, body, bodyAt], found)
    })

  const refused: [row: string, value: string, where: EncapsulatedIn, because: string][] = [
    ['E4', 'null-body=106, req-hdr=0', 'REQMOD', 'the body is not last'],
    ['E4', 'res-hdr=0, req-hdr=119, res-body=237', 'RESPMOD', 'heads out of order'],
    ['E5', 'req-hdr=0, res-hdr=119, res-body=119', 'RESPMOD', 'an empty head'],
    ['E5', 'req-hdr=0, req-body=0', 'REQMOD', 'an empty head'],
    ['E5', 'req-hdr=0, res-hdr=119, res-body=20', 'RESPMOD', 'offsets descend'],
    ['E5', 'req-hdr=0, null-body=-5', 'REQMOD', 'negative'],
    ['E5', 'req-hdr=0, null-body=+5', 'REQMOD', 'a sign'],
    ['E5', 'req-hdr=0, null-body=0x5', 'REQMOD', 'hexadecimal'],
    ['E5', 'req-hdr=0, null-body=99999999999', 'REQMOD', 'more digits than any limit'],
    ['E5', 'req-hdr=0, null-body=', 'REQMOD', 'no number'],
    ['E6', 'req-hdr=5, null-body=106', 'REQMOD', 'does not begin at 0'],
    ['E6', 'null-body=7', 'OPTIONS', 'does not begin at 0'],
    ['E7', 'req-hdr=0, foo-hdr=5, null-body=106', 'REQMOD', 'unknown section'],
    ['E7', 'req-hdr=0, req-hdr=5, null-body=106', 'REQMOD', 'a section twice'],
    ['E7', 'req-hdr=0, req-body=5, null-body=106', 'REQMOD', 'two bodies'],
    ['E7', 'REQ-HDR=0, NULL-BODY=5', 'REQMOD', 'names are lower-case tokens'],
    ['E8', 'req-hdr=0, res-hdr=5, req-body=10', 'REQMOD', 'a response in REQMOD'],
    ['E8', 'req-hdr=0, res-body=5', 'REQMOD', 'a response in REQMOD'],
    ['E8', 'req-hdr=0, req-body=5', 'RESPMOD', 'a request body in RESPMOD'],
    ['E8', 'req-hdr=0, null-body=5', 'OPTIONS', 'a head in OPTIONS'],
    ['E8', 'opt-body=0', 'REQMOD', 'an OPTIONS body in REQMOD'],
    ['E11', 'req-hdr=0, null-body=50', 'RESPMOD', 'nothing to adapt'],
    ['E11', 'null-body=0', 'REQMOD', 'nothing to adapt'],
    ['E1', '', 'REQMOD', 'empty'],
    ['E3', 'req-hdr = 0, null-body = 5', 'REQMOD', 'blanks around ='],
    ['E7', 'req-hdr=0', 'REQMOD', 'no body section'],
    ['E7', 'req-hdr=0, null-body=5,', 'REQMOD', 'a comma at the end'],
  ]
  for (const [row, value, where, because] of refused)
    it(`${row}: ${where} ${JSON.stringify(value)} is refused (${because})`, () =>
      assert.throws(() => parseEncapsulated(value, where), { code: 'ICAP_BAD_ENCAPSULATED' }))

  it('E5: whatever is accepted ascends from 0', () => {
    const name = fc.constantFrom('req-hdr', 'res-hdr', 'req-body', 'res-body', 'opt-body', 'null-body')
    const list = fc.array(fc.tuple(name, fc.integer({ min: 0, max: 40 })), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(list, fc.constantFrom<EncapsulatedIn>('REQMOD', 'RESPMOD', 'OPTIONS', 'response'), (items, where) => {
        try {
          const found = parseEncapsulated(items.map(([key, at]) => `${key}=${at}`).join(', '), where)
          const offsets = [found.requestHeadAt, found.responseHeadAt, found.bodyAt].filter((at) => at !== undefined)
          assert.equal(offsets[0], 0)
          assert.deepEqual(
            offsets,
            [...new Set(offsets)].sort((a, b) => a - b),
          )
          assert.equal(offsets.length, items.length)
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'ICAP_BAD_ENCAPSULATED', String(error))
        }
      }),
      { numRuns: 500 },
    )
  })
})
