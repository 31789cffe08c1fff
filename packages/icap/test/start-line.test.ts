import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseStartLine } from '../src/start-line.ts'

describe('parseStartLine', () => {
  const accepted: [row: string, line: string, path: string, query: string][] = [
    ['O1', 'OPTIONS icap://h:1344/svc ICAP/1.0', 'svc', ''],
    ['O11', 'OPTIONS icap://h:1344/ ICAP/1.0', '', ''],
    ['O11', 'OPTIONS icap://h ICAP/1.0', '', ''],
    ['O11', 'OPTIONS icap://h?x=1 ICAP/1.0', '', 'x=1'],
    ['O12', 'OPTIONS icap://h/svc/ ICAP/1.0', 'svc', ''],
    ['O12', 'OPTIONS icap://h//svc// ICAP/1.0', 'svc', ''],
    ['O13', 'RESPMOD icap://127.0.0.1:21350/resp?arg=1&x=y ICAP/1.0', 'resp', 'arg=1&x=y'],
    ['O13', 'RESPMOD icap://h/resp/?a/b?c ICAP/1.0', 'resp', 'a/b?c'],
    ['O15', 'OPTIONS ICAP://h/svc ICAP/1.0', 'svc', ''],
    ['O15', 'OPTIONS icaps://[::1]:11344/a/b ICAP/1.0', 'a/b', ''],
    ['H6', 'OPTIONS icap://h/svc ICAP/1.1', 'svc', ''],
    ['S3', 'OPTIONS icap://h/../%2e%2e/svc ICAP/1.0', '../%2e%2e/svc', ''],
  ]
  for (const [row, line, path, query] of accepted)
    it(`${row}: ${line}`, () => {
      const found = parseStartLine(line)
      assert.deepEqual([found.path, found.query], [path, query])
    })

  const refused: [row: string, line: string, code: string][] = [
    ['O16', 'OPTIONS * ICAP/1.0', 'ICAP_BAD_URI'],
    ['O16', 'OPTIONS /svc ICAP/1.0', 'ICAP_BAD_URI'],
    ['O16', 'OPTIONS http://h/svc ICAP/1.0', 'ICAP_BAD_URI'],
    ['O16', 'OPTIONS icap:///svc ICAP/1.0', 'ICAP_BAD_URI'],
    ['O16', 'OPTIONS icap://h/svc#part ICAP/1.0', 'ICAP_BAD_URI'],
    ['H1', 'FOO icap://h/svc ICAP/1.0', 'ICAP_UNKNOWN_METHOD'],
    ['H2', 'FILEMOD icap://h/svc ICAP/1.0', 'ICAP_UNKNOWN_METHOD'],
    ['H8', 'options icap://h/svc ICAP/1.0', 'ICAP_UNKNOWN_METHOD'],
    ['H5', 'OPTIONS icap://h/svc ICAP/2.0', 'ICAP_BAD_VERSION'],
    ['H5', 'OPTIONS icap://h/svc ICAP/0.9', 'ICAP_BAD_VERSION'],
    ['H7', 'GET / HTTP/1.1', 'ICAP_NOT_ICAP'],
    ['H9', 'OPTIONS icap://h/svc', 'ICAP_BAD_REQUEST_LINE'],
    ['H9', 'OPTIONS icap://h/svc ICAP/x', 'ICAP_BAD_REQUEST_LINE'],
    ['H9', 'OPTIONS icap://h/svc ICAP/1', 'ICAP_BAD_REQUEST_LINE'],
    ['H9', 'OPTIONS  icap://h/svc ICAP/1.0', 'ICAP_BAD_REQUEST_LINE'],
    ['H9', 'OPTIONS icap://h/svc ICAP/1.0 ', 'ICAP_BAD_REQUEST_LINE'],
    ['H9', 'OPTIONS icap://h/s\tvc ICAP/1.0', 'ICAP_BAD_REQUEST_LINE'],
    ['H9', '', 'ICAP_BAD_REQUEST_LINE'],
  ]
  for (const [row, line, code] of refused)
    it(`${row}: ${JSON.stringify(line)} is ${code}`, () => assert.throws(() => parseStartLine(line), { code }))

  it('O16: a path alone is served to buggy clients only', () => {
    assert.equal(parseStartLine('OPTIONS /svc?a ICAP/1.0', true).path, 'svc')
    assert.throws(() => parseStartLine('OPTIONS * ICAP/1.0', true), { code: 'ICAP_BAD_URI' })
  })
})
