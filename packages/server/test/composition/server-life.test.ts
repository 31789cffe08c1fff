import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { after, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { TOP } from '../e2e/needs.ts'
import { processesMarked, processLine } from '../e2e/process-table.ts'
import { CLEAN_ENV, endWithUs, isListening, runProgram, waitFor } from '../e2e/programs.ts'
import { connectIcap, exchange, OPTIONS, respmod } from '../e2e/raw-icap.ts'
import { plainText } from '../e2e/samples.ts'
import { newFolder, newPorts, removeFolder, type Server, serveArgs, startServer } from './server-rig.ts'

const BODY = plainText('life', 3000)
const folder = newFolder()
after(() => removeFolder(folder))

/** Runs `assay serve` to its end. */
function serveToItsEnd(data: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  return newPorts().then((ports) =>
    runProgram(process.execPath, serveArgs(data, ports, args), {
      cwd: TOP,
      env: { ...process.env, ...env },
      timeoutMs: 40_000,
    }),
  )
}

describe('a start that cannot be', { concurrency: true }, () => {
  it('names every fault of the settings file, with its line, and exits 64', async () => {
    const file = join(folder, 'bad.yaml')
    writeFileSync(file, 'icap:\n  port: 70000\nlog.level: loud\nicap.prot: 3\n')
    const { code, stderr, stdout } = await serveToItsEnd(join(folder, 'bad'), ['--settings', file])
    assert.equal(code, 64)
    for (const line of ['bad.yaml line 2', 'bad.yaml line 3', 'bad.yaml line 4'])
      assert.ok(stderr.includes(line), stderr)
    assert.equal(stdout.toString(), '')
  })

  it('says which port is in use, exits 69 and leaves nothing running', async () => {
    const thief = createServer().listen(0)
    await new Promise((resolve) => thief.once('listening', resolve))
    const { port } = thief.address() as { port: number }
    const data = join(folder, 'port')
    const { code, stderr } = await serveToItsEnd(data, ['--icap-port', String(port)])
    thief.close()
    assert.equal(code, 69, stderr)
    assert.match(stderr, new RegExp(`port ${port} is in use by another program`))
    assert.ok(!/\n\s+at /.test(stderr), `no stack: ${stderr}`)
    assert.deepEqual(
      readdirSync(data).filter((name) => /pid|sock/.test(name)),
      [],
    )
  })

  it('says that the data folder cannot be made, in a sentence, and exits 69', async () => {
    writeFileSync(join(folder, 'a-file'), '')
    const { code, stderr } = await serveToItsEnd(join(folder, 'a-file', 'data'))
    assert.equal(code, 69, stderr)
    assert.match(stderr, /^assay: .*a-file/m)
    assert.ok(!/\n\s+at /.test(stderr), `no stack: ${stderr}`)
  })

  it('says that the database is damaged, and exits 69', async () => {
    const data = join(folder, 'damaged')
    mkdirSync(data)
    writeFileSync(join(data, 'assay.db'), 'this is no database, although it is long enough for its header '.repeat(100))
    const { code, stderr } = await serveToItsEnd(data)
    assert.equal(code, 69, stderr)
    assert.match(stderr, /database cannot be opened/)
  })
})

describe('a server whose output nobody reads any more', () => {
  it('serves on, and stops as others do', async () => {
    const data = join(folder, 'unread')
    const ports = await newPorts()
    const args = serveArgs(data, ports, ['--icap-port', String(ports.icap), '--workers', '1'])
    const child = spawn(process.execPath, args, { cwd: TOP, env: CLEAN_ENV, stdio: ['ignore', 'pipe', 'pipe'] })
    endWithUs(child)
    child.stdout.destroy()
    child.stderr.destroy()
    await waitFor('the port', () => isListening(ports.icap))
    // Each of these is a line in the log.
    for (let n = 0; n < 30; n++) await exchange(ports.icap, 'NONSENSE\r\n\r\n')
    await sleep(500)
    assert.equal((await exchange(ports.icap, OPTIONS('response'))).status, 200)
    child.kill('SIGTERM')
    await waitFor('its end', () => child.exitCode !== null || child.signalCode !== null)
    assert.equal(child.exitCode, 0)
  })
})

describe('one server after the other on one data folder', () => {
  const settings = join(folder, 'settings.yaml')
  let server: Server
  const answered: string[] = []

  after(() => server?.kill())

  async function answer(count: number): Promise<void> {
    const names = Array.from({ length: count }, (_, n) => `life-${answered.length + n}`)
    const statuses = await Promise.all(names.map(async (name) => (await server.respond(name, BODY)).status))
    assert.deepEqual(statuses, Array(count).fill(204))
    answered.push(...names)
  }

  it('starts over a stale pid file and a stale socket', async () => {
    const data = join(folder, 'data')
    mkdirSync(data)
    writeFileSync(join(data, 'assay.pid'), '4194000 77\n')
    writeFileSync(join(data, 'assay.sock'), '')
    writeFileSync(settings, 'icap.optionsTtlS: 100\n')
    server = await startServer({ data, args: ['--settings', settings] })
    assert.equal((await server.options()).headers.get('options-ttl'), '100')
    await answer(5)
  })

  it('keeps a second one out, in a clear sentence and with exit code 69, and serves on', async () => {
    const { code, stderr, stdout } = await serveToItsEnd(server.data)
    assert.equal(code, 69)
    assert.match(stderr, new RegExp(`^assay: a server \\(pid ${server.pid}\\) is running with this data folder`))
    assert.equal(stdout.toString(), '')
    await answer(1)
    assert.equal((await server.api('GET', '/status')).status, 200)
  })

  it('reads its settings file again on SIGHUP', async () => {
    writeFileSync(settings, 'icap.optionsTtlS: 200\npolicy.blockFrom: low\n')
    process.kill(server.pid, 'SIGHUP')
    await waitFor('the new value', async () => (await server.options()).headers.get('options-ttl') === '200')
    const saved = await server.api('PUT', '/settings', { updates: { 'policy.blockFrom': 'high' } })
    assert.match(saved.text, /settings\.yaml line 2/)
  })

  const bad: readonly [string, string, RegExp][] = [
    ['wrong values', 'icap.optionsTtlS: 5\n', /settings\.yaml line 1.*optionsTtlS/],
    ['no YAML', '{{{{', /settings\.yaml/],
    ['a port of somebody else', '', /cannot be opened|in use/],
  ]
  for (const [reason, text, fault] of bad)
    it(`changes nothing on SIGHUP with ${reason}, and says why`, async () => {
      writeFileSync(settings, text === '' ? `icap.port: ${server.ports.console}\n` : text)
      const before = server.log().length
      process.kill(server.pid, 'SIGHUP')
      const line = await waitFor('the refusal', () =>
        server
          .log()
          .slice(before)
          .split('\n')
          .find((one) => one.includes('refused')),
      )
      assert.match(line, text === '' ? /console\.port|cannot be opened/ : fault)
      assert.equal((await server.options()).headers.get('options-ttl'), '200')
    })

  it('changes nothing on SIGHUP without the file', async () => {
    rmSync(settings)
    const before = server.log().length
    process.kill(server.pid, 'SIGHUP')
    await waitFor('the refusal', () => server.log().slice(before).includes('refused'))
    await answer(1)
  })

  it('stands still (SIGSTOP): its workers serve on with the permits they have, and none is replaced for it', async () => {
    const workers = await server.pids('worker')
    process.kill(server.pid, 'SIGSTOP')
    await answer(4)
    await sleep(3000)
    process.kill(server.pid, 'SIGCONT')
    await sleep(1500)
    assert.deepEqual(await server.pids('worker'), workers)
  })

  it('dies by SIGKILL: its workers end, and the next one has every answered transaction once', async () => {
    await answer(40)
    const workers = await server.pids('worker')
    process.kill(server.pid, 'SIGKILL')
    await waitFor('the workers to end', () => workers.every((pid) => processLine(pid) === undefined))
    assert.equal(existsSync(join(server.data, 'assay.pid')), true, 'a stale pid file')
    server = await startServer({ data: server.data, ports: server.ports })
    const records = await server.transactions('/life-')
    const names = records.map(({ url }) => url.split('/').at(-1) ?? '').sort()
    assert.deepEqual(names, [...answered].sort())
    assert.deepEqual(readdirSync(join(server.data, 'worker', 'spool')), [])
  })

  it('lets a slow upload finish on SIGTERM, takes no new one, exits 0 and leaves nothing', async () => {
    const bytes = respmod({ url: 'http://www.example.com/life-slow', body: plainText('slow', 200_000) })
    const slow = await connectIcap(server.ports.icap)
    const idle = await connectIcap(server.ports.icap)
    slow.send(bytes.subarray(0, 1000))
    await sleep(300)
    const stopping = server.stop()
    await waitFor('the port to close', async () => !(await isListening(server.ports.icap)))
    for (let at = 1000; at < bytes.length; at += 50_000) {
      await sleep(200)
      slow.send(bytes.subarray(at, at + 50_000))
    }
    const { status, headers } = await slow.answer()
    assert.equal(status, 204)
    assert.match(headers.get('connection') ?? '', /close/i)
    assert.equal(await stopping, 0)
    await waitFor('the idle connection to be closed', () => idle.closed())
    assert.deepEqual(processesMarked(server.mark), [])
    assert.deepEqual(
      readdirSync(server.data).filter((name) => /pid|sock|lock/.test(name)),
      [],
    )
    assert.deepEqual(readdirSync(join(server.data, 'worker', 'journal')), [], 'all is in the store')
  })
})
