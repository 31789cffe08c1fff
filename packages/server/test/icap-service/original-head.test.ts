import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseHttpHead } from '../../src/icap-service/http-head.ts'
import { originalHead } from '../../src/icap-service/original-head.ts'
import type { Original } from '../../src/icap-service/reply.ts'

const PIECES = [
  'transfer-encoding',
  'Transfer-Encoding: chunked',
  ':',
  ' ',
  '\t',
  '\r\n',
  '\n',
  '\r',
  'x',
  'HTTP/1.1 200 OK',
  'A: b',
]

function givenBack(head: Buffer, transferEncoding: boolean | undefined): string {
  const original: Original = {
    mode: 'RESPMOD',
    requestHead: undefined,
    responseHead: head,
    transferEncoding,
    hasBody: false,
    body: undefined,
    size: 0,
  }
  return originalHead(original)?.toString('latin1') ?? ''
}

describe('head to give a message back with', () => {
  it('is the same whether or not the reader of the head says that it has no Transfer-Encoding', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }), (pieces) => {
        const head = Buffer.from(pieces.join(''), 'latin1')
        assert.equal(givenBack(head, parseHttpHead(head).transferEncoding), givenBack(head, undefined))
      }),
      { numRuns: 3000 },
    )
  })
})
