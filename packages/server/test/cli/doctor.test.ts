import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { listenApi } from '../../src/api/http-server.ts'
import { checkClock, checkDataFolder, checkNode, checkPorts, checkUser } from '../../src/cli/doctor-host.ts'
import { checkConfinement, checkSevenZip } from '../../src/cli/doctor-programs.ts'
import type { Finding } from '../../src/cli/finding.ts'
import { memoryServer, sampleStatus, temporaryFolder } from '../api/fixture.ts'
import { run } from './fixture.ts'

const folder = temporaryFolder()
after(() => folder.remove())
const FREE = { ASSAY_ICAP_PORT: '0', ASSAY_CONSOLE_PORT: '0' }

function assertMends(findings: readonly Finding[]): void {
  for (const { check, state, mend } of findings) assert.equal(mend !== '', state !== 'ok', check)
}

async function doctor(argv: readonly string[], options: Parameters<typeof run>[1] = {}) {
  const ran = await run(['doctor', '--json', ...argv], { env: FREE, ...options })
  const findings = JSON.parse(ran.out) as Finding[]
  assertMends(findings)
  return { ...ran, findings, of: (check: string) => findings.find((finding) => finding.check === check) }
}

describe('assay doctor', () => {
  it('looks at everything without a server, and says how to mend what it finds', async () => {
    const { findings, of } = await doctor(['--data', join(folder.path, 'new')])
    const checks = findings.map(({ check }) => check)
    for (const check of [
      'version',
      'runtime',
      'user',
      'data folder',
      'open files',
      'clock',
      'YARA-X',
      'bubblewrap',
      'server',
      'port icap',
      'port console',
      'database',
    ])
      assert.ok(checks.includes(check), check)
    assert.equal(of('server')?.state, 'warn')
    assert.equal(of('port icap')?.state, 'ok')
  })

  it('asks a running server for its engines and listeners', async () => {
    const data = join(folder.path, 'running')
    mkdirSync(data)
    const status = async () =>
      sampleStatus({
        readiness: { ready: false, reasons: ['yara is down'] },
        engines: [{ engine: 'yara', state: 'down', version: '', detail: 'no rules' }],
        listeners: [
          { name: 'icap', address: '0.0.0.0:1344', state: 'listening', detail: '' },
          { name: 'icaps', address: '0.0.0.0:11344', state: 'failed', detail: 'EADDRINUSE' },
        ],
      })
    const face = await listenApi({ ...memoryServer().deps, status }, { dataFolder: data, version: '1' })
    const { code, of } = await doctor(['--data', data])
    await face.close()
    assert.equal(code, 1)
    assert.deepEqual(
      [of('engine yara')?.state, of('port icap')?.state, of('port icaps')?.state, of('server')?.state],
      ['bad', 'ok', 'bad', 'bad'],
    )
  })

  it('is 1 when the database is away', async () => {
    const tools = { checkDatabase: async () => ({ reachable: false, detail: 'connection refused' }) }
    const { code, of } = await doctor(['--data', folder.path], {
      tools,
      env: { ...FREE, ASSAY_DATABASE_URL: 'postgres://x' },
    })
    assert.deepEqual([code, of('database')?.state, of('database')?.mend.includes('PostgreSQL')], [1, 'bad', true])
  })

  it('reads well for people', async () => {
    const { out } = await run(['doctor', '--data', folder.path], { env: FREE })
    assert.match(out, /^ok {4}version: Assay /)
    assert.match(out, /warn {2}server: no server runs.*\n {6}-> start it with npm start\n/)
  })
})

describe('what the doctor finds', () => {
  it('an old runtime', () => assert.equal(checkNode({ ...process.versions, node: '22.1.0' }).state, 'bad'))
  it('a user other than root', () => assert.deepEqual([checkUser(0).state, checkUser(1000).state], ['ok', 'warn']))

  it('a data folder that is a file', () => {
    const path = join(folder.path, 'file')
    writeFileSync(path, '')
    assert.equal(checkDataFolder(path).state, 'bad')
    assert.equal(checkDataFolder(join(path, 'below')).state, 'bad')
    assert.equal(checkDataFolder('/does/not/exist').state, 'bad')
    assert.notEqual(checkDataFolder(join(folder.path, 'to-be-made')).state, 'bad')
  })

  it('a clock that went back', () => {
    assert.equal(checkClock(folder.path).state, 'ok')
    assert.equal(checkClock(folder.path, Date.now() - 3_600_000).state, 'bad')
    assert.equal(checkClock('/does/not/exist', 0).state, 'bad')
  })

  it('a port that somebody has', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const findings = await checkPorts(undefined, { ASSAY_ICAP_PORT: '0', ASSAY_CONSOLE_PORT: String(port) })
    server.close()
    assert.deepEqual(
      findings.map(({ state }) => state),
      ['ok', 'bad'],
    )
    assertMends(findings)
  })

  it('no bubblewrap', async () => {
    const finding = await checkConfinement(undefined, [folder.path])
    assert.deepEqual([finding.state, finding.mend], ['warn', 'apt install bubblewrap'])
  })

  it('bubblewrap that cannot confine', async () => {
    for (const name of ['bwrap', 'prlimit']) writeFileSync(join(folder.path, name), '', { mode: 0o755 })
    const finding = await checkConfinement(async () => 'no permissions for a new namespace', [folder.path])
    assert.equal(finding.state, 'warn')
    assert.match(finding.detail, /no permissions|namespaces/)
    assert.notEqual(finding.mend, '')
  })

  it('the 7-Zip of the lock', () => assert.equal(checkSevenZip().state, 'ok'))
})
