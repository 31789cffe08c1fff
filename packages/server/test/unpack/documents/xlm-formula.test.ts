import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type FormulaFormat, readFormula } from '../../../src/unpack/documents/xlm-formula.ts'
import { hiddenExec, ptg } from './make-xls.ts'

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')

describe('formulas of Excel 4 macros', () => {
  const rows: readonly { rgce: Buffer; text: string; format?: FormulaFormat; because: string }[] = [
    { rgce: Buffer.concat([ptg.int(1), ptg.int(2), bytes('03')]), text: '=1+2', because: 'a sum' },
    { rgce: hiddenExec('calc "x"'), text: '=EXEC("calc ""x""")', because: 'letters put together' },
    { rgce: bytes('24 0000 00c0 25 0000 0100 00c0 01c0 42 02 0400'), text: '=SUM(A1,A1:B2)', because: 'cells' },
    { rgce: bytes('44 0900 1b00'), text: '=AB10', because: 'a column of two letters' },
    { rgce: bytes('17 02 01 4100 4200'), text: '="AB"', because: 'UTF-16' },
    { rgce: bytes('17 02 41 42'), text: '="AB"', format: 'biff5', because: 'Excel 95 has no flags' },
    { rgce: bytes('44 0900 01 1e 0500 03'), text: '=B10+5', format: 'biff5', because: 'Excel 95 has short columns' },
    { rgce: bytes('17 0200 4100 4200'), text: '="AB"', format: 'biff12', because: '.xlsb counts in 16 bits' },
    { rgce: bytes('44 09000000 0100 1e 0500 03'), text: '=B10+5', format: 'biff12', because: '.xlsb has long rows' },
    {
      rgce: bytes('1e 0100 19 04 0100 0000 0000 1e 0200 42 02 6400'),
      text: '=CHOOSE(1,2)',
      because: 'a table of CHOOSE is passed over',
    },
    { rgce: bytes('23 01000000 42 01 1180'), text: '=RUN(Start)', because: 'a defined name' },
    { rgce: bytes('1e 0100 42 01 ff7f'), text: '=FUNC_32767(1)', because: 'an unknown function' },
  ]
  for (const { rgce, text, format, because } of rows) {
    it(`reads ${text} where there is ${because}`, () => {
      assert.deepEqual(readFormula(rgce, ['Start'], format), { text, whole: true })
    })
  }

  it('says where it understood no more', () => {
    assert.deepEqual(readFormula(bytes('1e 0100 00 1e 0200'), []), { text: '=1', whole: false })
  })

  it('ends on any bytes', () => {
    const formats = fc.constantFrom<FormulaFormat>('biff5', 'biff8', 'biff12')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), formats, (rgce, format) => {
        assert.ok(readFormula(Buffer.from(rgce), ['a'], format).text.length <= 16 * 1024)
      }),
    )
  })
})
