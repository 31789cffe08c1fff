import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contentCodings, parseHttpHead, parseRequestLine, parseStatus } from '../../src/icap-service/http-head.ts'
import { messageUrl, recordedName } from '../../src/icap-service/message-url.ts'

const head = (text: string) => parseHttpHead(Buffer.from(text, 'latin1'))
const url = (line: string, host = '') => messageUrl(parseRequestLine(head(`${line}\r\n\r\n`).startLine), host).url

describe('a Content-Encoding that hides', () => {
  const hidden = [
    ['behind 40 times identity', `${'identity,'.repeat(40)}br`],
    ['behind 1000 empty items', `${','.repeat(1000)} BR`],
    ['between both', `identity,,br${',identity'.repeat(99)}`],
  ] as const
  for (const [where, value] of hidden) it(`is found ${where}`, () => assert.deepEqual(contentCodings(value), ['br']))

  it('is told in full up to the layers that are too deep anyway', () => {
    assert.equal(contentCodings('gzip,'.repeat(5000)).length, 32)
  })

  const lines = [
    ['behind a bare CR, where browsers end a line', 'X: y\rContent-Encoding: br\r\n'],
    ['in a first line that begins with a blank', ' Content-Encoding: br\r\n'],
    ['behind a bare CR of the start line', '', '\rContent-Encoding: br'],
  ] as const
  for (const [where, fields, onStart = ''] of lines) {
    it(`is found ${where}`, () =>
      assert.equal(head(`HTTP/1.1 200 OK${onStart}\r\n${fields}A: b\r\n\r\n`).contentEncoding, 'br'))
  }

  it('is found in Transfer-Encoding, where the client left it', () => {
    const of = (value: string) => head(`HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nTransfer-Encoding: ${value}\r\n\r\n`)
    assert.equal(of('chunked').contentEncoding, 'br')
    assert.equal(of('identity, Chunked').contentEncoding, 'br')
    assert.deepEqual(contentCodings(of('gzip, chunked').contentEncoding), ['br', 'gzip'])
  })
})

describe('a start line that hides', () => {
  const EVIL = 'http://evil.test/bad'
  const cases = [
    ['tabs for spaces', `GET\t${EVIL}\tHTTP/1.1`],
    ['an empty line in front', `\r\n\r\nGET ${EVIL} HTTP/1.1`],
    ['a blank in front', ` GET ${EVIL} HTTP/1.1`],
    ['a blank behind', `GET ${EVIL} HTTP/1.1 `],
    ['a version in lower case', `GET ${EVIL} http/1.1`],
    ['words behind the version', `GET ${EVIL} HTTP/1.1 x`],
    ['a tab before the version', `GET ${EVIL}\tHTTP/1.1`],
  ] as const
  for (const [what, line] of cases) it(`does not: ${what}`, () => assert.equal(url(line), EVIL))

  it('keeps spaces within a target', () => assert.equal(url('GET http://h/a b HTTP/1.1'), 'http://h/a b'))
  it('takes a path of backslashes for one of slashes', () =>
    assert.equal(url('GET \\bad HTTP/1.1', 'evil.test'), 'http://evil.test\\bad'))

  for (const line of ['HTTP/1.1 206 P', 'HTTP/1.1  206', 'HTTP/1.1\t206 P', 'ICY 206']) {
    it(`tells a range: ${JSON.stringify(line)}`, () => assert.equal(parseStatus(line), 206))
  }
  it('tells a range behind an empty line', () =>
    assert.equal(parseStatus(head('\r\nHTTP/1.1 206 x\r\nA: b\r\n\r\n').startLine), 206))
})

describe('a secret in a file name', () => {
  for (const [name, recorded] of [
    ['b;jsessionid=abc', 'b;jsessionid=***'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig', '***'],
    ['password=abc.zip', 'password=***'],
    ['report 1=2.pdf', 'report 1=2.pdf'],
  ] as const) {
    it(`is masked: ${name}`, () => assert.equal(recordedName(name), recorded))
  }
})
