import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_PAGES } from '../../src/icap-service/default-pages.ts'
import { compilePage, compilePages, isHtml, type PageFacts } from '../../src/icap-service/notification-page.ts'

const FACTS: PageFacts = {
  url: 'http://h/?a=<script>&b="x"',
  threat: 'Bad<b>',
  client: '10.0.0.1',
  user: "jo'e",
  timeMs: 0,
  event: 'fileDownload',
  transaction: 'id-1',
  reason: 'because',
}

describe('notification page', () => {
  it('fills every token in, escaped in HTML', () => {
    const page = compilePage(
      '<html>%URL%|%THREAT%|%CLIENT%|%USER%|%TIME%|%EVENT%|%TRANSACTION%|%REASON%|%OTHER%|100%</html>',
    )
    assert.equal(
      page.render(FACTS).toString(),
      '<html>http://h/?a=&lt;script&gt;&amp;b=&quot;x&quot;|Bad&lt;b&gt;|10.0.0.1|jo&#39;e|1970-01-01T00:00:00.000Z|File download|id-1|because|%OTHER%|100%</html>',
    )
    assert.match(page.headerLines, /^Content-Type: text\/html; charset=utf-8\r\n/)
  })

  it('is text where it is no HTML: nothing escaped, control characters stripped', () => {
    const page = compilePage('Blocked: %URL% %THREAT%')
    assert.equal(
      page.render({ ...FACTS, threat: 'a\r\nb\u202ec' }).toString(),
      'Blocked: http://h/?a=<script>&b="x" abc',
    )
    assert.match(page.headerLines, /^Content-Type: text\/plain; charset=utf-8\r\n/)
    assert.match(page.headerLines, /nosniff\r\n/, 'so that no browser makes HTML of it')
  })

  it('never fills in a token that a value brought', () => {
    assert.equal(
      compilePage('%URL% %THREAT%')
        .render({ ...FACTS, url: '%THREAT%' })
        .toString(),
      '%THREAT% Bad<b>',
    )
  })

  it('lets no value out of its place', () => {
    const page = compilePage('<html><p title="%URL%">%URL%</p></html>')
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (url) => {
        const html = page.render({ ...FACTS, url }).toString()
        assert.match(html, /^<html><p title="[^"<>]*">[^"<>]*<\/p><\/html>$/)
      }),
      { numRuns: 50 },
    )
  })

  it('stays bounded when a page names a token a million times', () => {
    const source = '<html>%URL%'.padEnd(1_000_000, '%URL%')
    assert.ok(compilePage(source).render({ ...FACTS, url: 'x'.repeat(100_000) }).length < 2_000_000)
  })

  it('has three built-in pages: self-contained, no script, small, naming threat and address', () => {
    const off = { enabled: true, content: null }
    const pages = compilePages({ urlAccess: off, fileUpload: off, fileDownload: { enabled: false, content: 'x' } })
    assert.equal(pages.fileDownload, undefined)
    const html = pages.urlAccess?.render(FACTS).toString() ?? ''
    assert.match(html, /Bad&lt;b&gt;/)
    assert.match(html, /http:\/\/h\/\?a=&lt;script&gt;/)
    for (const page of Object.values(DEFAULT_PAGES)) {
      assert.ok(isHtml(page))
      assert.ok(page.length < 4096)
      assert.doesNotMatch(page, /<script|src=|href=|url\(/)
      assert.match(page, /<html lang="en">/)
    }
  })

  const kinds = [
    ['<!DOCTYPE html><p>', true],
    ['\ufeff \n<HTML>', true],
    ['<!-- c --><p>', true],
    ['Access to <b>%URL%</b> is denied', false],
    ['<<< blocked >>>', false],
  ] as const
  for (const [source, html] of kinds)
    it(`takes ${JSON.stringify(source)} for ${html ? 'HTML' : 'text'}`, () => assert.equal(isHtml(source), html))
})
