import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { optionsResponse } from '../src/options-response.ts'
import { headerLines, quotedIsTag, ReplyHeads } from '../src/reply-heads.ts'
import { bodilessReply, messageHead } from '../src/response-writer.ts'
import type { OptionsAnswer } from '../src/service.ts'

const misuse = { code: 'ICAP_REPLY_MISUSE' }

describe('headerLines', () => {
  it('writes them in order', () => assert.equal(headerLines({ 'X-A': '1', 'X-B': '\xe4' }), 'X-A: 1\r\nX-B: \xe4\r\n'))

  it('folds a list over lines, as X-Violations-Found is known', () =>
    assert.equal(headerLines({ 'X-V': ['1', '-', 'EICAR'] }), 'X-V: 1\r\n\t-\r\n\tEICAR\r\n'))

  for (const lines of [[], [''], ['a', ' '], ['a\r\nX: y'], ['a', '\n'], ['\u010a']])
    it(`S4: refuses the lines ${JSON.stringify(lines)}`, () => assert.throws(() => headerLines({ X: lines }), misuse))

  const refused: [name: string, value: string, because: string][] = [
    ['X', 'a\rb', 'CR'],
    ['X', 'a\nb', 'LF'],
    ['X', 'a\0b', 'NUL'],
    ['X', 'a\u010ab', 'a character that latin1 would cut down to LF'],
    ['X:', 'a', 'a name that is no token'],
    ['', 'a', 'no name'],
    ['X\r\nY', 'a', 'a line in the name'],
    ['encapsulated', 'null-body=0', 'framing is the writer’s'],
    ['Trailer', 'X', 'N14: no trailers without Allow: trailers'],
    ['ISTag', '"a"', 'a second ISTag'],
  ]
  for (const [name, value, because] of refused)
    it(`S4: refuses ${JSON.stringify(name)}: ${JSON.stringify(value)} (${because})`, () =>
      assert.throws(() => headerLines({ [name]: value }), misuse))
})

describe('quotedIsTag', () => {
  it('O19: quotes once', () => {
    assert.equal(quotedIsTag('abc'), '"abc"')
    assert.equal(quotedIsTag('"abc"'), '"abc"')
    assert.equal(quotedIsTag('x'.repeat(32)), `"${'x'.repeat(32)}"`)
  })
  for (const tag of ['', '""', 'x'.repeat(33), 'a"b', 'a\nb', 'ä'])
    it(`O19: refuses ${JSON.stringify(tag)}`, () => assert.throws(() => quotedIsTag(tag), misuse))
})

describe('ReplyHeads', () => {
  const service = { name: 's', methods: ['REQMOD'] as const }

  it('S8: follows the ISTag at once, and gives the clock’s Date', () => {
    let tag = 'one'
    const heads = new ReplyHeads('Assay/1', () => tag)
    assert.match(
      heads.lines(service),
      /^ISTag: "one"\r\nServer: Assay\/1\r\nDate: \w{3}, \d{2} \w{3} \d{4} [\d:]{8} GMT\r\n$/,
    )
    tag = 'two'
    assert.match(heads.lines(service), /^ISTag: "two"/)
    const date = Date.parse(/Date: (.*)\r\n/.exec(heads.lines(service))?.[1] ?? '')
    assert.ok(Math.abs(Date.now() - date) < 5_000)
  })

  it('refuses a Server header that would break the head', () =>
    assert.throws(() => new ReplyHeads('a\r\nb', () => 'x'), RangeError))
})

describe('reply heads', () => {
  const lines = 'ISTag: "a"\r\n'
  const head = Buffer.from('HTTP/1.1 403 Forbidden\r\n\r\n')

  it('N3: a 204 has no Encapsulated', () =>
    assert.equal(
      bodilessReply(204, lines, true),
      'ICAP/1.0 204 No Content\r\nISTag: "a"\r\nConnection: keep-alive\r\n\r\n',
    ))

  it('L1: an error has null-body=0', () =>
    assert.match(
      bodilessReply(503, lines, false),
      /^ICAP\/1\.0 503 .*Connection: close\r\nEncapsulated: null-body=0\r\n\r\n$/s,
    ))

  it('E17: offsets are the head’s length', () => {
    const message = { status: 200, section: 'res-hdr', head } as const
    assert.match(messageHead(message, lines, true), /Encapsulated: res-hdr=0, null-body=26\r\n\r\n$/)
    assert.match(
      messageHead({ ...message, body: Buffer.alloc(0) }, lines, true),
      /Encapsulated: res-hdr=0, res-body=26\r\n/,
    )
    assert.match(messageHead({ ...message, section: 'req-hdr', body: head }, lines, true), /req-hdr=0, req-body=26\r\n/)
    assert.match(
      messageHead({ ...message, status: 206, useOriginalBody: 0 }, lines, true),
      /^ICAP\/1\.0 206 Partial Content\r\n.*res-body=26\r\n/s,
    )
  })
})

describe('optionsResponse', () => {
  const answer: OptionsAnswer = {
    status: 200,
    methods: ['REQMOD', 'RESPMOD'],
    isTag: 'a',
    optionsTtlS: 60,
    maxConnections: 0,
    serviceText: 'Assay',
    serviceId: 'assay',
    allow206: false,
  }

  it('O1, O6, O20, O25: has the lines clients read, and no other list', () => {
    const text = optionsResponse(answer, 'ISTag: "a"\r\n', true)
    for (const line of [
      'Methods: REQMOD, RESPMOD',
      'Allow: 204',
      'Max-Connections: 1',
      'Options-TTL: 60',
      'Encapsulated: null-body=0',
    ])
      assert.ok(text.includes(`${line}\r\n`), line)
    assert.doesNotMatch(text, /Preview|Transfer-|Opt-body-type|trailers|X-Include/)
  })

  it('O21, O22, O28: a preview goes with Transfer-Preview: *', () => {
    const text = optionsResponse(
      { ...answer, preview: 0, allow206: true, xInclude: ['X-Client-IP', 'X-Server-IP'] },
      '',
      true,
    )
    for (const line of ['Preview: 0', 'Transfer-Preview: *', 'Allow: 204, 206', 'X-Include: X-Client-IP, X-Server-IP'])
      assert.ok(text.includes(`${line}\r\n`), line)
  })

  it('O31: 503 says when the service cannot work', () =>
    assert.match(
      optionsResponse({ ...answer, status: 503 }, '', false),
      /^ICAP\/1\.0 503 [^\r]+\r\n.*Connection: close\r\n/s,
    ))
})
