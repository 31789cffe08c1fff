import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Unscanned } from '../../src/domain/verdict.ts'
import { createRunTool, INPUT_PATH } from '../../src/unpack/run-tool.ts'
import { needs, needsRoot } from '../e2e/needs.ts'
import { SEVEN_ZIP } from './archives/make-archive.ts'
import { runScript, type TestHost, TOOL_IDENTITY, testToolHost } from './tool-host.ts'

const NEEDED = needs('bwrap', 'prlimit', 'perl', 'bash')
const RUN_TOOL = new URL('../../src/unpack/run-tool.ts', import.meta.url).href
const IDENTITY = new URL('../../src/supervisor/identity.ts', import.meta.url).href

/** Command lines of this host that hold the text. */
function commandsWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      } catch {
        return ''
      }
    })
    .filter((command) => command.includes(text))
}

async function goneWithin(ms: number, text: string): Promise<string[]> {
  for (let waited = 0; waited < ms && commandsWith(text).length > 0; waited += 20) await delay(20)
  return commandsWith(text)
}

let marks = 0
const mark = () => `mark-${process.pid}-${++marks}`

describe('a confined tool', NEEDED, () => {
  let host: TestHost
  let folder: string
  before(async () => {
    host = await testToolHost()
    folder = mkdtempSync(join(tmpdir(), 'assay-data-'))
    chmodSync(folder, 0o755)
  })
  after(() => {
    host?.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const run = (script: string, more = {}) => runScript(host.runTool, script, more)

  it('gets the sample, its stdin and arguments, and gives output, errors and exit code', async () => {
    const script = `cat ${INPUT_PATH}; cat; echo "$2"; echo problem >&2; exit 3`
    const { end, stdout, stderr } = await run(script, { stdin: ' stdin ', args: ["it's $HOME"] })
    assert.deepEqual(
      { end, stdout, stderr },
      {
        end: { code: 3 },
        stdout: "the sample stdin it's $HOME\n",
        stderr: 'problem\n',
      },
    )
  })

  it('runs the program itself where no script is given', async () => {
    const { end, stdout } = await run('exec "$@"', { args: ['i'] })
    assert.deepEqual(end, { code: 0 })
    assert.match(stdout, /7-Zip/)
  })

  it('is never root, has no capability, no new privileges, a filter, an empty environment', async () => {
    const { stdout } = await run('id -u; grep -E "^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):" /proc/self/status; env')
    const [uid, ...rest] = stdout.split('\n')
    assert.equal(uid, String(process.getuid?.() === 0 ? TOOL_IDENTITY.uid : process.getuid?.()))
    for (const line of rest.filter((text) => text.startsWith('Cap'))) assert.match(line, /\t0+$/)
    assert.ok(rest.includes('NoNewPrivs:\t1') && rest.includes('Seccomp:\t2'))
    const names = rest.filter((line) => /^\w+=/.test(line)).map((line) => line.split('=')[0])
    assert.deepEqual(
      names.filter((name) => !['LC_ALL', 'PATH', 'PWD', '_', 'OLDPWD', 'SHLVL'].includes(name ?? '')),
      [],
    )
  })

  it('does not reach the network', async () => {
    const server = createServer(() => assert.fail('it came through'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const { end, stdout } = await run(
      `tail -n +3 /proc/net/dev | grep -vc ' lo:'; bash -c ': < /dev/tcp/127.0.0.1/${port}'`,
    )
    server.close()
    assert.equal(stdout, '0\n')
    assert.notDeepEqual(end, { code: 0 })
  })

  it('does not see the data folder, nor anything of the host but its system files', async () => {
    const secret = join(folder, 'secret')
    writeFileSync(secret, 'key', { mode: 0o644 })
    const { stdout } = await run(`cat ${secret}; ls -d /*; ls /etc /home /root /tmp /var /run /srv`)
    const shown = stdout.split('\n').filter((line) => line !== '')
    assert.deepEqual(
      shown.filter((line) => !['/bin', '/dev', '/lib', '/lib64', '/proc', '/sample', '/tool', '/usr'].includes(line)),
      [],
    )
  })

  it('sees no processes but its own', async () => {
    const { stdout } = await run('for p in /proc/[0-9]*; do cat $p/cmdline | tr "\\0" " "; echo; done')
    assert.ok(stdout.trim().split('\n').length <= 4, stdout)
    assert.ok(!stdout.includes('run-tool.test'))
  })

  it('writes nowhere', async () => {
    const tries = ['/x', '/dev/x', '/usr/x', '/proc/self/comm', '/dev/shm/x', '/dev/null']
    const { stdout } = await run(tries.map((path) => `(echo x > ${path}) && echo ${path}`).join('; '))
    assert.equal(stdout, '')
  })

  it('does not change the sample, though its user owns the file', async () => {
    const path = join(folder, 'sample')
    writeFileSync(path, 'the sample')
    const fd = openSync(path, 'r+')
    unlinkSync(path)
    const script = `for f in ${INPUT_PATH} /proc/self/fd/3; do
      (echo x > $f); (: > $f); truncate -s 0 $f; chmod 777 $f; perl -e 'syswrite(STDOUT, 1) if open(F, "+<", $ARGV[0])' $f
    done; cat ${INPUT_PATH}`
    const { stdout } = await run(script, { input: { kind: 'file', fd, size: 10 } })
    assert.equal(stdout, 'the sample')
    assert.equal(readFileSync(fd, 'utf8'), 'the sample')
    closeSync(fd)
  })

  it('makes none of the calls that escapes are made of', async () => {
    const calls: Record<string, readonly [x64: number, arm64: number]> = {
      ptrace: [101, 117],
      mount: [165, 40],
      umount2: [166, 39],
      pivot_root: [155, 41],
      bpf: [321, 280],
      keyctl: [250, 219],
      add_key: [248, 217],
      unshare: [272, 97],
      setns: [308, 268],
      userfaultfd: [323, 282],
      io_uring_setup: [425, 425],
      perf_event_open: [298, 241],
      kexec_load: [246, 104],
      socket: [41, 198],
      memfd_create: [319, 279],
      process_vm_writev: [311, 271],
      open_by_handle_at: [304, 265],
    }
    const index = process.arch === 'arm64' ? 1 : 0
    const list = Object.entries(calls).map(([name, numbers]) => `${name} => ${numbers[index]}`)
    const clone = index === 1 ? 220 : 56
    const script = `perl -e 'my %c = (${list.join(', ')});
      for (sort keys %c) { $! = 0; my $r = syscall($c{$_}, 0, 0, 0, 0, 0); print "$_\\n" if $r != -1 || $! != 1 }
      $! = 0; my $r = syscall(${clone}, 0x10000000 | 17, 0, 0, 0, 0); exit 0 if !$r; print "clone $r $!\\n" if $r != -1 || $! != 1;
      $! = 0; $r = syscall(435, 0, 0); print "clone3\\n" if $! != 38; print "done\\n"'`
    assert.equal((await run(script)).stdout, 'done\n')
  })

  it('is held to its memory', async () => {
    const { end, stdout } = await run(`perl -e 'my $x = "a" x (3 * 1024 ** 3); print length $x'`)
    assert.notDeepEqual(end, { code: 0 })
    assert.equal(stdout, '')
  })

  it('cannot fork without end, and nothing of it outlives the deadline', async () => {
    const name = mark()
    const before = Date.now()
    const { end } = await run(`: ${name}; b() { b | b & b; }; b; sleep 60`, { timeoutMs: 1500 })
    assert.ok('stopped' in end || end.code !== 0)
    assert.ok(Date.now() - before < 30_000)
    assert.deepEqual(await goneWithin(2000, name), [])
  })

  it('cannot outlive the deadline in a session of its own', async () => {
    const name = mark()
    const { end } = await run(
      `setsid sh -c 'sleep 300; : ${name}' & setsid setsid sh -c 'sleep 301; : ${name}' & wait`,
      {
        timeoutMs: 500,
      },
    )
    assert.deepEqual(end, { stopped: 'timeout' })
    assert.deepEqual(await goneWithin(2000, name), [])
  })

  it('ends with whoever gives up waiting', async () => {
    const name = mark()
    const end = await run(`: ${name}; sleep 300`, { signal: AbortSignal.timeout(300) })
    assert.deepEqual(end.end, { stopped: 'timeout' })
    const aborted = await run('sleep 300', { signal: AbortSignal.abort() })
    assert.deepEqual(aborted.end, { stopped: 'timeout' })
    assert.deepEqual(await goneWithin(2000, name), [])
  })

  it('leaves nobody behind who lives on after its own end', async () => {
    const name = mark()
    const { end } = await run(`setsid sh -c 'sleep 300; : ${name}' >&- 2>&- & exit 4`)
    assert.deepEqual(end, { code: 4 })
    assert.deepEqual(await goneWithin(2000, name), [])
  })

  it('is cut off at the end of its allowance', async () => {
    const { end, stdout } = await run('yes', { maxStdoutBytes: 100_000 })
    assert.deepEqual(end, { stopped: 'output-limit' })
    assert.equal(stdout.length, 100_000)
  })

  it('keeps 4 KiB of what it complains of, and goes on', async () => {
    const { end, stderr } = await run('yes | head -c 1000000 >&2; exit 5')
    assert.deepEqual({ end, length: stderr.length }, { end: { code: 5 }, length: 4096 })
  })

  it('is ended by whoever takes its output, whose error comes through', async () => {
    const name = mark()
    const work = run(`: ${name}; yes`, {
      onStdout() {
        throw new Unscanned('bomb', 'enough')
      },
    })
    await assert.rejects(work, { name: 'Unscanned', reason: 'bomb' })
    assert.deepEqual(await goneWithin(2000, name), [])
  })

  it('waits for whoever takes its output', async () => {
    let taken = 0
    const { end } = await run('head -c 2000000 /dev/zero 2>&1 || perl -e "print 0 x 2000000"', {
      maxStdoutBytes: 4_000_000,
      async onStdout(chunk: Buffer) {
        await delay(1)
        taken += chunk.length
      },
    })
    assert.ok('code' in end)
    assert.ok(taken >= 2_000_000)
  })

  it('says how it died', async () => {
    assert.deepEqual((await run('kill -9 $$')).end, { code: 137 })
    assert.deepEqual((await run('exec /nowhere')).end, { code: 127 })
  })

  it('refuses a program that it was not made with', async () => {
    await assert.rejects(run('', { program: '/bin/ls' }), { name: 'Unscanned', reason: 'engine-down' })
  })

  it('reads a file that only somebody else may read', needsRoot(), async () => {
    const path = join(folder, 'closed')
    writeFileSync(path, 'of root', { mode: 0o600 })
    const fd = openSync(path, 'r')
    const input = { kind: 'file', fd, size: 7 } as const
    assert.equal((await run(`cat ${INPUT_PATH}`, { input })).stdout, 'of root')
    unlinkSync(path)
    assert.equal((await run(`cat ${INPUT_PATH}`, { input })).stdout, 'of root')
    closeSync(fd)
  })

  it('runs from another thread, and ends with it', async () => {
    const name = mark()
    const source = `const { workerData, parentPort } = require('node:worker_threads')
      import(workerData.module).then(async ({ createRunTool }) => {
        const { runTool } = await createRunTool(workerData)
        const job = (script) => runTool({ program: workerData.programs[0], args: [], script, maxStdoutBytes: 100, timeoutMs: 60000,
          input: { kind: 'memory', bytes: Buffer.from('x') }, onStdout() {}, signal: new AbortController().signal })
        parentPort.postMessage(await job('exit 9'))
        await job(': ${name}; sleep 300')
      })`
    const workerData = { module: RUN_TOOL, programs: [SEVEN_ZIP], scratch: host.scratch, identity: TOOL_IDENTITY }
    const worker = new Worker(source, { eval: true, workerData })
    const [{ end }] = await once(worker, 'message')
    assert.deepEqual(end, { code: 9 })
    const isInside = () => commandsWith(name).some((command) => command.startsWith('/bin/sh'))
    for (let i = 0; i < 200 && !isInside(); i++) await delay(20)
    assert.ok(isInside())
    await worker.terminate()
    assert.deepEqual(await goneWithin(3000, name), [])
  })

  it('runs from a process that has given up root, wherever the program lies', needsRoot(), async () => {
    const place = join(folder, 'worker')
    const closed = join(folder, 'closed-to-others')
    mkdirSync(closed, { mode: 0o700 })
    mkdirSync(place, { mode: 0o700 })
    const program = join(closed, 'tool')
    writeFileSync(program, readFileSync('/usr/bin/id'), { mode: 0o755 })
    const source = `import { chownSync } from 'node:fs'
      import { createRunTool } from '${RUN_TOOL}'
      import { becomeIdentity } from '${IDENTITY}'
      const identity = ${JSON.stringify(TOOL_IDENTITY)}
      const [program, place] = ${JSON.stringify([program, place])}
      chownSync(place, identity.uid, identity.gid)
      process.chdir(place)
      const host = await createRunTool({ programs: [program], scratch: place, identity })
      if (host.unavailable) throw new Error(host.unavailable)
      becomeIdentity(identity)
      const job = { program, args: ['-u'], maxStdoutBytes: 100, timeoutMs: 20000, signal: new AbortController().signal,
        input: { kind: 'memory', bytes: Buffer.from('x') }, onStdout: (chunk) => process.stdout.write(chunk) }
      console.log(JSON.stringify((await host.runTool(job)).end))`
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    await once(child, 'close')
    assert.equal(out, `${TOOL_IDENTITY.uid}\n{"code":0}\n`)
  })
})

describe('a host that cannot confine', () => {
  const options = { programs: [SEVEN_ZIP], scratch: tmpdir(), identity: TOOL_IDENTITY }
  const cases = [
    { change: { bwrap: '/nowhere/bwrap' }, says: /ENOENT|did not start/, because: 'bubblewrap is not there' },
    { change: { bwrap: '/bin/false' }, says: /confine/, because: 'bubblewrap does nothing' },
    { change: { prlimit: '/bin/true' }, says: /cannot confine/, because: 'limits are not set' },
    { change: { programs: ['/nowhere/7zz'] }, says: /ENOENT/, because: 'the program is not there' },
    { change: { scratch: '/nowhere' }, says: /could not be started/, because: 'there is no place for samples' },
  ]
  for (const { change, says, because } of cases) {
    it(`says so in one line when ${because}`, NEEDED, async () => {
      const host = await createRunTool({ ...options, ...change })
      assert.ok('unavailable' in host)
      assert.match(host.unavailable, says)
    })
  }

  it('refuses to run a tool as root', needsRoot(), async () => {
    for (const identity of [undefined, { uid: 0, gid: 0 }]) {
      const host = await createRunTool({ ...options, identity })
      assert.deepEqual(host, { unavailable: 'no tool runs as root' })
    }
  })
})
