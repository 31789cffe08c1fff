import assert from 'node:assert/strict'
import process from 'node:process'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep, setImmediate as soon } from 'node:timers/promises'
import { constants, deflateRawSync } from 'node:zlib'
import { needsRoot } from '../e2e/needs.ts'
import { waitFor } from '../e2e/programs.ts'
import { connectIcap, type RawAnswer, respmod } from '../e2e/raw-icap.ts'
import { plainText } from '../e2e/samples.ts'
import { makeArchive } from '../unpack/archives/make-archive.ts'
import { makeZip, type ZipSpec } from '../unpack/archives/make-zip.ts'
import { confines } from './inside-confinement.ts'
import { contentsThreads, detailOf, engineOf, told, toolsBelow } from './inside-rig.ts'
import { removeFolder, type Server, startServer } from './server-rig.ts'

const SMALL = makeZip([{ name: 'a.txt', data: plainText('small', 400) }])
/** Packed once and named 3,000 times, each with another tail: 12 GB, nothing like it seen before. */
const PACKED = deflateRawSync(Buffer.alloc(4_000_000, 'slow to look through '), { finishFlush: constants.Z_FULL_FLUSH })
const SLOW = makeZip(Array.from({ length: 3000 }, (_, n) => slowMember(n)))

function slowMember(n: number): ZipSpec {
  const tail = Buffer.alloc(4)
  tail.writeUInt32LE(n)
  // A stored block, the last one (RFC 1951 3.2.4).
  const raw = Buffer.concat([PACKED, Buffer.from([1, 4, 0, 0xfb, 0xff]), tail])
  const lies = { method: 8, size: 4_000_004 }
  return { name: `${n}.bin`, raw, how: 'deflate', local: lies, central: lies }
}

let server: Server
let worker = 0
before(async () => {
  const saved = { 'unpack.maxRatio': 1_000_000, 'unpack.maxBytes': 100_000_000_000 }
  server = await startServer({ workers: 1, saved })
  ;[worker = 0] = await server.pids('worker')
})
after(async () => {
  await server.kill()
  removeFolder(server.data)
})

describe('the threads that look inside', () => {
  it('are as many as scan.threads says, before and after changes', async () => {
    assert.equal(contentsThreads(worker), 2)
    for (const threads of [3, 2]) {
      await server.set({ 'scan.threads': threads })
      await waitFor(`${threads} threads`, () => contentsThreads(worker) === threads)
    }
    assert.deepEqual(await server.pids('worker'), [worker], 'no worker was replaced for it')
  })

  it('a slow bomb is an error at its deadline, and others are served meanwhile', async () => {
    await server.set({ 'scan.timeoutMs': 2000 })
    let isSettled = false
    const slow = server.respond('slow.zip', SLOW).finally(() => {
      isSettled = true
    })
    const answers = await Promise.all([
      server.respond('text', plainText('meanwhile', 3000)),
      server.respond('small.zip', SMALL),
    ])
    assert.deepEqual(answers.map(told), ['clean', 'clean'])
    assert.equal(isSettled, false, 'the slow one was still looked through')
    assert.equal(told(await slow), '500: Not scanned (timeout)')
    await server.set({ 'scan.timeoutMs': null })
  })

  it('clients that send slow ones to each thread leave the worker serving, and the threads come back', async () => {
    await server.set({ 'scan.timeoutMs': 2000 })
    const slow = Array.from({ length: 4 }, (_, n) => server.respond(`slow-${n}.zip`, SLOW))
    assert.equal(told(await server.respond('text', plainText('meanwhile', 3000))), 'clean')
    for (const answer of await Promise.all(slow)) assert.equal(told(answer), '500: Not scanned (timeout)')
    assert.equal(told(await server.respond('after.zip', SMALL)), 'clean')
    await server.set({ 'scan.timeoutMs': null })
  })
})

describe('a walk under way', () => {
  it('ends with what it began with when limits change, and the old threads go after it', async () => {
    await server.set({ 'scan.timeoutMs': 3000 })
    const slow = server.respond('under-way.zip', SLOW)
    await sleep(500)
    await server.set({ 'unpack.maxMembers': 2 })
    assert.equal(told(await server.respond('meanwhile.zip', SLOW)), 'blocked: Not scanned (bomb)')
    assert.equal(told(await slow), '500: Not scanned (timeout)')
    await waitFor('the old threads to be gone', () => contentsThreads(worker) === 2)
    await server.set({ 'unpack.maxMembers': null, 'scan.timeoutMs': null })
  })

  // One that only ends its side may still read the answer (RFC 9293 3.6): that is no reason to give up.
  it('is given up when its client cuts the connection: others need not wait for it', { timeout: 60_000 }, async () => {
    await server.set({ 'scan.timeoutMs': 900_000 })
    const connections = await Promise.all([1, 2].map(() => connectIcap(server.ports.icap)))
    for (const [n, connection] of connections.entries())
      connection.send(respmod({ url: `http://www.example.com/gone-${n}`, body: SLOW }))
    await sleep(1000)
    for (const connection of connections) connection.socket.resetAndDestroy()
    assert.equal(told(await server.respond('next.zip', SMALL)), 'clean')
    await server.set({ 'scan.timeoutMs': null })
  })
})

describe('a tool that is killed while it unpacks', { ...needsRoot(), ...confines }, () => {
  // Large enough that the tool is still at work when it is found.
  const bytes = Buffer.alloc(60_000_000, plainText('killed', 5000))
  const archive = makeArchive('7z', [{ name: 'large.bin', bytes }])
  const killed = async (name: string, choose: (pids: readonly number[]) => number | undefined): Promise<RawAnswer> => {
    let isSettled = false
    const asked = server.respond(name, archive).finally(() => {
      isSettled = true
    })
    let kills = 0
    while (!isSettled) {
      const pid = choose(toolsBelow(worker))
      try {
        if (pid !== undefined) process.kill(pid, 'SIGKILL')
        kills += pid === undefined ? 0 : 1
      } catch {
        // Ended by itself.
      }
      await soon()
    }
    assert.ok(kills > 0, 'a tool was found')
    return asked
  }

  for (const [who, choose] of [
    ['bubblewrap', (pids: readonly number[]) => pids[0]],
    ['the innermost process', (pids: readonly number[]) => (pids.length > 2 ? pids.at(-1) : undefined)],
  ] as const)
    it(`${who}: unscanned, never clean`, async () => {
      const answer = await killed(`killed-${who.length}.7z`, choose)
      assert.notEqual(told(answer), 'clean')
      const { outcome, reasons, action } = await detailOf(server, `killed-${who.length}.7z`)
      assert.equal(outcome, 'unscanned', `${action} ${reasons}`)
    })

  it('is opened the next time', async () => {
    assert.equal(told(await server.respond('alive.7z', archive)), 'clean')
    await waitFor('no tool to be left', () => toolsBelow(worker).length === 0)
  })
})

// Last: the rule stays.
describe('a thread that hangs in native code', () => {
  it('is replaced, and the status says so', async () => {
    const rule =
      'rule hangs { strings: $a = "never finished" condition: $a and for all i in (1..20000000000) : (i > 0) }'
    const added = await server.api('POST', '/rules', { name: 'hangs.yar', text: rule })
    assert.equal(added.status, 200, added.text)
    await server.set({ 'scan.timeoutMs': 1000 })
    const body = makeZip([{ name: 'a.txt', data: 'never finished' }])
    assert.equal(told(await server.respond('hangs.zip', body)), '500: Not scanned (timeout)')
    const { detail } = await waitFor('another thread', async () => {
      const engine = await engineOf(server, 'unpack')
      return /replaced/.test(engine.detail) ? engine : undefined
    })
    assert.match(detail, /^1 thread/)
    assert.equal(told(await server.respond('after.zip', SMALL)), 'clean')
    const threads = async () => contentsThreads((await server.pids('worker'))[0] ?? 0)
    await waitFor('the hung one to be gone', async () => (await threads()) === 2)
  })
})
