import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { packIcap, runNpm } from '../../../scripts/pack-icap.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'assay-consumer-'))
const installed = join(folder, 'node_modules/@assay/icap')

/** The README's example, on a free port. */
const example = (): string => {
  const code = /```js\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'packages/icap/README.md'), 'utf8'))?.[1] ?? ''
  return code.replace('.listen(1344)', '.listen(0)').replace('port: 1344', 'port: listener.address().port')
}

const TYPED = `import { createIcapClient, createIcapServer, type IcapClientReply, IcapClientError, type Transaction } from '@assay/icap'
const client = createIcapClient({ host: 'h', port: 1344, tls: { rejectUnauthorized: false }, timeouts: { totalMs: 1 } })
export async function ask(): Promise<number> {
  const reply: IcapClientReply = await client.request({ method: 'REQMOD', service: 's', requestHead: Buffer.alloc(9) })
  return reply.status
}
export const isOurs = (error: unknown): boolean => error instanceof IcapClientError && error.code === 'ICAP_CLIENT_TIMEOUT'
export const handle = (transaction: Transaction): Promise<void> => transaction.reply({ status: 204 })
export const make: typeof createIcapServer = createIcapServer
// @ts-expect-error a wrong method must not type-check
void client.request({ method: 'GET', service: 's' })
`

before(() => {
  const tarball = packIcap(folder)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', type: 'module', private: true }))
  runNpm(['install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', tarball], folder)
})
after(() => rmSync(folder, { recursive: true }))

describe('the packed @assay/icap', () => {
  it('holds JavaScript, declarations, licence and README, no TypeScript source and no dependency', () => {
    const names = readdirSync(installed, { recursive: true, encoding: 'utf8' })
    for (const name of ['LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts', 'dist/client.js'])
      assert.ok(names.includes(name), name)
    assert.deepEqual(
      names.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts')),
      [],
    )
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Record<string, unknown>
    assert.deepEqual([manifest.dependencies, manifest.private], [undefined, undefined])
    for (const name of names.filter((name) => /\.(js|d\.ts)$/.test(name))) {
      assert.doesNotMatch(readFileSync(join(installed, name), 'utf8'), /from '\.[^']*\.ts'/, name)
    }
  })

  it("runs the README's example under plain node", () => {
    writeFileSync(join(folder, 'example.mjs'), example())
    const output = execFileSync(process.execPath, ['example.mjs'], { cwd: folder, encoding: 'utf8', timeout: 20_000 })
    assert.equal(output, '204 true\n')
  })

  it('type-checks in a consumer', () => {
    writeFileSync(join(folder, 'consumer.ts'), TYPED)
    const compilerOptions = {
      strict: true,
      noEmit: true,
      module: 'nodenext',
      target: 'es2024',
      exactOptionalPropertyTypes: true,
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
    execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8', stdio: 'pipe' })
  })
})
