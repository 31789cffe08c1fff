import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { after, beforeEach, describe, it } from 'node:test'
import { DataFolderBusy, markRunning, openDataFolder, takePidFile } from '../src/lifecycle.ts'
import { becomeIdentity, workerIdentity } from '../src/supervisor/identity.ts'
import { needsRoot } from './e2e/needs.ts'
import { waitFor } from './e2e/programs.ts'

const folders: string[] = []
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'assay-lifecycle-'))
  folders.push(root)
})
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

describe('the data folder', () => {
  it('is made with its places: others may pass through it, and enter nothing', () => {
    const folder = openDataFolder(join(root, 'a', 'b'), undefined)
    assert.equal(modeOf(folder.root), '711')
    for (const path of [folder.worker, folder.snapshots]) assert.equal(modeOf(path), '750')
    for (const path of [folder.journal, folder.spool, folder.ranges]) assert.equal(modeOf(path), '700')
    assert.deepEqual(openDataFolder(folder.root, undefined), folder, 'and found again')
  })

  it('that was open to all is closed', () => {
    mkdirSync(join(root, 'data'), { mode: 0o777 })
    assert.equal(modeOf(openDataFolder(join(root, 'data'), undefined).root), '711')
  })

  it('gives the workers what they write, and lets them read what root writes', needsRoot(), () => {
    const folder = openDataFolder(root, { uid: 64_344, gid: 64_345 })
    const owner = (path: string) => [statSync(path).uid, statSync(path).gid]
    for (const path of [folder.journal, folder.spool, folder.ranges]) assert.deepEqual(owner(path), [64_344, 64_345])
    for (const path of [folder.worker, folder.snapshots]) assert.deepEqual(owner(path), [0, 64_345])
    assert.deepEqual(owner(folder.root), [0, 0])
  })

  it('is refused where a worker’s place is a link: root would give away what it points to', needsRoot(), () => {
    const folder = openDataFolder(root, { uid: 64_344, gid: 64_344 })
    const precious = join(root, 'precious')
    mkdirSync(precious)
    rmSync(folder.journal, { recursive: true })
    symlinkSync(precious, folder.journal)
    lchownSync(folder.journal, 64_344, 64_344)
    assert.throws(() => openDataFolder(root, { uid: 64_344, gid: 64_344 }), /journal is not a folder/)
    assert.equal(statSync(precious).uid, 0)
  })
})

describe('the pid file', () => {
  it('keeps a second server out while the first one lives, by pid and start time', async () => {
    const path = join(root, 'assay.pid')
    const first = spawn('sleep', ['30'])
    try {
      writeFileSync(path, `${first.pid}\n`)
      assert.throws(
        () => takePidFile(path),
        (error: Error) => {
          assert.ok(error instanceof DataFolderBusy)
          assert.match(error.message, new RegExp(`pid ${first.pid}\\).*--data`))
          return true
        },
      )
      const started = readFileSync(`/proc/${first.pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[19]
      writeFileSync(path, `${first.pid} ${started}\n`)
      assert.throws(() => takePidFile(path), DataFolderBusy)
      writeFileSync(path, `${first.pid} ${Number(started) - 1}\n`)
      takePidFile(path)()
    } finally {
      first.kill('SIGKILL')
    }
  })

  const stale: readonly [string, string][] = [
    ['of a process that is gone', '4194000 12\n'],
    ['that is empty (the disk was full)', ''],
    ['with nonsense', '\0\0\0 what\n'],
    ['with a negative number, which would be a process group', '-1\n'],
    ['of this very pid: a container starts with the same one each time', `${process.pid} 1\n`],
  ]
  for (const [reason, text] of stale)
    it(`${reason} is no obstacle`, () => {
      const path = join(root, 'assay.pid')
      writeFileSync(path, text)
      const release = takePidFile(path)
      assert.equal(Number(readFileSync(path, 'utf8').split(' ')[0]), process.pid)
      release()
      assert.equal(existsSync(path), false)
    })

  it('of a dead process that nobody has collected is no obstacle', async () => {
    // sh does not wait for it: the child stays a zombie as long as sh sleeps.
    const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] })
    try {
      let text = ''
      parent.stdout.on('data', (chunk: Buffer) => {
        text += chunk
      })
      const pid = await waitFor('the pid', () => Number(text))
      await waitFor('a zombie', () => readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z '))
      const started = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[19]
      writeFileSync(join(root, 'assay.pid'), `${pid} ${started}\n`)
      takePidFile(join(root, 'assay.pid'))()
    } finally {
      parent.kill('SIGKILL')
    }
  })

  for (const stale of [false, true])
    it(`is won by exactly one of many that start at once${stale ? ' over a stale one' : ''}`, async () => {
      const path = join(root, 'assay.pid')
      if (stale) writeFileSync(path, '4194000 12\n')
      const code = `
        const { takePidFile } = await import(${JSON.stringify(new URL('../src/lifecycle.ts', import.meta.url).href)})
        const at = Number(process.argv[1])
        while (Date.now() < at);
        try { takePidFile(process.argv[2]); process.stdout.write('won') } catch (error) { process.stdout.write(error.name) }
        process.stdin.resume()`
      const start = String(Date.now() + 1000)
      const tries = Array.from({ length: 6 }, () =>
        spawn(process.execPath, ['--input-type=module', '-e', code, start, path]),
      )
      const outputs = await Promise.all(tries.map(async (child) => String(await once(child.stdout, 'data'))))
      // The winner lives until all have tried.
      for (const child of tries) child.stdin.end()
      await Promise.all(tries.map((child) => once(child, 'close')))
      assert.deepEqual(outputs.sort(), [...Array(5).fill('DataFolderBusy'), 'won'])
    })

  it('that is another server’s by now is left alone', () => {
    const path = join(root, 'assay.pid')
    const release = takePidFile(path)
    writeFileSync(path, '1 1\n')
    release()
    assert.equal(readFileSync(path, 'utf8'), '1 1\n')
  })
})

describe('the mark of a running server', () => {
  it('stands in the checkout’s modules while it runs', () => {
    mkdirSync(join(root, 'node_modules'))
    const unmark = markRunning(root)
    const mark = join(root, 'node_modules', '.assay-running', String(process.pid))
    assert.ok(existsSync(mark))
    unmark()
    assert.equal(existsSync(mark), false)
  })

  it('is not needed in an installed package', () => {
    markRunning(root)()
    assert.equal(existsSync(join(root, 'node_modules')), false)
  })
})

describe('the worker’s identity', () => {
  const passwd = (text: string) => {
    const path = join(root, 'passwd')
    writeFileSync(path, text)
    return workerIdentity(path)
  }

  it('is the user assay, or a number of its own; never root', needsRoot(), () => {
    assert.deepEqual(passwd('root:x:0:0::/:\nassay:x:998:997::/:/bin/false\n'), { uid: 998, gid: 997 })
    for (const text of [
      'root:x:0:0::/:\n',
      'assay:x:0:0::/:\n',
      'assay:x:998:0::/:\n',
      'assay:x\n',
      'xassay:x:5:5::/\n',
    ])
      assert.deepEqual(passwd(text), { uid: 64_344, gid: 64_344 }, text)
  })

  it('cannot be taken halfway', () => {
    if (process.getuid?.() === 0) return
    assert.throws(() => becomeIdentity({ uid: 64_344, gid: 64_344 }))
  })
})
