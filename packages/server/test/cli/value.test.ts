import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { columns, jsonLine, printable } from '../../src/cli/print.ts'
import { parseExpiry, parseTime } from '../../src/cli/time.ts'
import { MAX_VALUE_BYTES, readValue } from '../../src/cli/value.ts'

const stdin = (text: string) => Readable.from([Buffer.from(text)])

describe('a VALUE', () => {
  for (const { argument, secret = false, input = '', value, because } of [
    { argument: '1344', value: '1344', because: 'the server knows that it is a number' },
    { argument: '["a"]', value: '["a"]', because: 'JSON is read by the server' },
    { argument: '', value: '', because: 'nothing is a value too' },
    { argument: 'a@b', value: 'a@b', because: '@ counts at the beginning only' },
    { argument: '--', value: '--', because: 'only - is stdin' },
    { argument: '-', input: 'x\n', value: 'x\n', because: 'text from stdin stays as it is' },
    { argument: '-', input: 'x\n', secret: true, value: 'x', because: 'a secret loses one newline' },
    { argument: '-', input: 'x\n\n', secret: true, value: 'x\n', because: 'and only one' },
    { argument: '-', input: '', secret: true, value: '', because: 'an empty secret is for the server to judge' },
  ])
    it(`${JSON.stringify(argument)} is ${JSON.stringify(value)}: ${because}`, async () => {
      assert.equal(await readValue(argument, { secret }, stdin(input)), value)
    })

  it('is bounded', async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(1024 * 1024)
      })(),
    )
    await assert.rejects(readValue('-', { secret: false }, endless), {
      exitCode: 66,
      message: new RegExp(String(MAX_VALUE_BYTES)),
    })
  })
})

describe('a time', () => {
  const now = Date.UTC(2026, 0, 2)
  for (const [text, before, after] of [
    ['90s', now - 90_000, now + 90_000],
    ['15m', now - 900_000, now + 900_000],
    ['2h', now - 7_200_000, now + 7_200_000],
    ['1d', now - 86_400_000, now + 86_400_000],
    ['2025-12-31', Date.UTC(2025, 11, 31), Date.UTC(2025, 11, 31)],
    ['2025-12-31T10:00Z', Date.UTC(2025, 11, 31, 10), Date.UTC(2025, 11, 31, 10)],
  ] as const)
    it(text, () => assert.deepEqual([parseTime(text, now), parseExpiry(text, now)], [before, after]))

  for (const text of ['', '1', 'yesterday', '5 m', '-1h', '2025-13-45', '99999999d', '1900-01-01'])
    it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseTime(text, now), { exitCode: 64 }))
})

describe('output', () => {
  it('is one harmless line', () => {
    assert.equal(printable('a\u001b[0m\r\n\u202eb\u0000'), 'a\\u{1b}[0m\\u{d}\\u{a}\\u{202e}b\\u{0}')
    assert.equal(jsonLine({ a: '\u001b\u009b\u2028ä' }), '{"a":"\\u001b\\u009b\\u2028ä"}\n')
    assert.deepEqual(JSON.parse(jsonLine({ a: '\u009b' })), { a: '\u009b' })
  })

  it('is aligned', () =>
    assert.equal(
      columns([
        ['a', 'bb', ''],
        ['ccc', 'd', 'e'],
      ]),
      'a    bb\nccc  d   e\n',
    ))
  it('is bounded in its padding', () =>
    assert.ok(
      columns([
        ['x'.repeat(10_000), 'a'],
        ['y', 'b'],
      ]).length < 10_100,
    ))
})
