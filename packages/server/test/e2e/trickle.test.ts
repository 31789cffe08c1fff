import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Assay, removeFolder, startAssay } from './assay.ts'
import { needs } from './needs.ts'
import { type Origin, startOrigin } from './origin.ts'
import { EICAR, sha256 } from './samples.ts'
import { curl, type Squid, startSquid } from './squid.ts'

/**
 * The Squid of Debian 12 stalls on a reply of more than 64 KB that comes in a burst while the ICAP server reads on (bug 5352).
 * Trickle mode is for it: docs/trickle.md says what that gives up.
 */
describe('Squid 5.7 and trickle mode', needs('squid-5', 'curl'), () => {
  let assay: Assay
  let origin: Origin
  let squid: Squid
  before(async () => {
    assay = await startAssay()
    origin = await startOrigin()
    squid = await startSquid({ release: 'squid-5', icapPort: assay.ports.icap, more: ['icap_io_timeout 5 seconds'] })
  })
  after(async () => {
    await squid.stop()
    await origin.stop()
    await assay.stop()
    removeFolder(assay.data)
  })

  it('stalls on a burst without it (or this test, and trickle mode, have become needless)', async () => {
    const { status } = await curl(squid.proxy, origin.url('/burst?n=stall'))
    assert.equal(status, 500, squid.log())
  })

  it('gets the burst whole with it, byte for byte', async () => {
    const groups = [{ name: 'old squid', addresses: ['127.0.0.1'], trickle: { enabled: true } }]
    await assay.set({ 'clients.groups': JSON.stringify(groups) })
    const { status, body } = await curl(squid.proxy, origin.url('/burst?n=trickled'))
    assert.equal(status, 200, squid.log())
    assert.equal(sha256(body), sha256(origin.bodyOf('/burst?n=trickled')))
  })

  it('is cut off from EICAR behind 300 KB: no whole file, and no clean record', async () => {
    const path = '/late-eicar?n=cut'
    const got = await curl(squid.proxy, origin.url(path)).catch((error: Error) => error)
    const body = got instanceof Error ? Buffer.alloc(0) : got.body
    assert.ok(!body.includes(EICAR), 'the end of the file never came')
    const [record] = await assay.transactions(path)
    assert.equal(record?.action, 'block')
  })

  it('keeps the block page of what is small', async () => {
    const { status, body } = await curl(squid.proxy, origin.url('/eicar?n=small'))
    assert.equal(status, 403, squid.log())
    assert.match(body.toString(), /eicar/i)
  })
})
