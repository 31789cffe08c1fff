import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { scanLineSchema, statusSchema, transactionSchema } from '../../src/api/contract.ts'
import { type Listening, listenApi } from '../../src/api/http-server.ts'
import type { ServeOptions } from '../../src/cli/tools.ts'
import { memoryServer, sampleRecord, temporaryFolder } from '../api/fixture.ts'
import { type Ran, run, scanned } from './fixture.ts'

const folder = temporaryFolder()
const data = join(folder.path, 'data')
const memory = memoryServer()
let api: Listening

before(async () => {
  mkdirSync(data)
  api = await listenApi(memory.deps, { dataFolder: data, version: '1' })
})
beforeEach(() => void memory.calls.splice(0))
after(async () => {
  await api.close()
  folder.remove()
})

function file(name: string, text: string | Buffer): string {
  const path = join(folder.path, name)
  writeFileSync(path, text)
  return path
}

const at = (...words: string[]) => [...words, '--data', data]
const lastCall = () => memory.calls.at(-1)?.input

describe('assay settings', () => {
  it('sets several keys by one save, each as typed', async () => {
    const page = file('page.html', '<p>\n')
    const ran = await run(at('settings', 'set', 'icap.port', '1345', 'pages.urlAccess', `@${page}`))
    assert.deepEqual([ran.code, ran.err], [0, ''])
    assert.match(ran.out, /^revision 2: icap\.port, pages\.urlAccess\n$/)
    assert.deepEqual(memory.calls, [
      { name: 'save', input: { updates: { 'icap.port': '1345', 'pages.urlAccess': '<p>\n' }, by: 'cli' } },
    ])
  })

  it('takes a secret from a file or stdin, without the newline that an editor adds', async () => {
    await run(at('settings', 'set', 'icaps.passphrase', '-'), { stdin: '123456\n' })
    assert.deepEqual(lastCall(), { updates: { 'icaps.passphrase': '123456' }, by: 'cli' })
    await run(at('settings', 'set', 'icaps.passphrase', `@${file('secret', ' two  \r\n')}`))
    assert.deepEqual(lastCall(), { updates: { 'icaps.passphrase': ' two  ' }, by: 'cli' })
    const { out } = await run(at('settings', 'get', '--json'))
    assert.doesNotMatch(out, /two/)
  })

  const wrong = [
    { words: ['icaps.passphrase', 'hunter2'], code: 64, says: /@FILE or -/, because: 'a secret on the command line' },
    { words: ['icap.port'], code: 64, says: /no VALUE/, because: 'a key alone' },
    { words: ['icap.port', '1', 'icap.port', '2'], code: 64, says: /twice/, because: 'one key twice' },
    { words: ['icap.port', '-', 'pages.urlAccess', '-'], code: 64, says: /stdin/, because: 'stdin twice' },
    { words: ['pages.urlAccess', '@/does/not/exist'], code: 66, says: /ENOENT/, because: 'no such file' },
    { words: ['pages.urlAccess', `@${data}`], code: 66, says: /EISDIR/, because: 'a folder' },
    {
      words: ['a.b', '1', 'c.d', '2'],
      code: 1,
      says: /a\.b: unknown.*c\.d: unknown/s,
      because: 'the server names every fault',
    },
  ]
  for (const { words, code, says, because } of wrong) {
    it(`set ends with ${code} and changes nothing: ${because}`, async () => {
      const before = structuredClone(memory.values)
      const ran = await run(at('settings', 'set', ...words))
      assert.equal(ran.code, code, ran.err)
      assert.match(ran.err, says)
      assert.doesNotMatch(ran.err, /hunter2/)
      assert.deepEqual(memory.values, before)
    })
  }

  it('refuses a file that is no text', async () => {
    const ran = await run(at('settings', 'set', 'pages.urlAccess', `@${file('latin1', Buffer.from([0xe4]))}`))
    assert.deepEqual([ran.code, ran.err.includes('UTF-8')], [66, true])
  })

  it('prints one value as it stands, several as a table, all as JSON', async () => {
    await run(at('settings', 'set', 'pages.urlAccess', 'a "b"'))
    assert.equal((await run(at('settings', 'get', 'pages.urlAccess'))).out, 'a "b"\n')
    assert.match(
      (await run(at('settings', 'get', 'icap', 'pages'))).out,
      /^icap\.port +\d+ +saved\npages\.urlAccess +a "b"/m,
    )
    assert.equal(JSON.parse((await run(at('settings', 'get', '--json'))).out).settings.length, 3)
    assert.equal((await run(at('settings', 'get', 'nothing'))).code, 1)
  })

  it('exports, applies from file and stdin, tells the history and rolls back', async () => {
    const exported = await run(at('settings', 'export'))
    assert.equal(exported.out, 'icap:\n  port: 1344\n')
    const applied = await run(at('settings', 'apply', '-'), { stdin: exported.out })
    assert.deepEqual([applied.code, applied.err], [0, 'warning: the certificate ends soon\n'])
    const refused = await run(at('settings', 'apply', file('bad.yaml', 'x: 1\nbad: 2\n')))
    assert.deepEqual([refused.code, refused.err.includes('line 2')], [1, true])
    assert.match((await run(at('settings', 'history'))).out, /^2 .*icap\.port +1344 -> 1345\n$/)
    assert.equal((await run(at('settings', 'rollback', '1'))).code, 0)
    assert.equal((await run(at('settings', 'rollback', '99'))).code, 1)
    assert.equal((await run(at('settings', 'rollback', 'x'))).code, 64)
  })
})

describe('assay status, transactions', () => {
  it('prints the status for people and, as the contract says, for programs', async () => {
    const { out } = await run(at('status'))
    assert.match(out, /^Assay 9\.8\.7 is ready/)
    assert.match(out, /yara +up +1\.20\.0/)
    statusSchema.parse(JSON.parse((await run(at('status', '--json'))).out))
  })

  it('goes on over pages up to the limit, a JSON object a line', async () => {
    const { out } = await run(at('transactions', '--limit', '1200', '--json', '--since', '2h'))
    const lines = out.trimEnd().split('\n')
    assert.equal(lines.length, 1200)
    assert.equal(new Set(lines.map((line) => transactionSchema.parse(JSON.parse(line)).id)).size, 1200)
    assert.deepEqual(
      memory.calls.map(({ input }) => (input as { limit: number }).limit),
      [1000, 200],
    )
    assert.ok(memory.calls.every(({ input }) => (input as { sinceMs: number }).sinceMs > Date.now() - 7_300_000))
  })

  it('stops at the last page', async () => {
    assert.equal((await run(at('transactions', '--limit', '100000', '--json'))).out.trimEnd().split('\n').length, 1500)
  })

  it('never lets a URL command the terminal', async () => {
    const other = temporaryFolder()
    const record = sampleRecord({ url: 'http://a/\u001b[2J\u009b31m\u202e\n' })
    const transactions = async () => ({ records: [record], next: null })
    const face = await listenApi({ ...memory.deps, transactions }, { dataFolder: other.path, version: '1' })
    for (const flags of [[], ['--json']]) {
      const { out } = await run(['transactions', '--data', other.path, ...flags])
      assert.doesNotMatch(out.trimEnd(), /[\p{Cc}]/u)
      assert.equal(out.split('\n').length, 2)
    }
    await face.close()
    other.remove()
  })

  for (const flags of [['--limit', '0'], ['--limit', 'x'], ['--since', 'yesterday'], ['--nonsense'], ['extra']])
    it(`refuses ${flags.join(' ')}`, async () => assert.equal((await run(at('transactions', ...flags))).code, 64))

  it('says what the server refuses', async () => {
    const ran = await run(at('transactions', '--mode', 'X'))
    assert.deepEqual([ran.code, ran.err.includes('mode')], [1, true])
  })
})

describe('assay lists', () => {
  it('adds, exports, counts and removes', async () => {
    const added = await run(
      at(
        'lists',
        'add',
        'user-defined',
        'url',
        'http://a/?b=c&d#e',
        '--risk',
        'medium',
        '--note',
        'why',
        '--expires',
        '2030-01-01',
      ),
    )
    assert.deepEqual([added.code, added.out], [0, '1 added\n'])
    assert.equal(
      (await run(at('lists', 'export', 'user-defined'))).out,
      'http://a/?b=c&d#e\tmedium\t2030-01-01T00:00:00.000Z\twhy\n',
    )
    assert.match((await run(at('lists', 'counts'))).out, /^user-defined +sha256 +1\n$/)
    assert.equal((await run(at('lists', 'remove', 'user-defined', 'url', 'http://a/?b=c&d#e'))).out, '1 removed\n')
    assert.equal((await run(at('lists', 'remove', 'user-defined', 'url', 'http://a/'))).out, 'nothing changed\n')
  })

  it('imports a file or stdin, all lines or none', async () => {
    const good = await run(
      at('lists', 'import', 'exceptions', 'domain', file('good', 'a.example\nb.example\tlow\n'), '--note', 'ours'),
    )
    assert.deepEqual([good.code, good.out], [0, '2 added\n'])
    const before = memory.objects.length
    const bad = await run(at('lists', 'import', 'exceptions', 'domain', '-'), {
      stdin: 'c.example\nd\tsevere\ne\tlow\tnever\n',
    })
    assert.equal(bad.code, 1)
    assert.match(bad.err, /line 2: RISK.*line 3: EXPIRES/s)
    assert.equal(memory.objects.length, before)
  })

  for (const { words, code, because } of [
    { words: ['add', 'nolist', 'url', 'x'], code: 64, because: 'no such list' },
    { words: ['add', 'exceptions', 'email', 'x'], code: 64, because: 'no such type' },
    { words: ['add', 'exceptions', 'url', 'x', '--risk', 'bad'], code: 64, because: 'no such risk' },
    { words: ['add', 'exceptions', 'url', 'x', '--expires', 'soon'], code: 64, because: 'no date' },
    { words: ['add', 'exceptions', 'url'], code: 64, because: 'no value' },
    { words: ['add', 'exceptions', 'url', 'nonsense'], code: 1, because: 'the server refuses the value' },
    { words: ['import', 'exceptions', 'url', '/does/not/exist'], code: 66, because: 'no such file' },
  ])
    it(`${words.join(' ')} ends with ${code}: ${because}`, async () =>
      assert.equal((await run(at('lists', ...words))).code, code))
})

describe('assay rules', () => {
  it('adds a good file, and says why a bad one is set apart', async () => {
    const good = await run(at('rules', 'add', file('good.yar', 'rule a {}')))
    assert.deepEqual([good.code, good.out.includes('loaded')], [0, true])
    const bad = await run(at('rules', 'add', file('wrong.yar', 'bad')))
    assert.equal(bad.code, 1)
    assert.match(bad.err, /quarantined.*line 1: syntax error/s)
  })

  it('lists and removes', async () => {
    assert.match((await run(at('rules', 'list'))).out, /^a\.yar +loaded +3 rules +built in +0\.1 ms, 25 %\n$/)
    assert.equal((await run(at('rules', 'remove', 'a.yar'))).out, 'removed\n')
    assert.equal((await run(at('rules', 'remove', 'builtin.yar'))).code, 1)
    assert.equal((await run(at('rules', 'add', file('rules.txt', '')))).code, 64)
  })
})

describe('assay scan', () => {
  const echo = (verdicts: Record<string, Parameters<typeof scanned>[1] & { reaches?: boolean }>) => ({
    async *scan({ files }: { files: AsyncIterable<string> }) {
      for await (const path of files) {
        const { reaches = false, ...line } = verdicts[path.split('/').at(-1) ?? ''] ?? {}
        yield scanned(path, line, reaches)
      }
    },
  })
  const samples = join(folder.path, 'samples')
  before(() => {
    mkdirSync(join(samples, 'deep'), { recursive: true })
    for (const name of ['clean', 'deep/low', 'deep/\u001b[31mred']) writeFileSync(join(samples, name), name)
  })
  const eicar = {
    outcome: 'detected',
    risk: 'high',
    detections: [{ engine: 'yara', name: 'Eicar', risk: 'high', about: 'file', member: 'a.txt' }],
    reaches: true,
  } as const
  const locked = { outcome: 'unscanned', reasons: ['encrypted'] } as const
  const low = { outcome: 'detected', risk: 'low' } as const

  for (const { verdicts, code, because } of [
    { verdicts: {}, code: 0, because: 'all clean' },
    { verdicts: { low }, code: 0, because: 'below the threshold' },
    { verdicts: { low: locked }, code: 2, because: 'one could not be scanned' },
    { verdicts: { low: eicar }, code: 1, because: 'one reaches the threshold' },
    { verdicts: { low: eicar, clean: locked }, code: 1, because: 'a find weighs more than an unscanned one' },
  ])
    it(`ends with ${code}: ${because}`, async () => {
      const ran = await run(at('scan', samples, '--json'), { tools: echo(verdicts) })
      assert.equal(ran.code, code, ran.err)
      const paths = ran.out
        .trimEnd()
        .split('\n')
        .map((line) => scanLineSchema.parse(JSON.parse(line)).path)
      assert.equal(paths.length, 3)
    })

  it('says what it found, harmlessly', async () => {
    const { out } = await run(at('scan', samples), { tools: echo({ low: eicar }) })
    assert.match(out, /deep\/low: detected, risk high, Eicar \(yara, in a\.txt\)/)
    assert.match(out, /\\u\{1b\}\[31mred: clean/)
  })

  it('counts what it cannot read as not scanned', async () => {
    const ran = await run(at('scan', join(samples, 'clean'), '/does/not/exist', '/dev/null'), { tools: echo({}) })
    assert.equal(ran.code, 2)
    assert.match(ran.err, /ENOENT.*neither a file nor a folder/s)
    assert.equal(ran.out.trimEnd().split('\n').length, 1)
  })

  it('never takes a scan that ends early for a clean one', async () => {
    async function* nothing() {}
    async function* firstOnly({ files }: { files: AsyncIterable<string> }) {
      for await (const path of files) {
        yield scanned(path)
        return
      }
    }
    async function* forgetful({ files }: { files: AsyncIterable<string> }) {
      for await (const path of files) if (path.endsWith('clean')) yield scanned(path)
    }
    for (const scan of [nothing, firstOnly, forgetful])
      assert.equal((await run(at('scan', samples), { tools: { scan } })).code, 2, scan.name)
  })

  it('wants a path', async () => assert.equal((await run(['scan'])).code, 64))
})

describe('assay serve', () => {
  let given: ServeOptions | undefined
  const serve = async (options: ServeOptions) => {
    given = options
    return 0
  }
  const start = (argv: string[], env: Record<string, string> = {}): Promise<Ran> => run(argv, { tools: { serve }, env })

  it('hands on flags, variables and paths', async () => {
    const ran = await start(['serve', '--data', 'x', '--icap-port', '0', '--workers', '2', '--settings', 's.yaml'], {
      ASSAY_CONSOLE_PORT: '0',
    })
    assert.equal(ran.code, 0, ran.err)
    assert.deepEqual(given?.flags, { icapPort: '0', workers: '2' })
    assert.equal(given?.data, join(process.cwd(), 'x'))
    assert.equal(given?.settingsFile, join(process.cwd(), 's.yaml'))
    assert.equal(given?.environment.ASSAY_CONSOLE_PORT, '0')
  })

  it('takes the data folder from the variable, an empty one being unset', async () => {
    await start(['serve'], { ASSAY_DATA: '/tmp/y', ASSAY_SETTINGS: '' })
    assert.deepEqual([given?.data, given?.settingsFile], ['/tmp/y', undefined])
    await start(['serve'], { ASSAY_DATA: '' })
    assert.equal(given?.data, join(import.meta.dirname, '../../../../data'))
    await start(['--data', '/tmp/z', 'serve'], { ASSAY_DATA: '/tmp/y' })
    assert.equal(given?.data, '/tmp/z')
  })

  it('refuses a console beyond loopback, by flag and by variable', async () => {
    const byFlag = await start(['serve', '--console-listen', '0.0.0.0'])
    assert.deepEqual([byFlag.code, byFlag.err.includes('TLS')], [64, true])
    assert.equal((await start(['serve'], { ASSAY_CONSOLE_LISTEN: '192.0.2.1' })).code, 64)
    assert.equal((await start(['serve', '--console-listen', '::1'])).code, 0)
  })

  it('ends with the code that the server ends with', async () => {
    assert.equal((await run(['serve'], { tools: { serve: async () => 64 } })).code, 64)
  })
})

describe('assay', () => {
  for (const { words, code, because } of [
    { words: ['--help'], code: 0, because: 'help was asked for' },
    { words: ['settings', 'set', '--help'], code: 0, because: 'help of a command' },
    { words: ['version'], code: 0, because: 'a command' },
    { words: [], code: 64, because: 'no command' },
    { words: ['nonsense'], code: 64, because: 'no such command' },
    { words: ['settings'], code: 64, because: 'no such sub-command' },
    { words: ['submit', 'x'], code: 64, because: 'a command of a later version' },
    { words: ['icap', 'options'], code: 64, because: 'the client wants a URL' },
    { words: ['version', '--nonsense'], code: 64, because: 'no such flag' },
  ])
    it(`${words.join(' ') || '(nothing)'} ends with ${code}: ${because}`, async () => {
      const ran = await run(words)
      assert.equal(ran.code, code, ran.err)
      assert.notEqual(ran.out + ran.err, '')
    })

  it('has no command that does nothing yet', async () => {
    const { out } = await run(['--help'])
    for (const later of ['submit', 'images', 'user', 'backup'])
      assert.doesNotMatch(out, new RegExp(`^  ${later}\\b`, 'm'))
  })

  for (const words of [
    ['status'],
    ['settings', 'get'],
    ['settings', 'set', 'a', 'b'],
    ['transactions'],
    ['lists', 'counts'],
    ['rules', 'list'],
  ])
    it(`${words.join(' ')} ends with 69 and one sentence while no server runs`, async () => {
      const ran = await run([...words, '--data', join(folder.path, 'empty')])
      assert.equal(ran.code, 69)
      assert.match(ran.err, /^assay: no server runs on the data folder \S+\n$/)
      assert.equal(ran.out, '')
    })
})
