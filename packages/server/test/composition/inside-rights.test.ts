import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { type Needs, needsRoot } from '../e2e/needs.ts'
import { EICAR, plainText } from '../e2e/samples.ts'
import { makeArchive } from '../unpack/archives/make-archive.ts'
import { makeZip } from '../unpack/archives/make-zip.ts'
import { type ClosedCheckout, closedCheckout } from './closed-checkout.ts'
import { canForbid, confines, WITHOUT_NAMESPACES } from './inside-confinement.ts'
import { detailOf, engineOf, told } from './inside-rig.ts'
import { newFolder, removeFolder, type Server, startServer } from './server-rig.ts'

const PLAIN = plainText('rights', 500)
const packed = (bytes: Buffer) => makeArchive('7z', [{ name: 'a.bin', bytes }])
const CLEAN_7Z = packed(PLAIN)
const EICAR_7Z = packed(EICAR)
const NOBODY = 65_534
const saved = { 'scan.threads': 1 }
const root: Needs = needsRoot()

/** Opens what needs a tool. */
async function opens7z(server: Server): Promise<void> {
  assert.equal(told(await server.respond('clean.7z', CLEAN_7Z)), 'clean', server.log())
  assert.match(told(await server.respond('eicar.7z', EICAR_7Z)), /^blocked: /)
  const { detections } = await detailOf(server, 'eicar.7z')
  assert.ok(
    detections.some(({ member }) => member === 'a.bin'),
    'it was found in the member, not by its bytes in the archive',
  )
  assert.equal((await engineOf(server, 'unpack')).detail, '')
}

describe('a server that root started', { ...root, ...confines }, () => {
  it('opens 7z as somebody else, also on threads that were started after root’s rights were gone', async () => {
    const server = await startServer({ workers: 1, saved })
    try {
      const [worker] = (await server.status()).processes.filter(({ role }) => role === 'worker')
      assert.notEqual(worker?.uid, 0)
      await opens7z(server)
      await server.set({ 'unpack.maxDepth': 12 })
      await opens7z(server)
      assert.deepEqual(await server.pids('worker'), [worker?.pid])
    } finally {
      await server.kill()
      removeFolder(server.data)
    }
  })
})

describe('a server of an ordinary user', { ...root, ...confines }, () => {
  it('opens 7z', async () => {
    const server = await startServer({ workers: 1, saved, uid: NOBODY })
    try {
      await opens7z(server)
    } finally {
      await server.kill()
      removeFolder(server.data)
    }
  })
})

describe('a checkout that only root can enter', { ...canMount(), ...confines }, () => {
  let checkout: ClosedCheckout
  before(() => {
    checkout = closedCheckout()
  })
  after(() => checkout?.close())

  it('has its tool all the same, and after a change too', async () => {
    const server = await startServer({ workers: 1, saved, checkout: checkout.path })
    try {
      await opens7z(server)
      await server.set({ 'unpack.maxDepth': 12 })
      await opens7z(server)
    } finally {
      await server.kill()
      removeFolder(server.data)
    }
  })
})

describe('a host that confines nothing', canForbid, () => {
  let server: Server
  before(async () => {
    server = await startServer({ workers: 1, saved, under: WITHOUT_NAMESPACES })
  })
  after(async () => {
    await server?.kill()
    if (server !== undefined) removeFolder(server.data)
  })

  it('opens what needs no tool', async () => {
    assert.equal(told(await server.respond('clean.zip', makeZip([{ name: 'a', data: PLAIN }]))), 'clean')
    assert.match(told(await server.respond('eicar.zip', makeZip([{ name: 'a', data: EICAR }]))), /^blocked: /)
  })

  it('calls what needs one unscanned, never clean', async () => {
    assert.equal(told(await server.respond('clean.7z', CLEAN_7Z)), '500: Not scanned (engine-down)')
    const { reasons, details } = await detailOf(server, 'clean.7z')
    assert.deepEqual(reasons, ['engine-down'])
    assert.match(details.join(), /7-?zip|tool|confine/i)
  })

  it('the status says so', async () => {
    assert.match((await engineOf(server, 'unpack')).detail, /no confinement for native tools: .*bwrap/)
  })
})

/** Mounting needs more than uid 0: containers often lack it. */
function canMount(): Needs {
  if (root.skip !== undefined) return root
  const folder = newFolder()
  const mounted = spawnSync('mount', ['--bind', folder, folder]).status === 0
  if (mounted) spawnSync('umount', [folder])
  removeFolder(folder)
  if (mounted) return {}
  console.error('SKIPPED: needs the right to mount')
  return { skip: 'needs the right to mount' }
}
