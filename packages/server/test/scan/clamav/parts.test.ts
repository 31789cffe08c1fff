import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { alertMeaning } from '../../../src/scan/scanners/clamav/alert-table.ts'
import { AnswerLines } from '../../../src/scan/scanners/clamav/answer-lines.ts'
import { clamdAddress } from '../../../src/scan/scanners/clamav/clamd-address.ts'
import { FairQueue } from '../../../src/scan/scanners/clamav/fair-queue.ts'

const ALERTS = [
  ['Win.Trojan.Agent-1', { risk: 'high' }],
  ['Heuristics.W32.Parite.B', { risk: 'high' }],
  ['Heuristics.Exploit.W32.MS05-002', { risk: 'high' }],
  ['PUA.Win.Tool.X', { risk: 'medium' }],
  ['Heuristics.Phishing.Email.SpoofedDomain', { risk: 'medium' }],
  ['Heuristics.OLE2.ContainsMacros.VBA', { risk: 'medium' }],
  ['Heuristics.Limits.Exceeded.MaxScanTime', { unscanned: 'timeout' }],
  ['Heuristics.Limits.Exceeded.MaxFileSize', { unscanned: 'too-large' }],
  ['Heuristics.Limits.Exceeded.MaxScanSize', { unscanned: 'bomb' }],
  ['Heuristics.Limits.Exceeded.EmailMIMEPartsPerMessage', { unscanned: 'bomb' }],
  ['Heuristics.Limits.Exceeded.MaxRecursion', { unscanned: 'too-deep' }],
  ['Heuristics.Encrypted.PDF', { unscanned: 'encrypted' }],
  ['Heuristics.Broken.Media.PNG.EOFReadingChunk', { unscanned: 'malformed' }],
] as const

describe("clamd's alerts", () => {
  for (const [name, meaning] of ALERTS)
    it(`${name}: ${Object.values(meaning)}`, () => assert.deepEqual(alertMeaning(name), meaning))
})

describe('Addresses of clamd', () => {
  it('are a path, a host or an IPv6 address with its port', () => {
    assert.deepEqual(clamdAddress('unix:/run/c'), { kind: 'unix', name: 'unix:/run/c', path: '/run/c' })
    assert.deepEqual(clamdAddress('tcp:av.example:3310'), {
      kind: 'tcp',
      name: 'tcp:av.example:3310',
      host: 'av.example',
      port: 3310,
    })
    assert.deepEqual(clamdAddress('tcp:[::1]:1'), { kind: 'tcp', name: 'tcp:[::1]:1', host: '::1', port: 1 })
  })
})

describe('Answers', () => {
  it('are cut at NULs wherever the reads end', () => {
    const bytes = Buffer.from('1: a\x002: b\0\x003: c\0rest')
    for (let at = 0; at <= bytes.length; at++) {
      const lines = new AnswerLines()
      const got = [...lines.push(bytes.subarray(0, at)), ...lines.push(bytes.subarray(at))]
      assert.deepEqual(got, ['1: a', '2: b', '', '3: c'])
    }
  })
})

describe('A fair queue', () => {
  it('takes the clients in turn and forgets who left', () => {
    const queue = new FairQueue<string>()
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1']) queue.push(item.slice(0, 1), item)
    queue.remove('a', 'a2')
    queue.remove('z', 'z1')
    assert.equal(queue.size, 4)
    assert.deepEqual(
      [1, 2, 3, 4, 5].map(() => queue.shift()),
      ['a1', 'b1', 'c1', 'a3', undefined],
    )
  })
})
