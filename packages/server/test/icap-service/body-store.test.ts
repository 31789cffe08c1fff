import assert from 'node:assert/strict'
import { createHash, hash, randomBytes } from 'node:crypto'
import { closeSync, fstatSync, writeSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { BodyStore } from '../../src/icap-service/body-store.ts'
import { Intake } from '../../src/icap-service/intake.ts'
import { contentBytes, createSpool, openUnlinked, readAt, writeAll } from '../../src/icap-service/spool.ts'
import { bytesOf } from './service-rig.ts'

const LIMITS = {
  memoryBytes: 1_048_576,
  maxBytes: 1e12,
  endlessAfterBytes: 1e12,
  endlessAfterMs: 1e9,
  sha1: true,
  md5: true,
}
const EMPTY = { diskBytes: 0, memoryBytes: 0, files: 0 }

describe('body store', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'assay-spool-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))
  const spoolOf = (maxBytes = 1e9, maxMemoryBytes = 1e9) => createSpool({ directory, maxBytes, maxMemoryBytes })

  for (const pieceBytes of [1, 1000, 8192, 65_536, 3_000_000]) {
    for (const size of [0, 1, 70_000, 1_048_576, 1_048_577, 2_500_000]) {
      if (pieceBytes === 1 && size > 70_000) continue
      it(`keeps and hashes ${size} bytes in pieces of ${pieceBytes}`, async () => {
        const spool = spoolOf()
        const intake = new Intake(spool, LIMITS)
        const bytes = randomBytes(size)
        for (let at = 0; at < size; at += pieceBytes) {
          const wait = intake.write(bytes.subarray(at, at + pieceBytes))
          if (wait instanceof Promise) await wait
        }
        const body = await intake.finish()
        assert.ok(body.content)
        assert.equal(body.content.kind, size > LIMITS.memoryBytes ? 'file' : 'memory')
        assert.ok(bytesOf(body.content).equals(bytes))
        assert.deepEqual(
          [body.sha256, body.sha1, body.md5],
          ['sha256', 'sha1', 'md5'].map((name) => hash(name, bytes)),
        )
        const back: Buffer[] = []
        for await (const piece of contentBytes(body.content)) back.push(piece)
        assert.ok(Buffer.concat(back).equals(bytes))
        intake.discard()
        intake.discard()
        assert.deepEqual(spool.used, EMPTY)
        assert.deepEqual(await readdir(directory), [], 'a spool file has no name')
      })
    }
  }

  it('holds the sender back, so that memory does not grow with the body', async () => {
    const spool = spoolOf()
    const store = new BodyStore(spool, { memoryBytes: 65_536, maxBytes: 1e12 })
    const chunk = randomBytes(65_536)
    let most = 0
    for (let i = 0; i < 1000; i++) {
      const wait = store.write(Buffer.from(chunk))
      most = Math.max(most, spool.used.memoryBytes)
      if (wait instanceof Promise) await wait
    }
    assert.ok(most <= 1_048_576, `${most} bytes were held`)
    store.discard()
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.deepEqual(spool.used, EMPTY)
  })

  it('may be discarded at any moment of a write', async () => {
    const spool = spoolOf()
    for (let i = 0; i < 30; i++) {
      const store = new BodyStore(spool, { memoryBytes: 1000, maxBytes: 1e12 })
      const wait = store.write(randomBytes(200_000))
      for (let turn = 0; turn < i; turn++) await new Promise((resolve) => setImmediate(resolve))
      store.discard()
      await wait
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.deepEqual(spool.used, EMPTY)
  })

  it('says why it is full, counts on, and gives the budget back', async () => {
    const spool = spoolOf(300_000)
    const store = new BodyStore(spool, { memoryBytes: 1000, maxBytes: 1e12 })
    for (let i = 0; i < 10; i++) await store.write(randomBytes(100_000))
    assert.equal(await store.finish(), undefined)
    assert.equal(store.size, 1_000_000)
    assert.equal(store.full?.reason, 'no-space')
    assert.match(store.full?.detail ?? '', /budget/)
    assert.deepEqual(spool.used, EMPTY)
  })

  it('lets go of a body that is larger than one may be, and counts on', async () => {
    const spool = spoolOf()
    const store = new BodyStore(spool, { memoryBytes: 1000, maxBytes: 250_000 })
    for (let i = 0; i < 10; i++) await store.write(randomBytes(100_000))
    assert.equal(await store.finish(), undefined)
    assert.equal(store.size, 1_000_000)
    assert.equal(store.full?.reason, 'too-large')
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.deepEqual(spool.used, EMPTY)
  })

  it('is full where the folder cannot be written to', async () => {
    const spool = createSpool({ directory: join(directory, 'not-there'), maxBytes: 1e9, maxMemoryBytes: 1e9 })
    const store = new BodyStore(spool, { memoryBytes: 10, maxBytes: 1e12 })
    await store.write(randomBytes(200_000))
    assert.equal(await store.finish(), undefined)
    assert.deepEqual(store.full, { reason: 'no-space', detail: 'ENOENT' })
    assert.deepEqual(spool.used, EMPTY)
  })

  it('leaves no name behind where O_TMPFILE is not to be had either', async () => {
    const folder = join(directory, 'fallback')
    await mkdir(folder)
    const fd = await openUnlinked(folder, false)
    assert.deepEqual(await readdir(folder), [])
    assert.equal(fstatSync(fd).mode & 0o777, 0o600)
    writeSync(fd, 'x')
    closeSync(fd)
    await rm(folder, { recursive: true })
  })

  it('writes more pieces than one call takes', async () => {
    const fd = await openUnlinked(directory)
    const pieces = Array.from({ length: 3000 }, (_, i) => Buffer.from(`${i},`))
    await writeAll(fd, pieces, 0)
    const size = fstatSync(fd).size
    const sum = createHash('sha256').update(Buffer.concat(pieces)).digest('hex')
    assert.equal(hash('sha256', await readAt(fd, 0, size)), sum)
    closeSync(fd)
  })

  it('reads what is there while more comes', async () => {
    const spool = spoolOf()
    const store = new BodyStore(spool, { memoryBytes: 100_000, maxBytes: 1e12 })
    const bytes = randomBytes(400_000)
    store.write(bytes.subarray(0, 50_000))
    assert.equal(store.readableBytes, 50_000)
    assert.ok((await store.readAt(100, 200)).equals(bytes.subarray(100, 300)))
    await store.write(bytes.subarray(50_000))
    await store.finish()
    assert.ok((await store.readAt(300_000, 200_000)).equals(bytes.subarray(300_000)))
    store.discard()
    assert.equal(store.readableBytes, 0)
  })
})
