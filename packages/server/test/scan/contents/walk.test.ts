import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { Unscanned } from '../../../src/domain/verdict.ts'
import type { WalkLimits } from '../../../src/scan/contents/budget.ts'
import type { MemberBody } from '../../../src/scan/contents/member-body.ts'
import { type ContentsResult, type MemberEngine, walk } from '../../../src/scan/contents/walk.ts'
import type { Opener, OpenRun } from '../../../src/unpack/opener.ts'

const MARK = 'BAD-MARK'

/** Opens texts of the form `[name|content][name|content]`: the smallest container there is. */
const brackets: Opener = {
  name: 'brackets',
  version: '1',
  wants: ({ view }) => (view.head[0] === 0x5b ? 'members' : undefined),
  async open({ view }, run) {
    let depth = 0
    let from = 0
    for (const [at, byte] of view.head.entries()) {
      if (byte === 0x5b && depth++ === 0) from = at + 1
      if (byte !== 0x5d || --depth !== 0) continue
      const text = view.head.subarray(from, at)
      const bar = text.indexOf('|')
      await run.emit({ name: text.toString('latin1', 0, bar) }, text.subarray(bar + 1))
    }
    if (depth > 0) throw new Unscanned('malformed', 'a bracket is open')
  },
}

const marks: MemberEngine = {
  name: 'marks',
  version: '7',
  looksAtSample: false,
  applies: () => true,
  scan({ content }) {
    const at = content.kind === 'memory' ? content.bytes.indexOf(MARK) : -1
    const isHere = at >= 0 && content.kind === 'memory' && content.bytes[0] !== 0x5b
    return { detections: isHere ? [{ engine: 'marks', name: 'Mark', risk: 'high', about: 'file', offset: at }] : [] }
  },
}

const LIMITS: WalkLimits = { maxDepth: 5, maxMembers: 100, maxBytes: 10_000, maxRatio: 100, ratioFromBytes: 10_000 }

interface Extra {
  readonly openers?: readonly Opener[]
  readonly engines?: readonly MemberEngine[]
  readonly limits?: Partial<WalkLimits>
  readonly signal?: AbortSignal
  readonly bodies?: Set<MemberBody>
}

function walked(text: string | Buffer, extra: Extra = {}): Promise<ContentsResult> {
  const bytes = Buffer.from(text)
  const sample = {
    content: { kind: 'memory', bytes } as const,
    size: bytes.length,
    sha256: sha256(bytes),
    fileName: '',
    declaredType: '',
  }
  return walk(sample, {
    openers: extra.openers ?? [brackets],
    engines: extra.engines ?? [marks],
    limits: { ...LIMITS, ...extra.limits },
    passwords: { candidates: () => [], succeeded: () => {}, note: () => {}, describe: () => 'listed #1' },
    runTool: undefined,
    signal: extra.signal ?? new AbortController().signal,
    openBody: () => bodyIn(extra.bodies ?? new Set()),
    now: () => performance.now(),
  })
}

function bodyIn(open: Set<MemberBody>): MemberBody {
  const pieces: Buffer[] = []
  const body: MemberBody = {
    write: (chunk) => void pieces.push(chunk),
    finish() {
      const bytes = Buffer.concat(pieces)
      const content = { kind: 'memory', bytes } as const
      return { content, size: bytes.length, sha256: sha256(bytes), sha1: '', unscanned: undefined }
    },
    discard: () => void open.delete(body),
  }
  open.add(body)
  return body
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

const nested = (depth: number, inner: string): string =>
  depth === 0 ? inner : `[n${depth}|${nested(depth - 1, inner)}]`

const reasonsOf = ({ results }: ContentsResult) =>
  results.flatMap((result) => (result.outcome === 'unscanned' ? [`${result.engine}:${result.reason}`] : []))

const detectionsOf = ({ results }: ContentsResult) =>
  results.flatMap((result) => (result.outcome === 'clean' ? [] : (result.detections ?? [])))

describe('the walk through a sample', () => {
  it('finds what is in a member of a member, and names the whole path', async () => {
    const result = await walked(nested(3, `[evil.txt|see ${MARK}]`))
    const [found] = detectionsOf(result)
    assert.equal(found?.member, 'n3!/n2!/n1!/evil.txt')
    assert.equal(found?.offset, 4)
    assert.deepEqual(reasonsOf(result), [])
  })

  it('says clean for each engine that looked, and nothing is unscanned', async () => {
    const { results } = await walked('[a|fine][b|fine too]')
    assert.deepEqual(
      results.map(({ outcome, engine }) => `${engine} ${outcome}`),
      ['unpack clean', 'marks clean'],
    )
  })

  it('hands the hash of every member to the lists', async () => {
    const { members } = await walked('[a|one][b|[c|two]]')
    assert.deepEqual(
      members.map(({ path, sha256: hash }) => `${path} ${hash.slice(0, 8)}`),
      [
        `a ${sha256(Buffer.from('one')).slice(0, 8)}`,
        `b ${sha256(Buffer.from('[c|two]')).slice(0, 8)}`,
        `b!/c ${sha256(Buffer.from('two')).slice(0, 8)}`,
      ],
    )
  })

  it('keeps a tree whose parents stand before their children', async () => {
    const { evidence } = await walked(`[a|[b|${MARK}]][c|fine]`)
    assert.deepEqual(
      evidence.nodes.map(({ path, parent }) => `${parent} ${path}`),
      ['-1 ', '0 a', '1 a!/b', '0 c'],
    )
    assert.deepEqual(evidence.nodes[2]?.findings, [
      { engine: 'marks', engineVersion: '7', name: 'Mark', risk: 'high', offset: 0 },
    ])
  })

  it('keeps members with findings though hundreds of plain ones came first', async () => {
    const plain = Array.from({ length: 300 }, (_, index) => `[p${index}|${index}]`).join('')
    const { evidence } = await walked(`${plain}[late|[evil|${MARK}]]`, { limits: { maxMembers: 1000 } })
    assert.ok(evidence.nodes.some(({ path, findings }) => path === 'late!/evil' && findings.length === 1))
    assert.ok(evidence.nodes.some(({ path }) => path === 'late'))
    assert.equal(evidence.omitted, 303 - evidence.nodes.length)
  })

  const limits: readonly (readonly [why: string, text: string, limits: Partial<WalkLimits>, reason: string])[] = [
    ['one level too deep', nested(6, 'x'), {}, 'unpack:too-deep'],
    ['one member too many', '[a|1][b|2][c|3]', { maxMembers: 2 }, 'unpack:bomb'],
    ['one byte too many', `[a|${'x'.repeat(50)}]`, { maxBytes: 49 }, 'unpack:bomb'],
    ['more than the ratio', nested(4, 'x'.repeat(60)), { maxRatio: 2, ratioFromBytes: 10 }, 'unpack:bomb'],
  ]
  for (const [why, text, some, reason] of limits) {
    it(`is unscanned: ${why}`, async () => {
      assert.deepEqual(reasonsOf(await walked(text, { limits: some })), [reason])
    })
  }

  it('is whole at exactly its limits', async () => {
    assert.deepEqual(reasonsOf(await walked(nested(5, 'x'))), [])
    assert.deepEqual(reasonsOf(await walked('[a|1][b|2]', { limits: { maxMembers: 2 } })), [])
    assert.deepEqual(reasonsOf(await walked(`[a|${'x'.repeat(50)}]`, { limits: { maxBytes: 50 } })), [])
  })

  it('keeps what it found before the budget was used up', async () => {
    const result = await walked(`[a|${MARK}][b|2][c|3]`, { limits: { maxMembers: 2 } })
    assert.equal(detectionsOf(result)[0]?.member, 'a')
    assert.deepEqual(reasonsOf(result), ['unpack:bomb'])
  })

  it('scans the rest when one member is damaged', async () => {
    const result = await walked(`[a|[b|x][open|][c|${MARK}]`)
    assert.deepEqual(reasonsOf(result), ['unpack:malformed'])
  })

  it('walks copies once, and an opener that gives itself away ends at the depth', async () => {
    let opened = 0
    const quine: Opener = {
      ...brackets,
      async open({ view }, run) {
        opened++
        await run.emit({ name: 'self' }, Buffer.from(view.head))
      },
    }
    assert.deepEqual(reasonsOf(await walked('[quine]', { openers: [quine] })), ['unpack:too-deep'])
    assert.equal(opened, LIMITS.maxDepth)
    const copies = Array.from({ length: 16 }, (_, index) => `[z${index}.b|[y|[x|same]]]`).join('')
    opened = 0
    const counting: Opener = {
      ...brackets,
      open(node, run) {
        opened++
        return brackets.open(node, run)
      },
    }
    assert.deepEqual(reasonsOf(await walked(copies, { openers: [counting] })), [])
    assert.equal(opened, 3)
  })

  it('scans every copy of what it found something in', async () => {
    const result = await walked(`[a|${MARK}][b|${MARK}]`)
    assert.deepEqual(
      detectionsOf(result).map(({ member }) => member),
      ['a', 'b'],
    )
  })

  const faults: readonly (readonly [why: string, open: (run: OpenRun) => Promise<void>, reason: string])[] = [
    [
      'throws something of its own',
      async () => {
        throw new TypeError('x is undefined')
      },
      'unpack:engine-down',
    ],
    [
      'leaves a member unfinished',
      async (run) => void (await run.member({ name: 'a' }).write(Buffer.from('x'))) as unknown as undefined,
      'unpack:malformed',
    ],
    [
      'says that a part is locked',
      async (run) => run.unscanned({ reason: 'encrypted', detail: 'no password fits' }, 'a'),
      'unpack:encrypted',
    ],
    [
      'ends a member as damaged',
      (run) => run.member({ name: 'a' }).end({ reason: 'malformed', detail: 'CRC' }),
      'unpack:malformed',
    ],
  ]
  for (const [why, open, reason] of faults) {
    it(`is unscanned where an opener ${why}, and frees its members`, async () => {
      const bodies = new Set<MemberBody>()
      const opener: Opener = {
        ...brackets,
        wants: ({ within }) => (within.length === 0 ? 'members' : undefined),
        open: (_, run) => open(run),
      }
      assert.deepEqual(reasonsOf(await walked('[x]', { openers: [opener], bodies })), [reason])
      assert.equal(bodies.size, 0)
    })
  }

  it('scans what came of a member that its opener did not finish', async () => {
    const half: Opener = {
      ...brackets,
      wants: ({ within }) => (within.length === 0 ? 'members' : undefined),
      async open(_, run) {
        await run.member({ name: 'half' }).write(Buffer.from(MARK))
        throw new Unscanned('malformed', 'cut off')
      },
    }
    const result = await walked('[x]', { openers: [half] })
    assert.equal(detectionsOf(result)[0]?.member, 'half')
    assert.deepEqual(reasonsOf(result), ['unpack:malformed'])
  })

  it('is unscanned where nobody opens a container, also within another', async () => {
    const zip = Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(60)])
    assert.deepEqual(reasonsOf(await walked(zip)), ['unpack:not-unpacked'])
    assert.deepEqual(reasonsOf(await walked(`[a|${zip.toString('latin1')}]`)), ['unpack:not-unpacked'])
  })

  it('is unscanned(timeout) after its deadline, with what it had', async () => {
    const abort = new AbortController()
    const slow: MemberEngine = {
      ...marks,
      scan(node, signal) {
        abort.abort()
        return marks.scan(node, signal)
      },
    }
    const result = await walked(`[a|${MARK}][b|${MARK}]`, { engines: [slow], signal: abort.signal })
    assert.equal(detectionsOf(result).length, 1)
    assert.deepEqual(reasonsOf(result), ['unpack:timeout'])
  })

  it('keeps an engine that cannot look at a member apart from the others', async () => {
    const down: MemberEngine = {
      ...marks,
      name: 'down',
      scan() {
        throw new Unscanned('timeout', 'no answer')
      },
    }
    const result = await walked(`[a|${MARK}]`, { engines: [down, marks] })
    assert.deepEqual(reasonsOf(result), ['down:timeout'])
    assert.equal(detectionsOf(result).length, 1)
  })

  it('shows direction and control characters of a name as what they are', async () => {
    const rightToLeft: Opener = {
      ...brackets,
      wants: ({ within }) => (within.length === 0 ? 'members' : undefined),
      open: (_, run) => run.emit({ name: 'a\u202egpj.exe\n' }, Buffer.from(MARK)),
    }
    const result = await walked('[x]', { openers: [rightToLeft] })
    assert.equal(detectionsOf(result)[0]?.member, 'a\\u{202e}gpj.exe\\u{a}')
  })
})
