import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Needs, needsRoot } from '../e2e/needs.ts'
import { waitFor } from '../e2e/programs.ts'
import { connectIcap, exchange, type RawAnswer, respmod } from '../e2e/raw-icap.ts'
import { EICAR, plainText } from '../e2e/samples.ts'
import { type ClosedCheckout, closedCheckout } from './closed-checkout.ts'
import { newFolder, removeFolder, type Server, startServer } from './server-rig.ts'

const BODY = plainText('rights', 3000)
const NOBODY = 65_534
const marked = Buffer.concat([BODY, Buffer.from('own-marker')])
const OWN_RULE = { name: 'own.yar', text: 'rule own { meta: risk = "high" strings: $a = "own-marker" condition: $a }' }

/** Mounting needs more than uid 0: containers often lack it. */
function needsMount(): Needs {
  const root = needsRoot()
  if (root.skip !== undefined) return root
  const folder = newFolder()
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status === 0
  if (mounted) spawnSync('umount', [folder])
  removeFolder(folder)
  if (mounted) return {}
  console.error('SKIPPED: needs the right to mount')
  return { skip: 'needs the right to mount' }
}

const mount = needsMount()

describe('a server that root started', needsRoot(), () => {
  let server: Server
  let workers: number[]
  let uid: number
  before(async () => {
    server = await startServer({ workers: 2 })
    workers = await server.pids('worker')
    uid = statSync(join(server.data, 'worker', 'journal')).uid
  })
  after(async () => {
    await server.kill()
    removeFolder(server.data)
  })

  /** Whether a program of the workers' user can do it. */
  const asWorker = (command: string) => spawnSync('sh', ['-c', command], { uid, gid: uid }).status === 0

  it('has workers that are nobody: another user, no group of root’s, no capability', () => {
    assert.notEqual(uid, 0)
    for (const pid of workers) {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      assert.match(status, new RegExp(`^Uid:\t${uid}\t${uid}\t${uid}\t${uid}$`, 'm'))
      assert.match(status, /^Gid:\t(\d+)\t\1\t\1\t\1$/m)
      assert.match(status, /^Groups:\s*$/m)
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) assert.match(status, new RegExp(`^${set}:\t0+$`, 'm'))
    }
  })

  it('has threads that are nobody too', () => {
    for (const pid of workers)
      for (const thread of readdirSync(`/proc/${pid}/task`))
        assert.match(
          readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'),
          new RegExp(`^Uid:\t${uid}\t${uid}\t`, 'm'),
        )
  })

  it('shows that user in its status', async () => {
    const { processes } = await server.status()
    assert.deepEqual(
      processes.filter(({ role }) => role === 'worker').map((one) => one.uid),
      [uid, uid],
    )
  })

  for (const name of ['secret.key', 'assay.db', 'assay.sock'])
    it(`keeps ${name} from them`, () => {
      const path = join(server.data, name)
      assert.equal(asWorker(`test -r ${path}`), false)
      assert.equal(asWorker(`test -w ${path}`), false)
    })

  it('lets them change no rules, no lists and nothing in the data folder', () => {
    const snapshots = join(server.data, 'worker', 'snapshots')
    assert.equal(asWorker(`ls ${snapshots}/lists-*.bin && test -r ${snapshots}/lists-*.bin`), true)
    for (const path of [snapshots, join(server.data, 'worker'), server.data])
      assert.equal(asWorker(`touch ${path}/x || mv ${path}/assay.db ${path}/y`), false, path)
  })

  it('keeps a body in a file without a name', async () => {
    const bytes = respmod({ url: 'http://www.example.com/spooled', body: Buffer.alloc(3_000_000, 'spool') })
    const connection = await connectIcap(server.ports.icap)
    connection.send(bytes.subarray(0, 2_500_000))
    const fds = () =>
      workers.flatMap((pid) =>
        readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
          try {
            return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
          } catch {
            return []
          }
        }),
      )
    const spooled = await waitFor('the spool file', () => fds().find((target) => target.includes('/worker/spool/')))
    assert.match(spooled, /\(deleted\)$/)
    assert.deepEqual(readdirSync(join(server.data, 'worker', 'spool')), [])
    connection.send(bytes.subarray(2_500_000))
    assert.equal((await connection.answer()).status, 204)
    await waitFor('the file to be closed', () => !fds().some((target) => target.includes('/worker/spool/')))
    connection.close()
  })

  it('replaces a worker by one with no more rights', async () => {
    const [victim = 0] = workers
    process.kill(victim, 'SIGKILL')
    const next = await waitFor('its successor', async () => {
      const pids = await server.pids('worker')
      return pids.length === 2 ? pids.find((pid) => !workers.includes(pid)) : undefined
    })
    assert.match(
      readFileSync(`/proc/${next}/status`, 'utf8'),
      new RegExp(`^Uid:\t${uid}\t${uid}\t${uid}\t${uid}$`, 'm'),
    )
  })
})

describe('a server of an ordinary user', needsRoot(), () => {
  it('works the same with its own data folder, workers included', async () => {
    const server = await startServer({ uid: NOBODY, workers: 1 })
    try {
      assert.equal((await server.respond('ordinary', BODY)).status, 204)
      assert.match((await server.respond('ordinary', EICAR)).httpHead, /^HTTP\/1\.1 403/)
      const added = await server.api('POST', '/rules', OWN_RULE)
      assert.equal(added.status, 200, added.text)
      assert.match((await server.respond('ordinary', marked)).httpHead, /^HTTP\/1\.1 403/)
      const { processes } = await server.status()
      assert.deepEqual(new Set(processes.map(({ uid }) => uid)), new Set([NOBODY]))
      assert.equal((await server.transactions('/ordinary')).length, 3)
      assert.equal(await server.stop(), 0, server.log())
    } finally {
      await server.kill()
      removeFolder(server.data)
    }
  })
})

describe('a checkout that only root can enter', mount, () => {
  let checkout: ClosedCheckout
  before(() => {
    checkout = closedCheckout()
  })
  after(() => checkout?.close())

  it('new rules and other threads are used when the command returns: workers are replaced, and nobody is turned away', async () => {
    const server = await startServer({ workers: 1, checkout: checkout.path })
    try {
      assert.equal((await server.respond('closed', marked)).status, 204)
      const added = await server.api('POST', '/rules', OWN_RULE)
      assert.equal(added.status, 200, added.text)
      assert.match((await server.respond('closed', marked)).httpHead, /^HTTP\/1\.1 403/)
      await server.set({ 'scan.inlineBytes': 1000 })
      assert.match((await server.respond('closed', marked)).httpHead, /^HTTP\/1\.1 403/)
      assert.equal(await server.stop(), 0, server.log())
    } finally {
      await server.kill()
      removeFolder(server.data)
    }
  })
})

describe('a full disk', mount, () => {
  const data = newFolder()
  const worker = join(data, 'worker')
  const filler = join(worker, 'filler')
  let server: Server
  const answered: string[] = []
  before(async () => {
    mkdirSync(worker)
    assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', worker]).status, 0)
    server = await startServer({ data, workers: 1, saved: { 'intake.minFreeBytes': 0 } })
  })
  after(async () => {
    await server?.kill()
    spawnSync('umount', [worker])
    removeFolder(data)
  })

  async function ask(name: string, body: Buffer): Promise<RawAnswer> {
    const answer = await server.respond(name, body)
    if (answer.status < 300) answered.push(name)
    return answer
  }

  function fill(): void {
    const block = Buffer.alloc(1 << 16)
    for (let size = block.length; size >= 1; size >>= 4)
      try {
        for (;;) writeFileSync(filler, block.subarray(0, size), { flag: 'a' })
      } catch {
        // Full, for pieces of this size.
      }
  }

  it('a body that the spool has no room for is an error that says so; small ones are served', async () => {
    assert.equal((await ask('full-small', BODY)).status, 204)
    const large = await ask('full-large', Buffer.alloc(40_000_000, 'large'))
    assert.equal(large.status, 500)
    assert.match(large.headers.get('x-response-desc') ?? '', /no.space|no room|disk/i)
    assert.equal((await ask('full-small-again', BODY)).status, 204)
    const [record] = await server.transactions('/full-large')
    assert.deepEqual([record?.action, record?.reasons], ['error', ['no-space']])
  })

  it('a journal that cannot be written is an error, never an answer without a record', async () => {
    fill()
    const statuses: number[] = []
    await waitFor('the journal to be full', async () => {
      const { status } = await ask(`full-journal-${statuses.length}`, BODY)
      statuses.push(status)
      return status === 500
    })
    const infected = await exchange(
      server.ports.icap,
      respmod({ url: 'http://www.example.com/full-eicar', body: EICAR }),
    )
    assert.ok(infected.status === 500 || /403/.test(infected.httpHead), `EICAR: ${infected.status}`)
    assert.equal((await server.pids('worker')).length, 1)
  })

  it('settings are changed all the same; a list entry is used, or its command waits for room or says so', async () => {
    await server.set({ 'icap.optionsTtlS': 111 })
    const entry = { list: 'user-defined', type: 'url', value: 'http://full.example/' }
    const adding = server.api('POST', '/lists/entries', entry)
    await Promise.race([adding, sleep(3000)])
    rmSync(filler)
    const added = await adding
    assert.ok(added.status === 200 || added.status === 503, added.text)
  })

  it('is forgotten when there is room again, and nothing that was answered is lost', async () => {
    await waitFor('it to serve', async () => (await ask(`full-after-${Date.now()}`, BODY)).status === 204)
    const names = (await server.transactions('/full-')).map(({ url }) => url.split('/').at(-1) ?? '')
    for (const name of answered) assert.equal(names.filter((one) => one === name).length, 1, name)
    assert.equal(await server.stop(), 0, server.log())
  })
})
