import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { mailOpener } from '../../../src/unpack/mail/mail-opener.ts'
import { nodeOf, type RecordingRun, recordingRun } from '../recording-run.ts'
import { attachment, base64, MARKER, mail, mixed, multipart } from './mails.ts'

async function open(bytes: Buffer, run: RecordingRun = recordingRun()): Promise<RecordingRun> {
  await mailOpener().open(nodeOf(bytes, { type: 'eml' }), run)
  return run
}

const contents = (run: RecordingRun) => run.members.map((member) => member.bytes.toString('latin1'))
const names = (run: RecordingRun) => run.members.map((member) => member.name)

const plain = 'Content-Type: application/octet-stream'
const B64 = 'Content-Transfer-Encoding: base64'
const QP = 'Content-Transfer-Encoding: quoted-printable'
const body = base64(MARKER)

/** Each of these mails holds the marker; some reader of mails shows it. */
const holds: readonly (readonly [string, Buffer])[] = [
  ['base64', mail([plain, B64], body)],
  ['base64 on one long line', mail([plain, B64], base64(MARKER, 9999))],
  ['base64 in lines of five: groups are cut by line ends', mail([plain, B64], base64(MARKER, 5))],
  ['base64 with junk in between', mail([plain, B64], body.replace(/(.{7})/g, '$1!* '))],
  ['base64 without its padding', mail([plain, B64], body.replaceAll('=', ''))],
  ['base64 named with a comment and in upper case', mail([plain, 'CONTENT-transfer-encoding : (x) BASE64 (y)'], body)],
  ['two encodings, the second one right', mail([plain, 'Content-Transfer-Encoding: 7bit', B64], body)],
  ['two encodings, the first one right', mail([plain, B64, 'Content-Transfer-Encoding: 8bit'], body)],
  ['quoted-printable', mail([plain, QP], quoted(MARKER))],
  [
    'quoted-printable with lower case and blanks behind soft breaks',
    mail([plain, QP], quoted(MARKER).toLowerCase().replace(/^mz/, 'MZ').replaceAll('=\r\n', '= \t\r\n')),
  ],
  ['binary', mail([plain, 'Content-Transfer-Encoding: binary'], MARKER)],
  ['no encoding at all', mail([], MARKER)],
  ['uuencode', mail(['Content-Transfer-Encoding: x-uuencode'], uu(MARKER))],
  ['a part', mail([mixed('B')], multipart('B', [attachment('a', MARKER)]))],
  ['bare line feeds', mail([mixed('B')], multipart('B', [attachment('a', MARKER)], '\n'), '\n')],
  ['bare carriage returns', mail([mixed('B')], multipart('B', [attachment('a', MARKER)], '\r'), '\r')],
  [
    'a folded boundary',
    mail(['Content-Type: multipart/mixed;', ' \t boundary=B'], multipart('B', [attachment('a', MARKER)])),
  ],
  [
    'a boundary without quotes',
    mail(['Content-Type: multipart/mixed; boundary=B ; x=y'], multipart('B', [attachment('a', MARKER)])),
  ],
  [
    'a boundary with a comment',
    mail(['Content-Type: multipart/mixed; boundary=B(c)'], multipart('B', [attachment('a', MARKER)])),
  ],
  [
    'a boundary in single quotes, which are part of it for some',
    mail(["Content-Type: multipart/mixed; boundary='B'"], multipart('B', [attachment('a', MARKER)])),
  ],
  [
    'a boundary whose quote nobody closes',
    mail(['Content-Type: multipart/mixed; boundary="B'], multipart('B', [attachment('a', MARKER)])),
  ],
  [
    'a continued boundary (RFC 2231)',
    mail(
      ['Content-Type: multipart/mixed; boundary*0="ab"; boundary*1="cd"'],
      multipart('abcd', [attachment('a', MARKER)]),
    ),
  ],
  [
    'a boundary in percent signs (RFC 2231)',
    mail(["Content-Type: multipart/mixed; boundary*=us-ascii''%41%42"], multipart('AB', [attachment('a', MARKER)])),
  ],
  ['an empty boundary', mail(['Content-Type: multipart/mixed; boundary=""'], multipart('', [attachment('a', MARKER)]))],
  [
    'a boundary of 1,000 characters',
    mail([mixed('x'.repeat(1000))], multipart('x'.repeat(1000), [attachment('a', MARKER)])),
  ],
  ['no boundary named', mail(['Content-Type: multipart/mixed'], multipart('B', [attachment('a', MARKER)]))],
  ['a boundary named that is not there', mail([mixed('C')], multipart('B', [attachment('a', MARKER)]))],
  [
    'two boundaries, the second one used',
    mail(
      ['Content-Type: multipart/mixed; boundary=A; boundary=B'],
      multipart('A', [{ body: 'x' }]) + multipart('B', [attachment('a', MARKER)]),
    ),
  ],
  [
    'two types, the second one used',
    mail([mixed('A'), mixed('B')], multipart('A', [{ body: 'x' }]) + multipart('B', [attachment('a', MARKER)])),
  ],
  [
    'text for one reader, parts for another',
    mail(['Content-Type: text/plain', mixed('B')], multipart('B', [attachment('a', MARKER)])),
  ],
  [
    'a part behind the closing delimiter',
    mail([mixed('B')], multipart('B', [{ body: 'x' }]) + multipart('B', [attachment('a', MARKER)])),
  ],
  ['no closing delimiter', mail([mixed('B')], multipart('B', [attachment('a', MARKER)]).replace('--B--', ''))],
  [
    'a delimiter that goes on, which some readers take',
    mail([mixed('B')], `--B\r\n\r\nx\r\n${multipart('B2', [attachment('a', MARKER)])}`),
  ],
  [
    'blanks behind the delimiter',
    mail([mixed('B')], multipart('B', [attachment('a', MARKER)]).replaceAll('--B', '--B \t ')),
  ],
  ['a multipart that is encoded itself', mail([mixed('B'), B64], base64(MARKER))],
  [
    'parts in parts',
    mail([mixed('B')], multipart('B', [{ fields: [mixed('B2')], body: multipart('B2', [attachment('a', MARKER)]) }])),
  ],
  [
    'an inner multipart that the outer one closes',
    mail(
      [mixed('B')],
      multipart('B', [{ fields: [mixed('C')], body: multipart('C', [attachment('a', MARKER)]).replace('--C--', '') }]),
    ),
  ],
  [
    'the same boundary inside and outside',
    mail([mixed('B')], multipart('B', [{ fields: [mixed('B')], body: multipart('B', [attachment('a', MARKER)]) }])),
  ],
  ['a preamble', mail([mixed('B')], `${MARKER}\r\n${multipart('B', [{ body: 'x' }])}`)],
  ['an epilogue', mail([mixed('B')], multipart('B', [{ body: 'x' }]) + MARKER)],
  ['a part without a head', mail([mixed('B')], `--B\r\n${MARKER}\r\n--B--`)],
  ['a field behind a line that is none', mail([plain, 'no field here', B64], body)],
  [
    'NUL bytes in front of it',
    mail([mixed('B')], `\0\0\0${multipart('B', [{ body: '\0' }, attachment('a', MARKER)])}`),
  ],
  [
    'a mailbox line in front',
    Buffer.concat([Buffer.from('From x 2024\r\n'), mail([mixed('B')], multipart('B', [attachment('a', MARKER)]))]),
  ],
  ['padding, then a second base64 text', mail([plain, B64], `AA==\r\n${body}`)],
  [
    'a = in the middle, which some readers pass over',
    mail([plain, B64], `${base64(MARKER).slice(0, 3)}=${base64(MARKER).slice(3)}`),
  ],
]

function quoted(text: string): string {
  const all = [...text].map((char) =>
    /[ -<>-~]/.test(char) ? char : `=${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
  return all.map((char, index) => (index % 20 === 19 ? `${char}=\r\n` : char)).join('')
}

function uu(text: string): string {
  const bytes = Buffer.from(text, 'latin1')
  const lines: string[] = []
  for (let at = 0; at < bytes.length; at += 45) {
    const line = bytes.subarray(at, at + 45)
    let out = String.fromCharCode(32 + line.length)
    for (let i = 0; i < line.length; i += 3) {
      const bits = ((line[i] ?? 0) << 16) | ((line[i + 1] ?? 0) << 8) | (line[i + 2] ?? 0)
      for (const shift of [18, 12, 6, 0]) out += String.fromCharCode(((bits >> shift) & 63) + 32)
    }
    lines.push(out.replaceAll(' ', '`'))
  }
  return ['begin 644 a.bin', ...lines, '`', 'end', ''].join('\r\n')
}

describe('a mail', () => {
  for (const [name, bytes] of holds) {
    it(`hands over what it holds: ${name}`, async () => {
      const run = await open(bytes)
      assert.ok(
        contents(run).some((content) => content.includes(MARKER)),
        JSON.stringify(contents(run)),
      )
      assert.deepEqual(run.faults, [])
    })
  }

  it('gives exactly its parts, with names and types, and no part twice', async () => {
    const parts = [{ fields: ['Content-Type: text/plain'], body: 'hello' }, attachment('a.bin', MARKER)]
    const run = await open(mail([mixed('B')], multipart('B', parts)))
    assert.deepEqual(
      run.members.map(({ name, declaredType, bytes }) => [name, declaredType, bytes.toString('latin1')]),
      [
        ['', 'text/plain', 'hello'],
        ['a.bin', 'application/octet-stream', MARKER],
      ],
    )
  })

  it('gives no part twice where one boundary begins with the other', async () => {
    const inner = multipart('B2', [attachment('a.bin', MARKER)])
    const run = await open(mail([mixed('B')], multipart('B', [{ fields: [mixed('B2')], body: inner }])))
    assert.deepEqual(contents(run), [MARKER])
  })

  it('hands over a forwarded mail as one', async () => {
    const inner = mail([mixed('C')], multipart('C', [attachment('a.bin', MARKER)])).toString('latin1')
    const run = await open(
      mail([mixed('B')], multipart('B', [{ fields: ['Content-Type: message/rfc822'], body: inner }])),
    )
    assert.deepEqual(
      run.members.map(({ declaredType }) => declaredType),
      ['message/rfc822'],
    )
    assert.equal(contents(run)[0], inner)
  })

  it('hands parts too deep to be laid flat over as a mail, whose opener goes on', async () => {
    let inner = multipart('b39-', [attachment('a.bin', MARKER)])
    for (let depth = 38; depth >= 0; depth--)
      inner = multipart(`b${depth}-`, [{ fields: [mixed(`b${depth + 1}-`)], body: inner }])
    let bytes = mail([mixed('b0-')], inner)
    for (let layer = 0; layer < 3; layer++) {
      const run = await open(bytes)
      assert.equal(run.members.length, 1)
      bytes = run.members[0]?.bytes ?? Buffer.alloc(0)
    }
    assert.equal(bytes.toString('latin1'), MARKER)
  })
})

describe('the names of attachments', () => {
  const cases = [
    ['filename="a b.txt"', 'a b.txt', 'quoted'],
    ['filename=a.txt', 'a.txt', 'bare'],
    ['filename="C:\\x\\a.txt"', 'C:\\x\\a.txt', 'a path as old browsers send it'],
    ['filename="a\\"b.txt"', 'a"b.txt', 'an escaped quote'],
    ['filename="=?utf-8?B?w6QuZXhl?="', 'ä.exe', 'an encoded word where none may stand'],
    ['filename="=?iso-8859-1?Q?=E4_?= =?iso-8859-1?Q?b.exe?="', 'ä b.exe', 'two encoded words are one'],
    ["filename*=UTF-8''%e2%82%ac.exe", '€.exe', 'RFC 2231'],
    ["filename*0*=iso-8859-1'de'%e4; filename*1=.ex; filename*2=e", 'ä.exe', 'RFC 2231 in sections'],
    ['filename*1=exe; filename*0="a."', 'a.exe', 'sections out of order'],
    ['filename=a.exe; filename=b.txt', 'a.exe', 'the first of two that run'],
    ['filename=b.txt; filename=a.exe', 'a.exe', 'the one of two that runs'],
    ['x', 'typed.bin', 'the name of the type when the disposition has none'],
  ] as const
  for (const [parameters, name, because] of cases) {
    it(`are read: ${because}`, async () => {
      const fields = ['Content-Type: application/x; name=typed.bin', `Content-Disposition: attachment; ${parameters}`]
      assert.deepEqual(names(await open(mail(fields, 'x'))), [name])
    })
  }

  const told = [
    ['invoice.pdf.exe', ['Attachment.DoubleExtension', 'high'], 'a program called a document'],
    ['invoice.pdf        .exe', ['Attachment.DoubleExtension', 'high'], 'blanks push the end out of sight'],
    ['invoice.pdf.exe. .', ['Attachment.DoubleExtension', 'high'], 'Windows drops dots and blanks at the end'],
    ['index.html.js', ['Attachment.DoubleExtension', 'low'], 'programmers give such names'],
    ['=?utf-8?Q?inv=E2=80=AEfdp.exe?=', ['Attachment.RightToLeftName', 'high'], 'written from right to left'],
    ['setup.exe', [], 'a program that says so'],
    ['backup.2024.zip', [], 'a date'],
    ['report.final.pdf', [], 'a document'],
  ] as const
  for (const [name, finding, because] of told) {
    it(`are told when they deceive: ${because}`, async () => {
      const run = await open(mail([`Content-Disposition: attachment; filename="${name}"`], 'x'))
      assert.deepEqual(
        run.findings.flatMap((one) => [one.name, one.risk]),
        finding,
      )
      assert.match(run.findings[0]?.detail ?? '', /^[\x20-\x7e]*$/)
    })
  }

  it('are told when a document is a program for another reader', async () => {
    const fields = ['Content-Type: application/x; name=a.exe', 'Content-Disposition: attachment; filename=a.pdf']
    assert.deepEqual(
      (await open(mail(fields, 'x'))).findings.map((one) => one.name),
      ['Attachment.TwoNames'],
    )
  })
})

describe('the text of a mail', () => {
  it('is told before the first attachment is handed over, with subject and addresses', async () => {
    const run = recordingRun()
    const order: string[] = []
    const { hint, member } = run
    run.hint = (text) => {
      order.push(`hint ${text}`)
      hint(text)
    }
    run.member = (info) => {
      order.push(`member ${info.name}`)
      return member(info)
    }
    const html = '<p>Das Pass<b>wort</b> ist &quot;g&#101;heim&quot;</p><a href="https://evil.example/a?b&amp;c">x</a>'
    const parts = [attachment('a.zip', MARKER), { fields: ['Content-Type: text/html', QP], body: quoted(html) }]
    await open(mail(['Subject: =?utf-8?Q?password:_abc?=', mixed('B')], multipart('B', parts)), run)
    assert.deepEqual(order.filter((one) => one.startsWith('hint')).length, 1)
    assert.equal(order[0]?.startsWith('hint'), true)
    assert.match(run.hints.join('\n'), /Das Passwort ist "geheim"/)
    assert.deepEqual(run.urls, ['https://evil.example/a?b&c'])
  })

  it('gives the subject of a mail as a hint', async () => {
    assert.deepEqual((await open(mail(['Subject: =?utf-8?Q?password:_abc?='], 'x'))).hints, ['password: abc', 'x'])
  })

  it('keeps a bounded number of addresses', async () => {
    const text = Array.from({ length: 5000 }, (_, index) => `http://h${index}.example/`).join(' ')
    assert.equal((await open(mail([], text))).urls.length, 300)
  })
})

describe('what the mail opener wants', () => {
  const head = (text: string, facts: object = {}) =>
    mailOpener().wants(nodeOf(Buffer.from(text, 'latin1'), { type: 'text', family: 'text', ...facts }))
  const cases = [
    ['members', head('x', { type: 'eml', family: 'document', packed: true }), 'what is a mail'],
    [
      'members',
      head('Thread-Topic: x\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n'),
      'a head that begins oddly',
    ],
    [
      'members',
      head('\0\0', { type: 'data', family: 'data', declaredType: 'message/rfc822' }),
      'what its container calls a mail',
    ],
    ['members', head('<x', { type: 'html', family: 'script', fileName: 'a.MHT' }), 'what is named a web archive'],
    [undefined, head('hello'), 'a text'],
    [undefined, head('Note: see below\r\n\r\nContent-Type: multipart/mixed'), 'a text with a colon'],
    [undefined, head('', { declaredType: 'message/rfc822' }), 'nothing at all'],
    [undefined, head('PK', { type: 'zip', family: 'archive', fileName: 'a.eml' }), 'an archive that is named a mail'],
  ] as const
  for (const [wanted, got, because] of cases)
    it(`${wanted ?? 'nothing'} of ${because}`, () => assert.equal(got, wanted))
})

describe('a hostile mail', () => {
  const good = mail(
    ['Subject: =?utf-8?B?w6Q=?=', mixed('B')],
    `pre\r\n${multipart('B', [
      { fields: ['Content-Type: text/html', QP], body: quoted('<a href="http://x.example/">ä</a>') },
      { fields: [mixed('C')], body: multipart('C', [attachment('a.bin', MARKER)]) },
    ])}epi`,
  )

  async function survives(bytes: Buffer): Promise<void> {
    try {
      await open(bytes, recordingRun({ maxMembers: 200 }))
    } catch (error) {
      assert.ok(error instanceof Unscanned, String(error))
    }
  }

  it('ends well wherever it is cut', async () => {
    for (let cut = 0; cut < good.length; cut++) await survives(good.subarray(0, cut))
  })

  it('ends well whatever byte of it is another', async () => {
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255))
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
        const bytes = Buffer.from(good)
        for (const [at, value] of changes) bytes[at] = value
        await survives(bytes)
      }),
      { numRuns: 500 },
    )
  })

  it('ends well whatever it is', async () => {
    const pieces = fc.constantFrom(
      '--',
      'B',
      '\r\n',
      '\n',
      '\r',
      mixed('B'),
      B64,
      QP,
      ':',
      ';',
      '"',
      '=?',
      '?=',
      '\0',
      ' ',
      'AAAA',
      '=',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 60 }), (all) => survives(Buffer.from(all.join(''), 'latin1'))),
      { numRuns: 500 },
    )
  })

  it('of more parts than the budget has is a bomb', async () => {
    const bytes = mail([mixed('B')], '--B\r\n\r\nx\r\n'.repeat(2000))
    await assert.rejects(
      open(bytes, recordingRun({ maxMembers: 100 })),
      (error) => error instanceof Unscanned && error.reason === 'bomb',
    )
  })

  for (const [name, bytes] of [
    ['lines of dashes', mail([mixed('-'.repeat(70))], `${'-'.repeat(200)}\n`.repeat(20_000))],
    ['one line of dashes', mail([mixed('-'.repeat(2000))], '-'.repeat(4_000_000))],
    ['quotes that nobody closes', mail([`Content-Type: multipart/mixed; ${'\\"'.repeat(60_000)}`], 'x')],
    ['a head without end', mail(['x: y\r\n '.repeat(200_000)], 'x')],
    ['tags that nobody closes', mail(['Content-Type: text/html'], '<'.repeat(250_000))],
    ['encoded words that nobody closes', mail([`Content-Disposition: x; filename="${'=?a?b?'.repeat(40_000)}"`], 'x')],
    ['nesting without end', mail([mixed('B')], `--B\n${mixed('B')}\n\n`.repeat(3000))],
    ['boundaries that begin with each other', mail([mixed('a')], `--${'a'.repeat(60)}\n`.repeat(20_000))],
  ] as const) {
    it(`ends within its limits: ${name}`, () => survives(bytes))
  }
})
