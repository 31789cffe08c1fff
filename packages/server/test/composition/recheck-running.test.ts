import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { waitFor } from '../e2e/programs.ts'
import { plainText, sha256 } from '../e2e/samples.ts'
import { cli, told, zipped } from './inside-rig.ts'
import { removeFolder, type Server, startServer } from './server-rig.ts'

const MEMBER = plainText('recall', 700)
const OTHER = plainText('other', 700)

let server: Server
before(async () => {
  server = await startServer({ workers: 1, saved: { 'scan.threads': 1 } })
  for (const [name, body] of [
    ['first-copy.zip', zipped(2, 'inner.txt', MEMBER)],
    ['harmless.zip', zipped(2, 'inner.txt', OTHER)],
  ] as const)
    assert.equal(told(await server.respond(name, body)), 'clean')
})
after(async () => {
  await server.kill()
  removeFolder(server.data)
})

describe('what was let through before a list knew it', () => {
  it('is nothing as long as no list changes', async () => {
    const { code, stderr } = await cli(server, ['transactions', 'recheck'])
    assert.equal(code, 0, stderr.toString())
    assert.match(stderr.toString(), /2 records looked at, 0 would be blocked/)
  })

  it('stands on the recall list after the member’s hash is listed, and nothing else does', async () => {
    const entry = { list: 'user-defined', type: 'sha256', value: sha256(MEMBER), risk: 'high', note: 'a test' }
    assert.equal((await server.api('POST', '/lists/entries', entry)).status, 200)
    const { json } = await waitFor('the recall list', async () => {
      const page = await server.api('GET', '/recall')
      return page.json.findings.length > 0 ? page : undefined
    })
    assert.equal(json.findings.length, 1)
    const [finding] = json.findings
    assert.match(finding.url, /first-copy\.zip/)
    assert.deepEqual([finding.action, finding.causes[0].member], ['allow-clean', 'level1.zip!/inner.txt'])
    await waitFor('the word of it', () => /let through before, would be blocked today/.test(server.log()))
  })

  it('is what the command finds too, and prints', async () => {
    const rechecked = await cli(server, ['transactions', 'recheck', '--since', '1h', '--json'])
    assert.equal(rechecked.code, 1)
    const listed = await cli(server, ['recall', '--json'])
    assert.equal(listed.code, 0)
    const [mine, theirs] = [rechecked, listed].map(({ stdout }) => JSON.parse(stdout.toString()))
    assert.deepEqual({ ...mine, foundMs: 0 }, { ...theirs, foundMs: 0 })
  })
})
