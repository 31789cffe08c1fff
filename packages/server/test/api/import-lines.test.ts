import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ImportLine } from '../../src/api/deps.ts'
import { exportLine, IMPORT_LIMITS, importLines } from '../../src/api/import-lines.ts'

const common = { list: 'user-defined', type: 'domain', risk: 'high', expiresMs: 0, note: '' } as const

async function read(bytes: Buffer | readonly Buffer[], limits = IMPORT_LIMITS): Promise<ImportLine[]> {
  const chunks = Buffer.isBuffer(bytes) ? [bytes] : bytes
  const lines: ImportLine[] = []
  for await (const batch of importLines(toAsync(chunks), common, limits)) lines.push(...batch)
  return lines
}

async function* toAsync(chunks: readonly Buffer[]) {
  yield* chunks
}

const cases = [
  { text: 'a.example\n', line: 1, value: 'a.example', because: 'a value alone takes the common columns' },
  { text: 'a.example', line: 1, value: 'a.example', because: 'the last line needs no end' },
  { text: '\r\n# c\r\n a.example \r\n', line: 3, value: 'a.example', because: 'empty and comment lines are counted' },
  { text: '\ufeffa.example\n', line: 1, value: 'a.example', because: 'a byte order mark is no part of the value' },
  { text: 'a.example\tlow\n', line: 1, risk: 'low', because: 'a risk of its own' },
  { text: 'a.example\t\t2030-01-01\tn\n', line: 1, expiresMs: Date.UTC(2030, 0, 1), because: 'an expiry of its own' },
  { text: 'x\n\tlow\n', line: 2, fault: /^VALUE/, because: 'a line without a value' },
  { text: 'a\tsevere\n', line: 1, fault: /^RISK/, because: 'no such risk' },
  { text: 'a\tlow\ttomorrow\n', line: 1, fault: /^EXPIRES/, because: 'no date' },
  { text: 'a\tlow\t\tn\tm\n', line: 1, fault: /four columns/, because: 'a column too many' },
  { text: 'a\u0007b\n', line: 1, fault: /control/, because: 'a control character' },
]

describe('import lines', () => {
  for (const { text, because, line, ...expected } of cases) {
    it(`reads ${JSON.stringify(text)}: ${because}`, async () => {
      const found = (await read(Buffer.from(text))).find((each) => each.line === line)
      if ('fault' in expected) assert.match(found && 'fault' in found ? found.fault : 'no fault', expected.fault)
      else
        assert.deepEqual(
          found && 'entry' in found ? { ...found.entry, ...expected } : 0,
          found && 'entry' in found && found.entry,
        )
    })
  }

  it('names a line that is not UTF-8', async () => {
    const lines = await read(Buffer.concat([Buffer.from('a\n'), Buffer.from([0xff, 0x0a]), Buffer.from('b\n')]))
    assert.deepEqual(
      lines.map((each) => ('fault' in each ? each.fault : each.entry.value)),
      ['a', 'is not UTF-8', 'b'],
    )
  })

  it('gives the same wherever the bytes are cut', async () => {
    const bytes = Buffer.from('# head\na.example\tlow\r\nbäd\n\nlast\tx')
    const whole = await read(bytes)
    for (let cut = 1; cut < bytes.length; cut++)
      assert.deepEqual(await read([bytes.subarray(0, cut), bytes.subarray(cut)]), whole, `cut at ${cut}`)
  })

  it('refuses more bytes, lines or a longer line than it may have', async () => {
    const bytes = Buffer.from('abc\nabc\nabc\n')
    const limits = { maxBytes: 100, maxLines: 10, maxLineBytes: 10 }
    await assert.rejects(read(bytes, { ...limits, maxBytes: 11 }), { code: 'TOO_LARGE' })
    await assert.rejects(read(bytes, { ...limits, maxLines: 2 }), { code: 'TOO_LARGE' })
    await assert.rejects(read(bytes, { ...limits, maxLineBytes: 2 }), { faults: ['line 1: longer than 2 bytes'] })
    assert.equal((await read(bytes, limits)).length, 3)
  })

  it('never throws on any bytes within the limits', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        for (const each of await read(Buffer.from(bytes))) assert.ok('fault' in each || each.entry.value !== '')
      }),
    )
  })

  it('reads back what export wrote', async () => {
    const objects = fc.record({
      value: fc.stringMatching(/^[a-z0-9.*/:-]{1,40}$/),
      risk: fc.constantFrom('low', 'medium', 'high', 'none'),
      expiresMs: fc.constantFrom(0, 1_900_000_000_000),
      note: fc.stringMatching(/^[A-Za-zé]{0,10}$/),
    })
    await fc.assert(
      fc.asyncProperty(objects, async (object) => {
        const line = exportLine({ ...common, ...object, addedMs: 0, source: '' })
        assert.deepEqual(await read(Buffer.from(line)), [{ line: 1, entry: { ...common, ...object } }])
      }),
    )
  })

  it('writes one line whatever the note holds', () => {
    const line = exportLine({ ...common, value: 'a', note: 'x\ny\tz\r', addedMs: 0, source: '' })
    assert.equal(line, 'a\thigh\t\tx y z\n')
  })
})
