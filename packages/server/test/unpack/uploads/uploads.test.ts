import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Unscanned } from '../../../src/domain/verdict.ts'
import type { Opener } from '../../../src/unpack/opener.ts'
import { encodedTextOpener } from '../../../src/unpack/uploads/encoded-text-opener.ts'
import { jsonOpener } from '../../../src/unpack/uploads/json-opener.ts'
import { urlFormOpener } from '../../../src/unpack/uploads/url-form-opener.ts'
import { base64, MARKER } from '../mail/mails.ts'
import { type NodeFacts, nodeOf, type RecordingRun, recordingRun } from '../recording-run.ts'

const JSON_FACTS = { type: 'json', family: 'text' }
const TEXT = { type: 'text', family: 'text' }
const XML = { type: 'xml', family: 'text' }
const URL_FORM = { ...TEXT, declaredType: 'application/x-www-form-urlencoded' }

/** What the opener hands over; nothing where it does not want the node. */
async function open(
  opener: Opener,
  text: string | Buffer,
  facts: NodeFacts,
  run = recordingRun(),
): Promise<RecordingRun> {
  const node = nodeOf(typeof text === 'string' ? Buffer.from(text, 'latin1') : text, facts)
  if (opener.wants(node) !== undefined) await opener.open(node, run)
  return run
}

const contents = (run: RecordingRun) => run.members.map((member) => member.bytes.toString('latin1'))
const FILE = MARKER.repeat(3)
const whole = base64(FILE, 1e9)
const urlSafe = whole.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
const lines = base64(FILE)

type Row = readonly [because: string, text: string | Buffer]

function handsOver(title: string, opener: Opener, facts: NodeFacts, rows: readonly Row[]): void {
  describe(title, () => {
    for (const [because, text] of rows) {
      it(`is handed over: ${because}`, async () => {
        const run = await open(opener, text, facts)
        assert.ok(
          contents(run).some((content) => content.startsWith(FILE)),
          JSON.stringify(contents(run)).slice(0, 500),
        )
      })
    }
  })
}

handsOver('a file in JSON', jsonOpener(), JSON_FACTS, [
  ['base64', JSON.stringify({ data: whole })],
  ['the alphabet of addresses', JSON.stringify({ data: urlSafe })],
  ['lines', JSON.stringify({ data: lines })],
  ['short lines', JSON.stringify({ data: base64(FILE, 20, '\n') })],
  ['slashes escaped, as PHP writes them', JSON.stringify({ data: whole }).replaceAll('/', '\\/')],
  ['plus and equals escaped', JSON.stringify({ data: whole }).replaceAll('+', '\\u002b').replaceAll('=', '\\u003D')],
  ['a data: URI', JSON.stringify({ data: `data:application/pdf;base64,${whole}` })],
  ['a data: URI in percent signs', JSON.stringify({ data: `data:application/pdf,${encodeLatin(FILE)}` })],
  ['a prefix that names base64', JSON.stringify({ data: `base64:${whole}` })],
  ['an array', JSON.stringify([[{ a: [whole] }]])],
  ['one string', JSON.stringify(whole)],
  ['a damage in the middle', JSON.stringify({ data: `${whole}!!${whole}` })],
  ['no end', `{"data":"${whole}`],
  ['UTF-16', Buffer.from(`\ufeff${JSON.stringify({ data: whole })}`, 'utf16le')],
  ['UTF-16 without its mark, the other way round', Buffer.from(JSON.stringify({ data: whole }), 'utf16le').swap16()],
  ['depth beyond all reason', `${'[{"a":'.repeat(3000)}"${whole}"`],
])

function encodeLatin(text: string): string {
  return [...Buffer.from(text, 'latin1')].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}

describe('JSON', () => {
  it('names a file as its object does, before or behind the data, or as the object around it does', async () => {
    const names = async (value: unknown) =>
      (await open(jsonOpener(), Buffer.from(JSON.stringify(value)), JSON_FACTS)).members.map((member) => member.name)
    assert.deepEqual(await names({ filename: 'a\u00e4.exe', data: whole }), ['a\u00e4.exe'])
    assert.deepEqual(
      await names([
        { data: whole, name: 'a.exe' },
        { data: whole, fileName: 'b.exe' },
      ]),
      ['a.exe', 'b.exe'],
    )
    assert.deepEqual(await names({ name: 'a.exe', content: { encoding: 'base64', data: whole } }), ['a.exe'])
    assert.deepEqual(await names({ attachment: whole }), ['attachment'])
  })

  it('gives the type of a data: URI', async () => {
    const run = await open(jsonOpener(), JSON.stringify({ a: `data:Image/PNG;base64,${whole}` }), JSON_FACTS)
    assert.equal(run.members[0]?.declaredType, 'image/png')
  })

  it('in a string is handed over as JSON', async () => {
    const inner = JSON.stringify({ name: 'x', note: 'some words before it', data: whole })
    const run = await open(jsonOpener(), JSON.stringify({ event: inner }), JSON_FACTS)
    assert.deepEqual([run.members[0]?.declaredType, contents(run)[0]], ['application/json', inner])
  })

  it('shows a text that escapes hide', async () => {
    const text = 'X5O!P%@AP[4\\PZX54(P^)7CC)7}$ a text with a backslash'
    assert.deepEqual(contents(await open(jsonOpener(), JSON.stringify({ a: text }), JSON_FACTS)), [text])
    const hidden = JSON.stringify({ a: text }).replace('X5O', '\\u00585O')
    assert.deepEqual(contents(await open(jsonOpener(), hidden, JSON_FACTS)), [text])
  })

  it('shows very many of them in one member', async () => {
    const text = 'a text with a back\\slash and more words of it'
    const run = await open(jsonOpener(), JSON.stringify(Array(1000).fill(text)), JSON_FACTS)
    assert.equal(run.members.length, 1)
    assert.equal(contents(run)[0]?.split(text).length, 1001)
    assert.match(contents(run)[0] ?? '', /^strings/)
  })

  const nothing: readonly (readonly [string, unknown])[] = [
    ['hashes', { sha256: 'ab'.repeat(32), sha512: '0f'.repeat(64) }],
    [
      'addresses',
      { url: 'https://example.org/articles/2024/a-very-long-name-of-an-article-about-nothing-in-particular-at-all' },
    ],
    ['words', { text: 'hello world '.repeat(100) }],
    ['line ends and quotes', { text: 'he said: "hello"\n'.repeat(100) }],
  ]
  for (const [because, value] of nothing) {
    it(`gives nothing for ${because}`, async () => {
      assert.deepEqual(contents(await open(jsonOpener(), JSON.stringify(value), JSON_FACTS)), [])
    })
  }

  it('is not looked at where it holds only words', () => {
    const node = nodeOf(Buffer.from(JSON.stringify({ text: 'hello world '.repeat(1000) })), JSON_FACTS)
    assert.equal(jsonOpener().wants(node), undefined)
  })

  it('puts many short values together: they must not use up the members', async () => {
    const tokens = Array.from({ length: 2000 }, (_, index) => base64(`${index} ${MARKER}`, 1e9))
    const run = await open(jsonOpener(), JSON.stringify(tokens), JSON_FACTS)
    assert.equal(run.members.length, 257)
    assert.ok(contents(run).at(-1)?.includes(`1999 ${MARKER}`))
  })

  it('of 20 MB is read in windows', async () => {
    const filler = JSON.stringify('some words of no meaning '.repeat(40_000))
    const text = `[${`${filler},`.repeat(20)}{"name":"last.bin","data":"${whole}"}]`
    const run = await open(jsonOpener(), text, JSON_FACTS)
    assert.deepEqual([run.members.map((member) => member.name), contents(run)], [['last.bin'], [FILE]])
  })
})

handsOver('a file in a form of fields', urlFormOpener(), URL_FORM, [
  ['base64', `a=b&file=${encodeURIComponent(whole)}&c=d`],
  ['base64 whose signs are not escaped', `file=${whole}`],
  ['bytes in percent signs', `file=${encodeLatin(FILE)}`],
  ['a data: URI', `file=${encodeURIComponent(`data:a/b;base64,${whole}`)}`],
  ['no name', encodeURIComponent(whole)],
])

describe('a form of fields', () => {
  it('names the file by its field', async () => {
    const run = await open(urlFormOpener(), `a%5Bb%5D=${encodeURIComponent(whole)}`, URL_FORM)
    assert.deepEqual(
      run.members.map((member) => member.name),
      ['a[b]'],
    )
  })

  it('is seen without its type', async () => {
    assert.deepEqual(contents(await open(urlFormOpener(), `a=1&b=${encodeURIComponent(whole)}`, TEXT)), [FILE])
  })

  it('of short fields gives nothing', async () => {
    assert.deepEqual(
      contents(await open(urlFormOpener(), 'user=a%40example.org&password=secret&'.repeat(50), URL_FORM)),
      [],
    )
  })
})

handsOver('a file in a text', encodedTextOpener(), TEXT, [
  ['base64, nothing else', whole],
  ['lines', lines],
  ['short lines', base64(FILE, 16, '\n')],
  [
    'long lines behind a short one',
    `${lines.slice(0, 8)}\r\n${base64(FILE, 76)
      .replaceAll('\r\n', '')
      .slice(8)
      .replace(/(.{76})/g, '$1\r\n')}`,
  ],
  ['lines that are indented', lines.replaceAll('\r\n', '\r\n    ')],
  ['blanks where line ends were', lines.replaceAll('\r\n', ' ')],
  ['a head as PEM has it', `-----BEGIN THING-----\n${base64(FILE, 64, '\n')}\n-----END THING-----\n`],
  ['words around it', `Dear all,\nhere it is:\n\n${lines}\n\nRegards\nme`],
  ['a key in front', `payload: ${whole} (end)`],
  ['uuencode', `see\r\n${uuencode(FILE)}\r\nbye`],
  ['uuencode of base64', `begin-base64 644 a\n${lines}\n====\n`],
  ['yEnc', yEnc(FILE)],
  ['UTF-16', Buffer.from(`\ufeffhello ${whole}`, 'utf16le')],
])

handsOver('a file in XML', encodedTextOpener(), XML, [
  ['an element', `<?xml version="1.0"?><a><data>${whole}</data></a>`],
  ['lines', `<a>\n${lines}\n</a>`],
  ['line ends that are escaped', `<a>${lines.replaceAll('\r\n', '&#xD;\n')}</a>`],
  ['an attribute', `<a src="data:a/b;base64,${whole}"/>`],
])

handsOver('yEnc of bytes', encodedTextOpener(), { type: 'data' }, [['one', yEnc(FILE)]])

function uuencode(text: string): string {
  const bytes = Buffer.from(text, 'latin1')
  const out = ['begin 644 a b.bin']
  for (let at = 0; at < bytes.length; at += 45) {
    const line = bytes.subarray(at, at + 45)
    const sextets = Array.from({ length: Math.ceil(line.length / 3) * 4 }, (_, index) => {
      const group = index >> 2
      const bits = ((line[group * 3] ?? 0) << 16) | ((line[group * 3 + 1] ?? 0) << 8) | (line[group * 3 + 2] ?? 0)
      return String.fromCharCode(((bits >> (18 - (index & 3) * 6)) & 63) + 32)
    })
    out.push((String.fromCharCode(32 + line.length) + sextets.join('')).trimEnd())
  }
  return [...out, '`', 'end'].join('\r\n')
}

function yEnc(text: string): string {
  const escaped = [...Buffer.from(text, 'latin1')].map((byte) => {
    const code = (byte + 42) & 255
    return [0, 10, 13, 61].includes(code) ? `=${String.fromCharCode((code + 64) & 255)}` : String.fromCharCode(code)
  })
  return `=ybegin line=128 size=${text.length} name=a b.bin\r\n${escaped.join('').replace(/(.{100,101}[^=])/gs, '$1\r\n')}\r\n=yend size=${text.length}\r\n`
}

describe('a text', () => {
  it('gives the name of a uuencoded file, and nothing behind its end', async () => {
    const run = await open(encodedTextOpener(), `${uuencode(FILE)}\r\nbye`, TEXT)
    assert.deepEqual([run.members[0]?.name, contents(run)], ['a b.bin', [FILE]])
  })

  for (const [because, text] of [
    ['prose', 'The quick brown fox jumps over the lazy dog\n'.repeat(50)],
    ['a list of words', 'alpha\nbravo\ncharlie\ndelta\n'.repeat(50)],
    ['hashes', `${'0123456789abcdef'.repeat(4)}  a.txt\n`.repeat(3)],
    ['rules of dashes', `${'-'.repeat(80)}\n\n${'='.repeat(80)}\n`],
    ['a word that begins a line', 'begin with this\nbegin 12 x\n'],
  ] as const) {
    it(`gives nothing for ${because}`, async () => {
      assert.deepEqual(contents(await open(encodedTextOpener(), text, TEXT)), [])
    })
  }
})

describe('hostile uploads', () => {
  const openers: readonly (readonly [Opener, NodeFacts])[] = [
    [jsonOpener(), JSON_FACTS],
    [urlFormOpener(), URL_FORM],
    [encodedTextOpener(), TEXT],
    [encodedTextOpener(), XML],
  ]

  async function survives(bytes: Buffer): Promise<void> {
    for (const [opener, facts] of openers) {
      try {
        await opener.open(nodeOf(bytes, facts), recordingRun({ maxMembers: 100 }))
      } catch (error) {
        assert.ok(error instanceof Unscanned, String(error))
      }
    }
  }

  it('end well whatever they are', async () => {
    const long = 'Ab1'.repeat(30)
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      '\\',
      '\\u',
      '00',
      '\\u0041',
      ':',
      ',',
      long,
      'a',
      '=',
      '&',
      '%',
      '%4',
      '%41',
      '&#xD;',
      '&#',
      '\r\n',
      '\n',
      'begin 644 a\n',
      '=ybegin name=a\n',
      'end\n',
      '=yend',
      '\0',
      '\xff',
      ' ',
      'data:;base64,',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 40 }), (all) => survives(Buffer.from(all.join(''), 'latin1'))),
      { numRuns: 1000 },
    )
  })

  for (const [because, text] of [
    ['backslashes', `"${'\\'.repeat(3_000_000)}`],
    ['quotes', '"'.repeat(3_000_000)],
    ['brackets', '{'.repeat(3_000_000)],
    ['ampersands', '&'.repeat(3_000_000)],
    ['entities', '&#xD;'.repeat(600_000)],
    ['files that nobody ends', 'begin 644 a\n'.repeat(300_000)],
    ['lines of forty', `${'Ab1='.repeat(10)}\n`.repeat(60_000)],
    ['forty, then a sign', `${'Ab1='.repeat(20)}.`.repeat(40_000)],
  ] as const) {
    it(`end within their limits: ${because}`, () => survives(Buffer.from(text)))
  }
})
