import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { boundedEvidence, type Evidence, type EvidenceNode, joinEvidence } from '../../src/domain/evidence.ts'
import { evidenceLines, evidenceTree } from '../../src/domain/evidence-tree.ts'

function node(path: string, parent: number, more: Partial<EvidenceNode> = {}): EvidenceNode {
  return { path, parent, type: 'text', size: 1, sha256: '', ms: 0, findings: [], limits: [], ...more }
}

const FINDING = { engine: 'yara', engineVersion: '1', name: 'Bad', risk: 'high', offset: 3 } as const
const LIMIT = { engine: 'unpack', reason: 'encrypted', detail: 'no password fits' } as const
const judged = { sha256: 'ab', size: 5, type: 'text/plain', engines: 'yara@7', reasons: [], details: [] }

describe('the tree of a verdict', () => {
  it('is one node for a body with nothing inside', () => {
    const { nodes } = evidenceTree({ ...judged, detections: [] })
    assert.deepEqual(nodes, [node('', -1, { type: 'text/plain', size: 5, sha256: 'ab' })])
  })

  it('has what lists and engines said at the member that they spoke of, with the engine version', () => {
    const evidence: Evidence = { nodes: [node('', -1), node('a', 0, { findings: [FINDING] })], omitted: 0 }
    const detection = { engine: 'yara', name: 'Bad', risk: 'high', about: 'file', member: 'a', offset: 3 } as const
    const listed = { ...detection, engine: 'user-defined-objects', name: 'UserDefinedObject.File' }
    const { nodes } = evidenceTree({
      ...judged,
      detections: [detection, listed, { ...detection, member: 'gone' }],
      evidence,
    })
    assert.deepEqual(
      nodes.map(({ findings }) => findings.map(({ name, engineVersion, detail }) => [name, engineVersion, detail])),
      [
        [['Bad', '7', 'gone']],
        [
          ['Bad', '1', undefined],
          ['UserDefinedObject.File', '', 'a'],
        ],
      ],
    )
  })

  it('tells people each member, finding and limit in a line', () => {
    const nodes = [
      node('', -1),
      node('a', 0, { openedBy: 'listed #1' }),
      node('a!/b', 1, { findings: [FINDING], limits: [LIMIT] }),
    ]
    assert.deepEqual(evidenceLines({ nodes, omitted: 2 }), [
      '(sample) [text, 1 bytes, 0 ms]',
      '  a [text, 1 bytes, 0 ms, opened by a password listed #1]',
      '    b [text, 1 bytes, 0 ms]',
      '      ! high: Bad at 3 (yara 1)',
      '      ? unpack: encrypted: no password fits',
      '(2 more members)',
    ])
  })
})

describe('evidence in a record', () => {
  it('lets plain members go first, and never a parent of what stays', () => {
    const plain = Array.from({ length: 3000 }, (_, index) => node(`plain ${index} ${'x'.repeat(100)}`, 0))
    const evil = [node('late', 0), node('late!/evil', 3001, { findings: [FINDING] })]
    const bounded = boundedEvidence({ nodes: [node('', -1), ...plain, ...evil], omitted: 5 }, (text) => text)
    assert.ok(JSON.stringify(bounded).length < 300 * 1024)
    const at = bounded.nodes.findIndex(({ path }) => path === 'late!/evil')
    assert.equal(bounded.nodes[bounded.nodes[at]?.parent ?? -1]?.path, 'late')
    assert.equal(bounded.omitted, 5 + 3003 - bounded.nodes.length)
  })

  it('cleans every text', () => {
    const dirty = node('a\0', -1, {
      findings: [{ ...FINDING, name: 'b\0', detail: 'c\0' }],
      limits: [{ ...LIMIT, detail: 'd\0' }],
    })
    const bounded = boundedEvidence({ nodes: [dirty], omitted: 0 }, (text) => text.replace('\0', ''))
    assert.doesNotMatch(JSON.stringify(bounded), /\\u0000/)
  })

  it('puts the decoded body beneath the body as it came', () => {
    const inner = { nodes: [node('', -1), node('x', 0)], omitted: 1 }
    const joined = joinEvidence({ nodes: [node('', -1)], omitted: 0 }, inner, '(decoded)')
    assert.deepEqual(
      joined?.nodes.map(({ path, parent }) => `${parent} ${path}`),
      ['-1 ', '0 (decoded)', '1 (decoded)!/x'],
    )
    assert.equal(joinEvidence(undefined, inner, ''), inner)
  })
})
