import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { listenApi } from '../../src/api/http-server.ts'
import { RulesFault } from '../../src/cli/rules-fault.ts'
import type { RetroFile } from '../../src/cli/tools.ts'
import { memoryServer, sampleRuleCheck } from '../api/fixture.ts'
import { run } from './fixture.ts'

let folder: string
let close: () => Promise<void>
const fake = memoryServer()
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'assay-cli-rules-'))
  const face = await listenApi(fake.deps, { dataFolder: folder, version: '1' })
  close = () => face.close()
})
after(async () => {
  await close()
  rmSync(folder, { recursive: true })
})

const rules = (...argv: string[]) => run(['--data', folder, 'rules', ...argv])
function file(name: string, text = 'rule a {}'): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

describe('assay rules', () => {
  for (const [argv, change] of [
    [['enable', 'a.yar'], { enabled: true }],
    [['disable', 'a.yar'], { enabled: false }],
    [['shadow', 'a.yar'], { shadow: true }],
    [['enforce', 'a.yar'], { shadow: false }],
    [['set', 'a.yar', '--weight', '10'], { weight: 10 }],
    [['set', 'a.yar', '--weight', 'none', '--types', 'pe, script'], { weight: null, types: ['pe', 'script'] }],
    [['set', 'a.yar', '--types', 'all'], { types: [] }],
  ] as const)
    it(`${argv.join(' ')} asks for ${JSON.stringify(change)}`, async () => {
      assert.equal((await rules(...argv)).code, 0)
      assert.deepEqual(fake.calls.at(-1), { name: 'rules.setOptions', input: { name: 'a.yar', by: 'cli', ...change } })
    })

  for (const [argv, code, because] of [
    [['set', 'a.yar'], 64, 'nothing is said'],
    [['set', 'a.yar', '--weight', '11'], 64, 'a weight is 1-10'],
    [['set', 'a.yar', '--weight', '0'], 64, 'a weight is 1-10'],
    [['set', 'a.yar', '--types', 'P E'], 1, 'that is no type'],
    [['disable', 'b.yar'], 1, 'there is no such file'],
    [['show', 'b.yar'], 1, 'there is no such file'],
  ] as const)
    it(`${argv.join(' ')} is refused (${code}): ${because}`, async () => {
      const { code: got, err } = await rules(...argv)
      assert.equal(got, code, err)
    })

  it('adds with options, shows cost and shadow', async () => {
    const { code, out } = await rules('add', file('a.yar'), '--shadow', '--weight', '3')
    assert.equal(code, 0)
    assert.deepEqual(fake.calls.at(-1), {
      name: 'rules.add',
      input: { name: 'a.yar', by: 'cli', options: { weight: 3, shadow: true } },
    })
    assert.match(out, /0\.1 ms, 25 %/)
    assert.match((await rules('shadow', 'a.yar')).out, /shadow/)
  })

  it('lists hits, shows one file with cost and hits of each rule', async () => {
    assert.match((await rules('list', '--hits')).out, /^a\.yar +one +3 enforced +1 in shadow\n$/)
    const { out } = await rules('show', 'a.yar')
    assert.match(out, /one +high +weight 7 +0\.1 ms, worst 1\.5 ms on 64 KiB +100 % +3 hits, 1 in shadow/)
    assert.match(out, /two +low +not measured/)
  })
})

describe('assay rules check', () => {
  const tools = { checkRules: async ({ source }: { source: string }) => sampleRuleCheck(source) }

  it('prints warnings and costs of a good file, without a server', async () => {
    const { code, out } = await run(['rules', 'check', file('good.yar')], { tools })
    assert.equal(code, 0)
    assert.match(out, /^a\.yar:2: warning \[slow_pattern\] slow pattern\none +high/)
  })

  it('prints every error of a bad one, exit 1', async () => {
    const { code, out, err } = await run(['rules', 'check', file('wrong.yar', 'bad')], { tools })
    assert.equal(code, 1)
    assert.match(out, /^a\.yar:1: error \[E001\] syntax error\na\.yar:2: warning/)
    assert.match(err, /1 errors/)
  })

  it('says in a sentence that the compiler died', async () => {
    const dead = { checkRules: () => Promise.reject(new Error('the compiler ended (SIGSEGV)')) }
    const { code, err } = await run(['rules', 'check', file('deadly.yar')], { tools: dead })
    assert.deepEqual([code, err], [1, 'assay: the compiler ended (SIGSEGV)\n'])
  })
})

describe('assay rules retro', () => {
  const hit = { rule: 'one', member: 'a.zip!/b', offset: 7, detail: '' }
  const retro = (...files: Partial<RetroFile>[]) => ({
    async *retroScan(): AsyncGenerator<RetroFile> {
      for (const one of files)
        yield { path: 'x', sha256: '', size: 10, type: '', hits: [], unscanned: [], ms: 2, ...one }
    },
  })

  for (const [files, code, words, because] of [
    [[{}, {}], 0, /^0 of 2 files hit, 0 not scanned whole; 20 bytes in 4 ms, 2\.0 ms a file\n$/, 'nothing was hit'],
    [[{ hits: [hit, hit] }, {}], 1, /^x: one in a\.zip!\/b at 7\n.*\none +1 files\n1 of 2 files/s, 'a file was hit'],
    [
      [{ unscanned: ['yara: timeout: late'] }],
      2,
      /^x: not scanned whole: yara: timeout: late\n/,
      'one was not scanned',
    ],
  ] as const)
    it(`ends with ${code} where ${because}`, async () => {
      const ran = await run(['rules', 'retro', file('r.yar'), folder], { tools: retro(...files) })
      assert.equal(ran.code, code)
      assert.match(ran.out, words)
    })

  it('prints JSON lines, the totals last', async () => {
    const { out } = await run(['rules', 'retro', file('r.yar'), folder, '--json'], {
      tools: retro({ hits: [hit] }, {}),
    })
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.equal(lines.length, 2)
    assert.deepEqual(lines[1], { files: 2, hitFiles: 1, bytes: 20, ms: 4, unscanned: 0, byRule: { one: 1 } })
  })

  it('tells every fault of rules that do not compile', async () => {
    const tools = {
      // biome-ignore lint/correctness/useYield: it ends before the first file.
      async *retroScan(): AsyncGenerator<RetroFile> {
        throw new RulesFault('r.yar does not compile', ['line 1: no'])
      },
    }
    const { code, err } = await run(['rules', 'retro', file('r.yar'), folder], { tools })
    assert.deepEqual([code, err], [1, 'assay: r.yar does not compile\n  line 1: no\n'])
  })
})
