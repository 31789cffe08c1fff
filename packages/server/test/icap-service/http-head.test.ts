import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  contentCodings,
  mediaType,
  parseHttpHead,
  parseRequestLine,
  parseStatus,
} from '../../src/icap-service/http-head.ts'
import { isSecretName, messageFileName, messageUrl, recordedUrl } from '../../src/icap-service/message-url.ts'
import { originalHead } from '../../src/icap-service/original-head.ts'

const head = (text: string) => parseHttpHead(Buffer.from(text, 'latin1'))
const of = (lines: string) => head(`HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`)

describe('HTTP head', () => {
  it('finds its headers whatever their case, folding and line ends', () => {
    const found = head(
      'GET / HTTP/1.1\nHOST: a.example \r\nContent-\r\nCONTENT-type:\r\n text/html;\r\n\tcharset=x\r\ncontent-length : 5\r\n\r\n',
    )
    assert.equal(found.startLine, 'GET / HTTP/1.1')
    assert.equal(found.host, 'a.example')
    assert.equal(found.contentType, 'text/html; charset=x')
    assert.equal(found.contentLength, 5)
  })

  const lengths = [
    { lines: 'Content-Length: 5\r\nContent-Length: 5', length: 5, fault: false, because: 'the same twice' },
    { lines: 'Content-Length: 5, 5', length: 5, fault: false, because: 'the same as a list' },
    { lines: 'Content-Length: 5\r\nContent-Length: 6', length: undefined, fault: true, because: 'two values' },
    { lines: 'Content-Length: -1', length: undefined, fault: true, because: 'negative' },
    { lines: 'Content-Length: 0x10', length: undefined, fault: true, because: 'hexadecimal' },
    { lines: 'Content-Length: 99999999999999999999', length: undefined, fault: true, because: 'beyond any body' },
    { lines: 'X: 1', length: undefined, fault: false, because: 'none' },
  ]
  for (const { lines, length, fault, because } of lengths) {
    it(`reads Content-Length: ${because}`, () => {
      assert.equal(of(lines).contentLength, length)
      assert.equal(of(lines).lengthFault, fault)
    })
  }

  it('does not rely on two Content-Type lines that differ', () => {
    assert.equal(of('Content-Type: image/png\r\nContent-Type: text/html').typeFault, true)
    assert.equal(of('Content-Type: image/png\r\nContent-Type: image/png').typeFault, false)
  })

  it('joins repeated Content-Encoding lines in order', () => {
    assert.deepEqual(contentCodings(of('Content-Encoding: gzip\r\nContent-Encoding: identity , BR').contentEncoding), [
      'gzip',
      'br',
    ])
  })

  it('never throws, and takes linear time', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const found = parseHttpHead(Buffer.from(bytes))
        parseRequestLine(found.startLine)
        parseStatus(found.startLine)
      }),
    )
    for (const hostile of ['\n'.repeat(1e6), '\n '.repeat(5e5), `${'a\n'.repeat(5e5)}:`, ':'.repeat(1e6)]) head(hostile)
  })

  const statuses = [
    ['HTTP/1.1 200 OK', 200],
    ['HTTP/1.1 200', 200],
    ['HTTP/1.0 999 x', 999],
    ['ICY 404 gone', 404],
    ['HTTP/1.1 20', 0],
    ['<html>', 0],
    ['', 0],
  ] as const
  for (const [line, status] of statuses)
    it(`reads ${JSON.stringify(line)} as ${status}`, () => assert.equal(parseStatus(line), status))

  it('reads media types without parameters', () => {
    assert.equal(mediaType('Text/HTML ; charset=x'), 'text/html')
    assert.equal(mediaType(''), '')
  })

  it('cuts every Transfer-Encoding line and its folds', () => {
    const message = (text: string) => ({
      mode: 'RESPMOD' as const,
      requestHead: undefined,
      responseHead: Buffer.from(text, 'latin1'),
      hasBody: true,
      body: undefined,
      size: 0,
    })
    const cut = originalHead(
      message(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: a\r\nTRANSFER-ENCODING: b\r\n c\r\ntransfer-encoding:d\r\nY: transfer-encoding: e\r\n\r\n',
      ),
    )
    assert.equal(cut?.toString(), 'HTTP/1.1 200 OK\r\nY: transfer-encoding: e\r\n\r\n')
  })
})

describe('message URL', () => {
  const urls = [
    {
      line: 'GET http://a.example/x?y HTTP/1.1',
      host: 'b.example',
      url: 'http://a.example/x?y',
      name: 'a.example',
      because: 'absolute-form wins over Host (S2)',
    },
    {
      line: 'GET /x HTTP/1.1',
      host: 'A.example:8080',
      url: 'http://A.example:8080/x',
      name: 'a.example',
      because: 'origin-form with Host (Q5)',
    },
    {
      line: 'CONNECT a.example:443 HTTP/1.1',
      host: '',
      url: 'a.example:443',
      name: 'a.example',
      because: 'authority-form (Q6)',
    },
    {
      line: 'OPTIONS * HTTP/1.1',
      host: 'a.example',
      url: 'http://a.example/',
      name: 'a.example',
      because: 'asterisk-form (Q7)',
    },
    { line: 'GET /x', host: 'a.example', url: 'http://a.example/x', name: 'a.example', because: 'HTTP/0.9 (R5)' },
    {
      line: 'GET http://u:p@a.example/ HTTP/1.1',
      host: '',
      url: 'http://a.example/',
      name: 'a.example',
      because: 'userinfo (Q16)',
    },
    {
      line: 'GET http://good.example@a.example\\x HTTP/1.1',
      host: '',
      url: 'http://a.example\\x',
      name: 'a.example',
      because: 'a host in front of @ is bait',
    },
    {
      line: 'GET http://[2001:DB8::1]:80/x HTTP/1.1',
      host: '',
      url: 'http://[2001:DB8::1]:80/x',
      name: '2001:db8::1',
      because: 'IPv6 literal (Q16)',
    },
    {
      line: 'GET http://a.example/\0a\x07b HTTP/1.1',
      host: '',
      url: 'http://a.example/ab',
      name: 'a.example',
      because: 'control characters',
    },
    {
      line: 'GET http://a.example/\xc3\xa4 HTTP/1.1',
      host: '',
      url: 'http://a.example/%C3%A4',
      name: 'a.example',
      because: 'raw UTF-8 in the path',
    },
    {
      line: 'GET http://\xc3\xa4.example/ HTTP/1.1',
      host: '',
      url: 'http://%C3%A4.example/',
      name: 'xn--4ca.example',
      because: 'raw UTF-8 in the host is its punycode',
    },
    {
      line: 'GET /a b HTTP/1.1',
      host: 'a.example',
      url: 'http://a.example/a b',
      name: 'a.example',
      because: 'a space in the target',
    },
    { line: 'GET /x HTTP/1.1', host: '', url: '/x', name: '', because: 'no host known' },
  ]
  for (const { line, host, url, name, because } of urls) {
    it(`of ${JSON.stringify(line)}: ${because}`, () => {
      assert.deepEqual(messageUrl(parseRequestLine(line), host), { url, host: name })
    })
  }

  it('never throws and gives printable ASCII', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 50 }), (line, host) => {
        const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
        const found = messageUrl(parseRequestLine(latin1(line)), latin1(host))
        assert.match(found.url, /^[\x20-\x7e]*$/)
        assert.match(recordedUrl(found.url), /^[\x20-\x7e]*$/)
      }),
    )
  })

  const secrets = [
    ['http://h/?token=abc&x=1', 'http://h/?token=***&x=1'],
    ['http://h/?X-Amz-Signature=abc', 'http://h/?X-Amz-Signature=***'],
    ['http://h/?accessKey=abc&Passw%6Frd=x', 'http://h/?accessKey=***&Passw%6Frd=***'],
    ['http://h/a;jsessionid=12?q=1', 'http://h/a;jsessionid=***?q=1'],
    ['http://h/#access_token=abc', 'http://h/#access_token=***'],
    ['http://h/?next=http%3A%2F%2Fg%2F%3Ftoken%3Dabc', 'http://h/?next=***'],
    ['http://h/?x=eyJhbGciOiJI.eyJz.sig', 'http://h/?x=***'],
    ['http://h/eyJhbGciOiJI.eyJz.sig/x', 'http://h/***/x'],
    ['http://h/?q=monkey&postcode=1&design=2', 'http://h/?q=monkey&postcode=1&design=2'],
    ['http://h/?token=', 'http://h/?token='],
  ] as const
  for (const [url, masked] of secrets) it(`masks ${url}`, () => assert.equal(recordedUrl(url), masked))

  it('bounds what a record keeps, in linear time', () => {
    assert.equal(recordedUrl(`http://h/${'a'.repeat(20_000)}`).length, 8192)
    recordedUrl(`http://h/?${'a&'.repeat(20_000)}`)
    recordedUrl(`http://h/?a=${'%253D'.repeat(4000)}`)
  })

  it('knows secret names', () => {
    for (const name of ['sid', 'client_secret', 'apiKey', 'code', 'oauth_verifier', 'SAMLResponse', 'pw'])
      assert.ok(isSecretName(name), name)
    for (const name of ['id', 'page', 'keyword', 'encoding', 'author']) assert.ok(!isSecretName(name), name)
  })

  const names = [
    ['attachment; filename="a b.exe"', 'http://h/x.php', 'a b.exe'],
    ["attachment; filename=x.txt; filename*=UTF-8''%e2%82%ac.exe", '', '\u20ac.exe'],
    ['attachment; filename="..\\\\..\\\\evil.exe"', '', 'evil.exe'],
    ['attachment; filename=../../etc/passwd', '', 'passwd'],
    ['inline', 'http://h/d/file.bin?x=/y', 'file.bin'],
    ['', 'http://h/d/%66ile%00.bin', 'file.bin'],
    ['', 'http://h', ''],
    ['', 'http://h/', ''],
    ['', '', ''],
  ] as const
  for (const [disposition, url, name] of names) {
    it(`names ${JSON.stringify(disposition)} at ${JSON.stringify(url)} ${JSON.stringify(name)}`, () => {
      assert.equal(messageFileName(disposition, url), name)
    })
  }
})
