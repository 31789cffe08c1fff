import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import type { FeedView } from '../../src/api/contract.ts'
import { waitFor } from '../e2e/programs.ts'
import { exchange, respmod } from '../e2e/raw-icap.ts'
import { plainText } from '../e2e/samples.ts'
import { type FeedServer, feedServer } from '../feeds/feed-server.ts'
import { removeFolder, type Server, startServer } from './server-rig.ts'

const BODY = plainText('listed by a feed', 3000)
const OTHER = plainText('listed by nobody', 3000)
const SHA256 = createHash('sha256').update(BODY).digest('hex')

let source: FeedServer
let server: Server
before(async () => {
  source = await feedServer(() => ({ body: `${SHA256}\nhttp://feed-listed.example/bad\n` }))
  server = await startServer({ workers: 2 })
})
after(async () => {
  await server.kill()
  removeFolder(server.data)
})

const feed = { name: 'local', kind: 'text', url: '', scheduleMinutes: 60 }

async function view(): Promise<FeedView> {
  return (await server.api('GET', '/feeds/local')).json.feed
}

async function sync(query: object = {}): Promise<FeedView> {
  await server.api('POST', '/feeds/local/sync', query)
  await waitFor('the reading to end', async () => !(await view()).running, 20_000)
  return view()
}

/** The HTTP status that the client's user sees: 403 is the block page. */
async function seen(url: string, body: Buffer): Promise<string> {
  const { status, httpHead } = await exchange(server.ports.icap, respmod({ url, body }))
  return status === 204 ? 'passed' : (httpHead.split(' ')[1] ?? '')
}

describe('a server with a source of the synchronized list', () => {
  it('does not use that list before there is one', async () => {
    await assert.rejects(server.set({ 'scan.suspiciousObjects.list': 'both' }), /no source for the synchronized list/)
    const added = await server.api('POST', '/feeds', { feed: { ...feed, url: source.url } })
    assert.equal(added.status, 200, added.text)
    const isRead = ({ running, successMs }: FeedView) => !running && successMs > 0
    await waitFor('the first reading', async () => isRead(await view()), 20_000)
    await server.set({ 'scan.suspiciousObjects.list': 'both' })
    assert.deepEqual((await view()).counts, { sha256: 1, url: 1 })
  })

  it('blocks the listed file and the listed URL, and nothing else', async () => {
    assert.equal(await seen('http://any.example/a.bin', BODY), '403')
    assert.equal(await seen('http://feed-listed.example/bad', OTHER), '403')
    assert.equal(await seen('http://any.example/a.bin', OTHER), 'passed')
  })

  it('asks the new list as soon as a reading is told of as done', async () => {
    source.answer = () => ({ body: `${SHA256}\nhttp://feed-listed.example/new\n` })
    assert.equal(await seen('http://feed-listed.example/new', OTHER), 'passed')
    assert.equal((await sync()).state, 'ok')
    assert.equal(await seen('http://feed-listed.example/new', OTHER), '403')
    assert.equal(await seen('http://feed-listed.example/bad', OTHER), 'passed')
  })

  it('keeps the list when the source fails', async () => {
    source.answer = () => ({ status: 500 })
    assert.equal((await sync()).state, 'failing')
    assert.equal(await seen('http://any.example/a.bin', BODY), '403')
    assert.match((await server.api('GET', '/feeds')).text, /the source answers 500/)
  })

  it('lets exceptions override it', async () => {
    const entry = { list: 'exceptions', type: 'sha256', value: SHA256, note: 'ours' }
    assert.equal((await server.api('POST', '/lists/entries', entry)).status, 200)
    assert.equal(await seen('http://any.example/a.bin', BODY), 'passed')
    await server.api('DELETE', `/lists/entries?list=exceptions&type=sha256&value=${SHA256}`)
  })

  it('does not lose its last source while a setting needs it, and loses the entries with it', async () => {
    const refused = await server.api('DELETE', '/feeds/local')
    assert.match(refused.text, /last source cannot be removed/)
    await server.set({ 'scan.suspiciousObjects.list': 'generated' })
    assert.deepEqual((await server.api('DELETE', '/feeds/local')).json, { removed: true })
    assert.deepEqual((await server.api('GET', '/lists/counts')).json.counts, [])
    assert.equal(await seen('http://any.example/a.bin', BODY), 'passed')
  })
})
