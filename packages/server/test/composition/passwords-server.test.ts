import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { EICAR, plainText } from '../e2e/samples.ts'
import { makeArchive } from '../unpack/archives/make-archive.ts'
import { makeZip } from '../unpack/archives/make-zip.ts'
import { confines } from './inside-confinement.ts'
import { assay, detailOf, told } from './inside-rig.ts'
import { removeFolder, type Server, startServer } from './server-rig.ts'

const PLAIN = plainText('passwords', 700)
const locked = (password: string, data = PLAIN) =>
  makeZip([{ name: 'a.txt', data, how: 'deflate', password: { text: password, how: 'ae2' } }])
const ENCRYPTED = 'passed: Not scanned (encrypted)'

function mailWith(text: string, file: Buffer): Buffer {
  const base64 = (file.toString('base64').match(/.{1,76}/g) ?? []).join('\r\n')
  const head = 'From: a@example.test\r\nSubject: the papers\r\nMIME-Version: 1.0\r\n'
  const kind = 'Content-Type: application/zip; name="papers.zip"\r\nContent-Transfer-Encoding: base64'
  return Buffer.from(
    `${head}Content-Type: multipart/mixed; boundary="zz"\r\n\r\n--zz\r\nContent-Type: text/plain\r\n\r\n${text}\r\n--zz\r\n${kind}\r\n\r\n${base64}\r\n--zz--\r\n`,
  )
}

let server: Server
let made = 0
const ask = async (body: Buffer) => told(await server.respond(`locked-${++made}`, body))
const openedBy = async () =>
  (await detailOf(server, `locked-${made}`)).evidence.nodes.flatMap(({ openedBy: how }) => how ?? [])

before(async () => {
  // One thread, which counts what opened something.
  server = await startServer({ workers: 1, saved: { 'scan.threads': 1 } })
})
after(async () => {
  await server.kill()
  removeFolder(server.data)
})

describe('the list of passwords of a running server', () => {
  const word = 'opensesame-9'

  it('one that is added opens what was encrypted before; one that is removed does not any more', async () => {
    assert.equal(await ask(locked(word)), ENCRYPTED)
    assert.equal(await ask(locked(word, EICAR)), ENCRYPTED)
    const same = locked(word)
    assert.equal(await ask(same), ENCRYPTED)
    await assay(server, ['passwords', 'add', word])
    assert.equal(await ask(same), 'clean')
    const place = (await assay(server, ['passwords', 'list'])).trim().split('\n').indexOf(word) + 1
    assert.deepEqual(await openedBy(), [`listed #${place}`])
    assert.match(await ask(locked(word, EICAR)), /^blocked: .*eicar/i)
    assert.equal((await detailOf(server, `locked-${made}`)).detections[0]?.member, 'a.txt')
    await assay(server, ['passwords', 'remove', word])
    assert.equal(await ask(same), ENCRYPTED)
  })

  it('opens a 7z as well', confines, async () => {
    const body = makeArchive('7z-hidden-names', [{ name: 'a.txt', bytes: EICAR }], { password: word })
    await server.set({ 'unpack.passwords': ['infected'] })
    assert.equal(await ask(body), ENCRYPTED)
    await server.set({ 'unpack.passwords': ['infected', word] })
    assert.match(await ask(body), /^blocked: /)
    await server.set({ 'unpack.passwords': null })
  })

  it('one that stands only in the mail opens its attachment, and no other', async () => {
    const secret = 'Zk-4471-only-here'
    assert.match(await ask(mailWith(`The password is: ${secret}`, locked(secret, EICAR))), /^blocked: /)
    assert.deepEqual(await openedBy(), ["from the mail's text"])
    assert.equal(await ask(mailWith('See what is attached.', locked(secret, EICAR))), ENCRYPTED)
  })

  it('what has opened something comes first', async () => {
    // Two tries: one word of the name, one of the list.
    await server.set({ 'unpack.passwords': ['first-word', 'second-word'], 'unpack.maxPasswordTries': 2 })
    assert.equal(await ask(locked('second-word')), ENCRYPTED)
    assert.equal(await ask(locked('first-word')), 'clean')
    assert.equal(await ask(mailWith('The password is: second-word', locked('second-word'))), 'clean')
    assert.match(await ask(mailWith('Password: second-word', locked('second-word', EICAR))), /^blocked: /)
    assert.equal(await ask(locked('second-word', plainText('another', 600))), 'clean')
  })

  it('is not in what the server tells of a message', async () => {
    const text = JSON.stringify((await server.api('GET', '/transactions?limit=100')).json)
    for (const secret of ['opensesame-9', 'Zk-4471-only-here']) assert.ok(!text.includes(secret))
    assert.ok(!server.log().includes('opensesame-9'))
  })
})
