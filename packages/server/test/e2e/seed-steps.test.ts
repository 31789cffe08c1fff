import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { type Assay, newDataFolder, removeFolder, startMovableAssay } from './assay.ts'
import { type Certificates, icapsSettings, makeCertificates } from './certificates.ts'
import { needs } from './needs.ts'
import { type Origin, startOrigin } from './origin.ts'
import { freePorts, isListening, waitFor } from './programs.ts'
import { connectIcap, exchange, OPTIONS, type RawAnswer, respmod } from './raw-icap.ts'
import { EICAR, plainText, sha256 } from './samples.ts'
import { curl, type Squid, startSquid } from './squid.ts'
import { type Errand, startTraffic, underTraffic, type Visit } from './traffic.ts'

/** The first bytes of a picture, whole enough to be one: 1 x 1, transparent. */
const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

/** A ZIP archive whose one member is stored and says that it is encrypted. */
const LOCKED_ZIP = lockedZip()

let files: string
let assay: Assay
let certificates: Certificates
let origin: Origin
let squid: Squid
let count = 0
let baseRevision: number

before(async () => {
  files = newDataFolder()
  certificates = await makeCertificates(files, 'seed')
  assay = await startMovableAssay()
  origin = await startOrigin()
  squid = await startSquid({ icapPort: assay.ports.icap })
  baseRevision = (await assay.status()).settingsRevision
})
// So that a step that fails half way does not fail those after it.
afterEach(() => assay.cli(['settings', 'rollback', String(baseRevision)]))
after(async () => {
  await squid?.stop()
  await origin?.stop()
  await assay?.stop()
  removeFolder(assay.data)
  removeFolder(files)
})

const CLEAN_ERRANDS: readonly Errand[] = ['get', 'post', 'chunked']

/** Users fetch through Squid all the while, and each gets what it should. */
function whileUsersFetch(body: () => Promise<void>, errands?: readonly Errand[]): Promise<readonly Visit[]> {
  const only = errands === undefined ? {} : { errands }
  return underTraffic({ squid, origin, tag: `seed-${++count}`, ...only }, body)
}

const send = (options: Parameters<typeof respmod>[0], port = assay.ports.icap): Promise<RawAnswer> =>
  exchange(port, respmod(options))
const download = (body: Buffer, more: object = {}): Promise<RawAnswer> =>
  send({ url: `http://www.example.com/file-${++count}`, body, ...more })
const isBlocked = ({ status, httpHead }: RawAnswer): boolean => status === 200 && /^HTTP\/1\.1 403 /.test(httpHead)
const get = async (path: string): Promise<number> => (await curl(squid.proxy, origin.url(path))).status

/** A value that is refused: exit code not 0, the fault names the key, and nothing changed. */
async function refuses(pairs: Readonly<Record<string, string>>, fault: RegExp): Promise<void> {
  const before = (await assay.status()).settingsRevision
  const { code, stderr, stdout } = await assay.tryCli(['settings', 'set', ...Object.entries(pairs).flat()])
  assert.notEqual(code, 0, `took ${JSON.stringify(pairs)}`)
  assert.match(`${stderr}${stdout.toString()}`, fault)
  assert.equal((await assay.status()).settingsRevision, before)
}

describe("the seed's eleven steps by `assay settings`, under Squid traffic", needs('squid', 'curl', 'openssl'), () => {
  it('1. the page: every setting with its value and where it comes from', async () => {
    await whileUsersFetch(async () => {
      const page = await assay.cli(['settings', 'get', '--json'])
      for (const key of ['icap.enabled', 'icaps.certificate', 'headers.send.virusId', 'scan.yara', 'pages.urlAccess'])
        assert.ok(page.includes(key), `${key} is on the page`)
    })
  })

  it('2. Enable ICAP: off closes the ports and lets what is under way end; on opens them again', async () => {
    const traffic = startTraffic({ squid, origin, tag: `seed-${++count}` })
    const body = plainText('under way', 5000)
    const whole = respmod({ url: 'http://www.example.com/under-way', body })
    const underWay = await connectIcap(assay.ports.icap)
    underWay.send(whole.subarray(0, whole.length - 1000))
    await waitFor('traffic', () => traffic.visits.length > 4)
    const switchedOff = assay.set({ 'icap.enabled': 'false' })
    await waitFor('the port to close', async () => !(await isListening(assay.ports.icap)))
    underWay.send(whole.subarray(whole.length - 1000))
    assert.equal((await underWay.answer()).status, 204)
    await switchedOff
    await assay.set({ 'icap.enabled': 'true' })
    assert.equal((await exchange(assay.ports.icap, OPTIONS('response'))).status, 200)
    await waitFor('Squid to be back', async () => (await get('/clean?n=back')) === 200)
    const visits = await traffic.stop()
    const passed = visits.filter(({ errand, outcome }) => errand === 'eicar' && outcome === 'same')
    assert.deepEqual(passed, [], 'nobody got EICAR while it was off')
    await whileUsersFetch(async () => void (await get('/clean?n=on')))
  })

  it('3. ICAP port: a new one opens, the old one closes', async () => {
    // The users come over the other port, which stays.
    const [port = 0] = await freePorts(1)
    await assay.set(icapsSettings(certificates))
    const overTls = await startSquid({ icapPort: assay.ports.icaps, caFile: certificates.caFile })
    try {
      await underTraffic({ squid: overTls, origin, tag: `seed-${++count}` }, async () => {
        const before = assay.ports.icap
        await assay.set({ 'icap.port': String(port) })
        assert.equal((await exchange(port, OPTIONS('response'))).status, 200)
        assert.equal(await isListening(before), false)
        await assay.set({ 'icap.port': String(before) })
        assert.equal((await exchange(before, OPTIONS('response'))).status, 200)
      })
    } finally {
      await overTls.stop()
    }
  })

  it('4. ICAP over SSL: port, certificate, encrypted key, passphrase twice', async () => {
    await whileUsersFetch(async () => {
      const wanted = icapsSettings(certificates)
      await assay.set({ 'icaps.enabled': 'false' })
      await refuses({ ...wanted, 'icaps.privateKey': `@${certificates.plainKeyFile}` }, /icaps\.privateKey.*encrypted/s)
      await refuses({ ...wanted, 'icaps.passphraseConfirmation': `@${certificates.caFile}` }, /icaps\.passphrase/)
      const other = await makeCertificates(files, 'other')
      await refuses({ ...wanted, 'icaps.certificate': `@${other.certificateFile}` }, /icaps\./)
      const [port = 0] = await freePorts(1)
      await assay.set({ ...wanted, 'icaps.port': String(port) })
      const answer = await exchange(port, OPTIONS('response'), { tls: true })
      assert.equal(answer.status, 200)
      await assay.set({ 'icaps.port': String(assay.ports.icaps) })
      assert.equal(await servedName(assay.ports.icaps), 'seed')
    })
  })

  it('5. headers to send', async () => {
    const names = { virusId: 'x-virus-id', infectionFound: 'x-infection-found', responseDesc: 'x-response-desc' }
    await whileUsersFetch(async () => {
      for (const [setting, header] of Object.entries(names)) {
        await assay.set({ [`headers.send.${setting}`]: 'false' })
        assert.equal((await download(EICAR)).headers.has(header), false, `${header} is off`)
        await assay.set({ [`headers.send.${setting}`]: 'true' })
        assert.equal((await download(EICAR)).headers.has(header), true, `${header} is on`)
      }
    })
  })

  it('5. headers to save', async () => {
    const user = Buffer.from('WinNT://MYDOMAIN/user1').toString('base64')
    const icap = `Allow: 204\r\nX-Client-IP: 192.0.2.7\r\nX-Server-IP: 192.0.2.8\r\nX-Authenticated-User: ${user}\r\nX-Authenticated-Groups: WinNT://MYDOMAIN/staff\r\n`
    const saved = async (name: string) => {
      await send({ url: `http://www.example.com/${name}`, body: plainText(name, 99), icap })
      const [record] = await waitFor('the record', async () => (await assay.transactions(`/${name}`)).slice(0, 1))
      return record?.saved
    }
    await whileUsersFetch(async () => {
      const all = await saved('saved')
      assert.equal(all?.clientIp, '192.0.2.7')
      assert.equal(all?.serverIp, '192.0.2.8')
      assert.match(all?.authenticatedUser ?? '', /MYDOMAIN.user1/)
      assert.match(all?.authenticatedGroups ?? '', /MYDOMAIN.staff/)
      const keys = ['clientIp', 'serverIp', 'authenticatedUser', 'authenticatedGroups', 'clientUsername']
      await assay.set(Object.fromEntries(keys.map((key) => [`headers.save.${key}`, 'false'])))
      assert.deepEqual(await saved('not-saved'), {})
      await assay.set(Object.fromEntries(keys.map((key) => [`headers.save.${key}`, 'true'])))
    })
  })

  it('6. bypass URL scanning in RESPMOD', async () => {
    const url = 'http://listed.example.com/page'
    await whileUsersFetch(async () => {
      await assay.cli(['lists', 'add', 'user-defined', 'url', url])
      assert.ok(isBlocked(await send({ url, body: plainText('page', 99) })))
      await assay.set({ 'scan.bypassUrlInRespmod': 'true' })
      assert.equal((await send({ url, body: plainText('page', 99) })).status, 204)
      await assay.set({ 'scan.bypassUrlInRespmod': 'false' })
      await assay.cli(['lists', 'remove', 'user-defined', 'url', url])
    })
  })

  it('6. scan samples using YARA rules', async () => {
    const rules = join(files, 'seed_marker.yar')
    writeFileSync(rules, 'rule SeedMarker { strings: $a = "assay-seed-marker" condition: $a }\n')
    const body = plainText('with assay-seed-marker in it', 500)
    await whileUsersFetch(async () => {
      await assay.cli(['rules', 'add', rules])
      const hit = await download(body)
      assert.ok(isBlocked(hit))
      assert.match(hit.headers.get('x-virus-id') ?? '', /SeedMarker/)
      // Without any content engine a body is not scanned; "allow" makes that visible without stopping the users.
      await assay.set({ 'scan.yara': 'false', 'policy.unscanned.engine-down': 'allow' })
      const off = await download(body)
      assert.equal(isBlocked(off), false)
      assert.equal(off.status, 200, 'what no engine looked at is not called clean')
      assert.match(off.headers.get('x-response-desc') ?? '', /Not scanned \(engine-down\)/)
      await assay.set({ 'scan.yara': 'true', 'policy.unscanned.engine-down': 'error' })
      assert.ok(isBlocked(await download(body)))
      await assay.cli(['rules', 'remove', 'seed_marker.yar'])
      assert.equal((await download(body)).status, 204)
    }, CLEAN_ERRANDS)
  })

  it('6. scan samples using the suspicious objects lists', async () => {
    const lists = [
      { list: 'generated', key: 'scan.suspiciousObjects.enabled' },
      { list: 'user-defined', key: 'scan.userDefinedObjects' },
    ]
    await whileUsersFetch(async () => {
      for (const { list, key } of lists) {
        const path = `/clean?n=listed-in-${list}`
        const hash = sha256(origin.bodyOf(path))
        await assay.cli(['lists', 'add', list, 'sha256', hash, ...(list === 'generated' ? ['--risk', 'high'] : [])])
        assert.equal(await get(path), 403, `${list} is on`)
        await assay.set({ [key]: 'false' })
        assert.equal(await get(path), 200, `${list} is off`)
        await assay.set({ [key]: 'true' })
        assert.equal(await get(path), 403, `${list} is on again`)
        await assay.cli(['lists', 'remove', list, 'sha256', hash])
        assert.equal(await get(path), 200, `it is no longer in ${list}`)
      }
      await refuses({ 'scan.suspiciousObjects.list': 'synchronized' }, /scan\.suspiciousObjects\.list.*source/s)
    })
  })

  it('6. predictive learning: refused without a model', async () => {
    await whileUsersFetch(() => refuses({ 'scan.predictive': 'true' }, /scan\.predictive.*model/s))
  })

  it('6. classify password-protected samples', async () => {
    const archive = (name: string): Promise<RawAnswer> =>
      send({ url: `http://www.example.com/${name}.zip`, body: LOCKED_ZIP, contentType: 'application/zip' })
    await whileUsersFetch(async () => {
      const off = await archive('off')
      assert.equal(off.status, 200)
      assert.deepEqual(off.body, LOCKED_ZIP)
      assert.match(off.headers.get('x-response-desc') ?? '', /Not scanned \((encrypted|not-unpacked)\)/)
      await assay.set({ 'scan.classifyPasswordProtected': 'label' })
      const label = await archive('label')
      assert.deepEqual(label.body, LOCKED_ZIP)
      assert.match(label.headers.get('x-response-desc') ?? '', /Password-protected file/)
      await assay.set({ 'scan.classifyPasswordProtected': 'block' })
      const block = await archive('block')
      assert.ok(isBlocked(block))
      assert.match(block.headers.get('x-virus-id') ?? '', /Password-protected/)
      await assay.set({ 'scan.classifyPasswordProtected': 'off' })
    })
  })

  it('7. MIME content-type exclusion and validation', async () => {
    const excluded = /Not scanned \(excluded\)/
    const desc = async (body: Buffer, contentType: string, http = ''): Promise<string> =>
      (await download(body, { contentType, http })).headers.get('x-response-desc') ?? ''
    await whileUsersFetch(async () => {
      assert.doesNotMatch(await desc(GIF, 'image/gif'), excluded)
      await assay.set({
        'content.mimeExclusion.enabled': 'true',
        'content.mimeExclusion.types': '["image/*","application/x-assay"]',
      })
      assert.match(await desc(GIF, 'image/gif'), excluded, 'a picture that is one')
      assert.ok(isBlocked(await download(EICAR, { contentType: 'image/gif' })), 'what only says that it is a picture')
      assert.doesNotMatch(await desc(GIF, 'application/x-assay'), excluded, 'a custom type cannot be validated')
      assert.doesNotMatch(await desc(GIF, 'image/gif', 'Content-Encoding: gzip\r\n'), excluded, 'a compressed one')
      await assay.set({ 'content.mimeValidation': 'false' })
      assert.match(await desc(EICAR, 'image/gif'), excluded, 'without validation the declared type is believed')
      await assay.set({ 'content.mimeValidation': 'true', 'content.mimeExclusion.enabled': 'false' })
      assert.ok(isBlocked(await download(EICAR, { contentType: 'image/gif' })))
    })
  })

  it('8. user notification pages for URL access, upload and download', async () => {
    const page = join(files, 'page.html')
    const pages = [
      { key: 'pages.urlAccess', see: async () => (await curl(squid.proxy, 'http://blocked.example.com/x?<i>')).body },
      {
        key: 'pages.fileUpload',
        see: async () => (await curl(squid.proxy, origin.url('/sink?n=8'), ['--data-binary', '@-'], EICAR)).body,
      },
      { key: 'pages.fileDownload', see: async () => (await curl(squid.proxy, origin.url('/eicar?n=8'))).body },
    ]
    await whileUsersFetch(async () => {
      await assay.cli(['lists', 'add', 'user-defined', 'domain', 'blocked.example.com'])
      for (const { key, see } of pages) {
        writeFileSync(page, `<p>our page for ${key}: %URL% has %THREAT%</p>`)
        await assay.set({ [key]: `@${page}` })
        const text = (await see()).toString()
        assert.ok(text.includes(`our page for ${key}: http://`), text)
        assert.doesNotMatch(text, /%URL%|%THREAT%|<i>/, 'tokens are replaced and escaped')
        await assay.set({ [key]: 'false' })
        assert.equal((await see()).length, 0, 'switched off: a bare 403')
        await assay.set({ [key]: 'true' })
        assert.ok((await see()).includes(`our page for ${key}`), 'switched on again: the same page')
        await assay.set({ [key]: 'null' })
        assert.match((await see()).toString(), /<html/i, 'the built-in page')
      }
      writeFileSync(page, plainText('too large', 5 * 1024 * 1024))
      await refuses({ 'pages.fileUpload': `@${page}` }, /pages\.fileUpload.*5 MB/s)
      await assay.cli(['lists', 'remove', 'user-defined', 'domain', 'blocked.example.com'])
    })
  })

  it('9. client list: add and delete', async () => {
    const statusFrom = async (from: string): Promise<number> =>
      (await exchange(assay.ports.icap, OPTIONS('response'), { from })).status
    await whileUsersFetch(async () => {
      await refuses({ 'clients.onlyListed': 'true' }, /clients\./)
      await assay.set({ 'clients.list': '["127.0.0.1"]', 'clients.onlyListed': 'true' })
      assert.equal(await statusFrom('127.0.0.2'), 403)
      assert.equal(await statusFrom('127.0.0.1'), 200)
      await assay.set({ 'clients.list': '["127.0.0.1","127.0.0.2-127.0.0.9","127.1.0.0/16","::1"]' })
      assert.equal(await statusFrom('127.0.0.2'), 200)
      assert.equal(await statusFrom('127.1.2.3'), 200)
      assert.equal(await statusFrom('127.2.2.3'), 403)
      await assay.set({ 'clients.list': '["127.0.0.1"]' })
      assert.equal(await statusFrom('127.0.0.2'), 403)
      await assay.set({ 'clients.onlyListed': 'false', 'clients.list': '[]' })
      assert.equal(await statusFrom('127.0.0.2'), 200)
    })
  })

  it('9. max connections', async () => {
    await whileUsersFetch(async () => {
      await assay.set({ 'clients.maxConnections': '200' })
      const { headers } = await exchange(assay.ports.icap, OPTIONS('response'))
      const open = Number(headers.get('max-connections'))
      assert.ok(open > 0 && open <= 200, `OPTIONS offers ${headers.get('max-connections')}`)
    })
    await assay.set({ 'clients.maxConnections': '30' })
    const held = await Promise.all(
      Array.from({ length: 30 }, () => connectIcap(assay.ports.icap, { from: '127.0.0.3' })),
    )
    try {
      const answer = await exchange(assay.ports.icap, OPTIONS('response'), { from: '127.0.0.3' })
      assert.equal(answer.status, 503)
      assert.match(answer.headers.get('connection') ?? '', /close/i)
    } finally {
      for (const connection of held) connection.close()
      await assay.set({ 'clients.maxConnections': '1000' })
    }
    await waitFor('Squid to be served', async () => (await get('/clean?n=after-limit')) === 200)
  })

  it('10. Save: all or nothing, every fault named', async () => {
    await whileUsersFetch(async () => {
      const bad = {
        'icap.port': '99999',
        'scan.yara': '"perhaps"',
        'headers.send.virusId': 'false',
        'no.such.key': '1',
      }
      await refuses(
        bad,
        /icap\.port[\s\S]*scan\.yara[\s\S]*no\.such\.key|no\.such\.key[\s\S]*icap\.port[\s\S]*scan\.yara/,
      )
      assert.ok((await download(EICAR)).headers.has('x-virus-id'), 'the good part of a bad save is not used')
      const revision = (await assay.status()).settingsRevision
      await assay.set({ 'headers.send.virusId': 'false', 'headers.send.infectionFound': 'false' })
      const { headers } = await download(EICAR)
      assert.deepEqual([headers.has('x-virus-id'), headers.has('x-infection-found')], [false, false])
      await assay.cli(['settings', 'rollback', String(revision)])
      assert.ok((await download(EICAR)).headers.has('x-virus-id'), 'rolled back')
    })
  })

  it('11. verify: 403 with page and headers for high risk, the original or 204 for none', async () => {
    await whileUsersFetch(async () => {
      const bad = await download(EICAR)
      assert.ok(isBlocked(bad))
      assert.ok(bad.body.length > 0)
      assert.ok(bad.headers.has('x-virus-id') && bad.headers.has('x-infection-found'))
      const clean = plainText('clean', 900)
      assert.equal((await download(clean)).status, 204)
      const original = await download(clean, { icap: '' })
      assert.equal(original.status, 200)
      assert.match(original.httpHead, /^HTTP\/1\.1 200 OK\r\n/)
      assert.deepEqual(original.body, clean)
    })
  })
})

/** The common name of the certificate that a new connection gets. */
async function servedName(port: number): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  const name = String(socket.getPeerCertificate().subject.CN)
  socket.destroy()
  return name
}

function lockedZip(): Buffer {
  const name = Buffer.from('secret.exe')
  const data = Buffer.alloc(64, 0xa5)
  const fields = Buffer.alloc(26)
  fields.writeUInt16LE(20, 0) // version needed
  fields.writeUInt16LE(1, 2) // flags: encrypted
  fields.writeUInt32LE(0x1234_5678, 10) // CRC
  fields.writeUInt32LE(data.length, 14)
  fields.writeUInt32LE(data.length - 12, 18)
  fields.writeUInt16LE(name.length, 22)
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, name, data])
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), fields, Buffer.alloc(14), name])
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(local.length, 16)
  return Buffer.concat([local, central, end])
}
