import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { needs } from '../e2e/needs.ts'
import { EICAR, noise, plainText, sha256 } from '../e2e/samples.ts'
import { makeArchive } from '../unpack/archives/make-archive.ts'
import { makeZip, type ZipSpec } from '../unpack/archives/make-zip.ts'
import { makeAgile } from '../unpack/documents/make-office-crypto.ts'
import { PLAIN_PARTS, pdfOf } from '../unpack/documents/pdf-samples.ts'
import { detailOf, told, zipped } from './inside-rig.ts'
import { removeFolder, type Server, startServer } from './server-rig.ts'

const PLAIN = plainText('inside', 600)
const many = (count: number): Buffer =>
  makeZip(Array.from({ length: count }, (_, n): ZipSpec => ({ name: `${n}.txt`, data: `member ${n}` })))
const ZEROS = makeZip([{ name: 'zeros.bin', data: Buffer.alloc(3_000_000), how: 'deflate' }])

let server: Server
let made = 0
/** Each message has a URL of its own, so that its record is found. */
const send = (body: Buffer) => server.respond(`inside-${++made}.bin`, body)
const ask = async (body: Buffer) => told(await send(body))

before(async () => {
  // One thread each: a change of limits takes new ones.
  server = await startServer({ workers: 1, saved: { 'scan.threads': 1 } })
})
after(async () => {
  await server.kill()
  removeFolder(server.data)
})

interface Limit {
  readonly because: string
  readonly body: Buffer
  readonly settings: Readonly<Record<string, number>>
  readonly reason: string
}

const LIMITS: readonly Limit[] = [
  {
    because: 'three ZIPs deep, two allowed',
    body: zipped(3, 'a.txt', PLAIN),
    settings: { 'unpack.maxDepth': 2 },
    reason: 'too-deep',
  },
  { because: '30 members, 20 allowed', body: many(30), settings: { 'unpack.maxMembers': 20 }, reason: 'bomb' },
  { because: '3 MB, 1 MiB allowed', body: ZEROS, settings: { 'unpack.maxBytes': 1_048_576 }, reason: 'bomb' },
  {
    because: '1000 times its size, 10 allowed',
    body: ZEROS,
    settings: { 'unpack.maxRatio': 10, 'unpack.ratioFromBytes': 0 },
    reason: 'bomb',
  },
]

describe('limits of what is looked into', () => {
  for (const { because, body, settings, reason } of LIMITS)
    it(`are used from the next message on, cached answers or not: ${because}`, async () => {
      const keys = Object.keys(settings)
      assert.equal(await ask(body), 'clean')
      await server.set(settings)
      assert.equal(await ask(body), `blocked: Not scanned (${reason})`)
      await server.set({ [`policy.unscanned.${reason}`]: 'allow' })
      const passed = await send(body)
      assert.equal(told(passed), `passed: Not scanned (${reason})`)
      assert.ok(passed.body.equals(body), 'the original goes out')
      await server.set({ [`policy.unscanned.${reason}`]: 'error' })
      assert.equal(await ask(body), `500: Not scanned (${reason})`)
      await server.set(Object.fromEntries([...keys, `policy.unscanned.${reason}`].map((key) => [key, null])))
      assert.equal(await ask(body), 'clean')
    })

  it('the record says which one, and where', async () => {
    await server.set({ 'unpack.maxDepth': 2 })
    await ask(zipped(3, 'a.txt', PLAIN))
    const { reasons, evidence } = await detailOf(server, `inside-${made}.bin`)
    await server.set({ 'unpack.maxDepth': null })
    assert.deepEqual(reasons, ['too-deep'])
    const limited = evidence.nodes.filter(({ limits }) => limits.length > 0)
    assert.deepEqual(
      limited.map(({ path }) => path),
      ['level2.zip!/level1.zip'],
    )
  })
})

/** No list and no name has it. */
const PASSWORD = 'xK9-unguessed'

const word = (): Buffer =>
  makeAgile(
    makeZip([
      { name: '[Content_Types].xml', data: '<?xml version="1.0"?><Types/>', how: 'deflate' },
      { name: 'word/document.xml', data: '<?xml version="1.0"?><document/>', how: 'deflate' },
    ]),
    { password: PASSWORD },
  )
const archived = (name: '7z' | '7z-hidden-names' | 'rar4' | 'rar5' | 'rar5-hidden-names') => () =>
  makeArchive(name, [{ name: 'a.txt', bytes: PLAIN }], { password: PASSWORD })
const zip = (how: 'zipcrypto' | 'ae2') => () =>
  makeZip([{ name: 'a.txt', data: PLAIN, password: { text: PASSWORD, how } }])

const qpdf = needs('qpdf')

function lockedPdf(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'assay-inside-'))
  try {
    writeFileSync(join(folder, 'plain.pdf'), pdfOf(PLAIN_PARTS))
    const args = ['--encrypt', PASSWORD, PASSWORD, '256', '--', '--warning-exit-0', 'plain.pdf', 'out.pdf']
    execFileSync('qpdf', args, { cwd: folder, stdio: 'pipe' })
    return readFileSync(join(folder, 'out.pdf'))
  } finally {
    removeFolder(folder)
  }
}

const LOCKED = {
  '7z': archived('7z'),
  '7z with hidden names': archived('7z-hidden-names'),
  'zip (ZipCrypto)': zip('zipcrypto'),
  'zip (AES)': zip('ae2'),
  rar4: archived('rar4'),
  rar5: archived('rar5'),
  'rar5 with hidden names': archived('rar5-hidden-names'),
  docx: word,
  pdf: lockedPdf,
} as const satisfies Record<string, () => Buffer>

/** As headers have it: there the comma stands between names. */
const UNEXTRACTED = 'ICAP: Password-protected file (non-malicious unextracted)'
const BYPASSED = 'ICAP: Password-protected file (bypass scanning)'

describe('scan.classifyPasswordProtected', () => {
  const samples = new Map<string, Buffer>()
  before(async () => {
    await server.set({ 'unpack.passwords': ['infected', 'virus'] })
    for (const [name, make] of Object.entries(LOCKED))
      if (name !== 'pdf' || qpdf.skip === undefined) samples.set(name, make())
  })
  after(() => server.set({ 'unpack.passwords': null, 'scan.classifyPasswordProtected': null }))

  const all = async () => {
    const answers: Record<string, string> = {}
    for (const [name, body] of samples) answers[name] = await ask(body)
    return answers
  }
  const each = (text: string) => Object.fromEntries([...samples.keys()].map((name) => [name, text]))

  it('off: the policy decides and no class is named', async () => {
    assert.deepEqual(await all(), each('passed: Not scanned (encrypted)'))
  })

  it('label: passed by policy, the class beside the reason', async () => {
    await server.set({ 'scan.classifyPasswordProtected': 'label' })
    assert.deepEqual(await all(), each(`passed: Not scanned (encrypted: ${UNEXTRACTED})`))
  })

  it('block: 403 with the class as the threat, whatever the policy says', async () => {
    await server.set({ 'scan.classifyPasswordProtected': 'block' })
    assert.deepEqual(await all(), each(`blocked: ${UNEXTRACTED}`))
    assert.ok((await send(samples.get('zip (AES)') ?? Buffer.alloc(0))).body.includes(UNEXTRACTED), 'the page names it')
    const record = await detailOf(server, `inside-${made}.bin`)
    assert.deepEqual([record.action, record.outcome, record.reasons], ['block-unscanned', 'unscanned', ['encrypted']])
  })

  it('is the other class where it was not even looked at whole', async () => {
    const damaged = { name: 'b.zip', data: makeZip([{ name: 'c.txt', data: noise('c', 4000) }]).subarray(0, 2000) }
    const body = makeZip([{ name: 'a.txt', data: PLAIN, password: { text: PASSWORD, how: 'ae2' } }, damaged])
    assert.equal(await ask(body), `blocked: ${BYPASSED}`)
  })

  it('says nothing of a sample that a listed password opens, and sees what is in it', async () => {
    const open = (data: Buffer) => makeZip([{ name: 'a', data, password: { text: 'infected', how: 'ae2' } }])
    assert.equal(await ask(open(PLAIN)), 'clean')
    assert.match(await ask(open(EICAR)), /^blocked: .*eicar/i)
    const { evidence } = await detailOf(server, `inside-${made}.bin`)
    assert.equal(evidence.nodes[0]?.openedBy, 'listed #1')
  })
})

describe('lists', () => {
  const member = plainText('a member on a list', 900)
  const body = zipped(3, 'deep.bin', member)
  const mail = (url: string) => Buffer.from(`From: a@example.test\r\nSubject: hello\r\n\r\nSee ${url} please.\r\n`)
  const URL_LISTED = 'http://listed.example.net/payload'
  const withUrl = zipped(3, 'a.eml', mail(URL_LISTED))
  async function add(list: string, type: string, value: string): Promise<void> {
    const entry = { list, type, value, risk: 'high', expiresMs: 0, note: 'a test' }
    const answer = await server.api('POST', '/lists/entries', entry)
    assert.equal(answer.status, 200, answer.text)
  }
  async function remove(list: string, type: string, value: string): Promise<void> {
    const answer = await server.api('DELETE', `/lists/entries?${new URLSearchParams({ list, type, value })}`)
    assert.equal(answer.status, 200, answer.text)
  }

  it('a SHA-256 three deep on the user-defined list blocks; an exception takes it away', async () => {
    assert.equal(await ask(body), 'clean')
    await add('user-defined', 'sha256', sha256(member))
    assert.match(await ask(body), /^blocked: /)
    const { detections } = await detailOf(server, `inside-${made}.bin`)
    assert.deepEqual(
      detections.map(({ engine, member: path }) => [engine, path]),
      [['user-defined-objects', 'level2.zip!/level1.zip!/deep.bin']],
    )
    await add('exceptions', 'sha256', sha256(member))
    assert.equal(await ask(body), 'clean')
    await remove('exceptions', 'sha256', sha256(member))
    assert.match(await ask(body), /^blocked: /)
    await remove('user-defined', 'sha256', sha256(member))
    assert.equal(await ask(body), 'clean')
  })

  it('a URL in a mail three deep does too', async () => {
    assert.equal(await ask(withUrl), 'clean')
    await add('user-defined', 'url', URL_LISTED)
    assert.match(await ask(withUrl), /^blocked: /)
    await add('exceptions', 'url', URL_LISTED)
    assert.equal(await ask(withUrl), 'clean')
  })

  it('a trusted hash of the outer file makes the engines needless; that of a member does not', async () => {
    const bad = zipped(2, 'eicar.com', EICAR)
    assert.match(await ask(bad), /^blocked: /)
    await add('trusted', 'sha256', sha256(EICAR))
    assert.match(await ask(bad), /^blocked: /)
    await add('trusted', 'sha256', sha256(bad))
    assert.equal(await ask(bad), 'clean')
    await remove('trusted', 'sha256', sha256(bad))
    assert.match(await ask(bad), /^blocked: /)
  })
})
