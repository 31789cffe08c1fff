import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import type { Detection } from '../../src/domain/verdict.ts'
import { CONFLICT, coveredBytes, decodeIndex, encodeRecord, PartsCheck } from '../../src/icap-service/range-index.ts'
import { readDetections, rememberedText } from '../../src/icap-service/range-memory.ts'
import { createRangeStore, MAX_PARTS, type RangeLimits, type RangeStore } from '../../src/icap-service/range-store.ts'
import { EICAR, GET, GROUP, icap, POLICY, parse, type Rig, startRig } from './service-rig.ts'

const MIB = 1_048_576
const LIMITS: RangeLimits = { enabled: true, maxBytes: 64 * MIB, maxTotalBytes: 256 * MIB, idleMs: 60_000 }
const KEY = 'a'.repeat(64)

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

function partial(body: Buffer, from: number, to: number, more = 'ETag: "one"\r\n'): Buffer {
  const piece = body.subarray(from, to)
  const response =
    `HTTP/1.1 206 Partial Content\r\nContent-Type: application/octet-stream\r\nContent-Length: ${piece.length}\r\n` +
    `Content-Range: bytes ${from}-${to - 1}/${body.length}\r\n${more}\r\n`
  return icap({ icap: 'Allow: 204\r\n', request: GET, response, body: piece })
}

let folder: string
const rigs: Rig[] = []
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-ranges-'))
})
after(async () => {
  for (const rig of rigs) {
    assert.deepEqual(rig.spool.used, { diskBytes: 0, memoryBytes: 0, files: 0 }, 'nothing is left in the spool')
    await rig.close()
  }
  await rm(folder, { recursive: true, force: true })
})

async function freshFolder(): Promise<string> {
  return await mkdtemp(join(folder, 'f-'))
}

function storeIn(directory: string, limits: Partial<RangeLimits> = {}): RangeStore {
  return createRangeStore({ directory, limits: () => ({ ...LIMITS, ...limits }) })
}

/** Two workers, each with a store of its own on one folder. */
async function twoWorkers(policy = POLICY): Promise<readonly [Rig, Rig, string]> {
  const directory = await freshFolder()
  const start = () =>
    startRig({
      deps: { ranges: storeIn(directory) },
      group: { ...GROUP, policy },
      config: { bypassUrlInRespmod: true },
    })
  const [one, other] = [await start(), await start()]
  rigs.push(one, other)
  return [one, other, directory]
}

/** A body whose test virus lies across the border of its two halves. */
function infected(): Buffer {
  return Buffer.concat([randomBytes(5_000), Buffer.from(EICAR), randomBytes(5_000)])
}

describe('ranges that all come', () => {
  it('are scanned as a whole by the worker that sees the last one: what lies across them is found', async () => {
    const [one, other, directory] = await twoWorkers()
    const body = infected()
    const middle = 5_030
    const first = parse(await one.send(partial(body, 0, middle)))
    assert.equal(first.status, 200)
    assert.match(first.icapHead, /FILE: Not scanned \(partial\)/)
    assert.ok(first.body.equals(body.subarray(0, middle)), 'the part itself goes on')
    const second = parse(await other.send(partial(body, middle, body.length)))
    assert.match(second.httpHead, /403 Forbidden/)
    assert.match(second.icapHead, /X-Virus-ID: EICAR_Test/)
    const record = other.records.at(-1)
    assert.equal(record?.outcome, 'detected')
    assert.deepEqual(record.details, [`ranges: 2 parts joined (${body.length} bytes, SHA-256 ${sha256(body)})`])
    assert.deepEqual(await readdir(directory).then((names) => names.map((name) => name.replace(/^\w+/, ''))), [
      '.blocked',
    ])
  })

  it('are blocked at once afterwards, whichever range is asked for, by whichever worker', async () => {
    const [one, other] = await twoWorkers()
    const body = infected()
    await one.send(partial(body, 5_030, body.length))
    assert.match(await one.send(partial(body, 0, 5_030)), /403 Forbidden/)
    for (const rig of [one, other]) assert.match(await rig.send(partial(body, 5_040, body.length)), /403 Forbidden/)
    assert.equal(other.counts.get('range-blocked'), 1)
    assert.equal(other.records.at(-1)?.detections[0]?.name, 'EICAR_Test')
    const otherFile = partial(body, 5_040, body.length, 'ETag: "two"\r\n')
    assert.match(await other.send(otherFile), /Not scanned \(partial\)/, 'another version is another file')
  })

  it('are clean with a 204 where the whole is, in any order, and leave nothing behind', async () => {
    const [one, other, directory] = await twoWorkers()
    const body = randomBytes(300_000)
    const cuts = [0, 1, 70_000, 140_000, 299_999, 300_000]
    const parts = cuts.slice(1).map((end, index) => [cuts[index] ?? 0, end] as const)
    const order = [3, 0, 4, 2, 1]
    for (const [turn, index] of order.entries()) {
      const [from = 0, to = 0] = parts[index] ?? []
      const answer = parse(await (turn % 2 === 0 ? one : other).send(partial(body, from, to)))
      assert.equal(answer.status, turn === order.length - 1 ? 204 : 200, `part ${index}`)
    }
    assert.deepEqual(await readdir(directory), [])
  })

  it('are held to Last-Modified and size where there is no strong ETag', async () => {
    const [one] = await twoWorkers()
    const body = randomBytes(1_000)
    const fields = 'ETag: W/"weak"\r\nLast-Modified: Tue, 24 Nov 2026 10:00:00 GMT\r\n'
    await one.send(partial(body, 0, 400, fields))
    assert.equal(parse(await one.send(partial(body, 400, 1_000, fields))).status, 204)
  })

  it('keep their parts where the whole could not be scanned: asking again is no way round', async () => {
    const directory = await freshFolder()
    const rig = await startRig({
      deps: {
        ranges: storeIn(directory),
        prescan: ({ partial: isPart }) => ({
          trueType: '',
          cached: false,
          results: isPart
            ? [{ outcome: 'clean', engine: 'x' }]
            : [{ outcome: 'unscanned', engine: 'x', reason: 'timeout' }],
        }),
      },
    })
    rigs.push(rig)
    const body = randomBytes(1_000)
    await rig.send(partial(body, 0, 400))
    for (let turn = 0; turn < 3; turn++)
      assert.match(
        await rig.send(partial(body, 400, 1_000)),
        /^ICAP\/1.0 500/,
        'timeout is an error, partial would pass',
      )
  })
})

describe('a single range', () => {
  const body = Buffer.from(`${'x'.repeat(500)}harmless`)
  const rows: readonly [string, Buffer, RegExp][] = [
    ['that is the whole is no range', partial(body, 0, body.length, ''), /^ICAP\/1.0 204/],
    ['without ETag and date', partial(body, 0, 100, ''), /partial/],
    ['with two ETags', partial(body, 0, 100, 'ETag: "a"\r\nETag: "b"\r\n'), /partial/],
    ['with a folded ETag', partial(body, 0, 100, 'ETag: "a"\r\n b\r\n'), /partial/],
    [
      'whose Content-Range is a second one’s too',
      partial(body, 0, body.length, 'Content-Range: bytes 0-1/2\r\n'),
      /partial/,
    ],
    [
      'of several, multipart/byteranges',
      icap({
        icap: 'Allow: 204\r\n',
        request: GET,
        response:
          'HTTP/1.1 206 P\r\nContent-Type: multipart/byteranges; boundary=b\r\nContent-Range: bytes 0-2/3\r\n\r\n',
        body: 'abc',
      }),
      /partial/,
    ],
    [
      'of unknown size',
      icap({
        icap: 'Allow: 204\r\n',
        request: GET,
        response: 'HTTP/1.1 206 P\r\nETag: "a"\r\nContent-Range: bytes 0-2/*\r\n\r\n',
        body: 'abc',
      }),
      /partial/,
    ],
    [
      'whose body is shorter than it says',
      icap({
        icap: 'Allow: 204\r\n',
        request: GET,
        response: 'HTTP/1.1 206 P\r\nETag: "a"\r\nContent-Range: bytes 0-9/10\r\n\r\n',
        body: 'abc',
      }),
      /partial/,
    ],
  ]
  let rig: Rig
  before(async () => {
    rig = (await twoWorkers())[0]
  })
  for (const [name, bytes, expected] of rows)
    it(`${name}: ${expected.source}`, async () => assert.match(await rig.send(bytes), expected))

  it('is never "whole" for an answer 200 to a range request: that was no range', async () => {
    const request = GET.replace('\r\n\r\n', '\r\nRange: bytes=0-3\r\n\r\n')
    const bytes = icap({ icap: 'Allow: 204\r\n', request, response: 'HTTP/1.1 200 OK\r\n\r\n', body })
    assert.match(await rig.send(bytes), /^ICAP\/1.0 204/)
  })
})

describe('the store of ranges', () => {
  const add = (store: RangeStore, bytes: Buffer, [start, total]: readonly [number, number], key = KEY) =>
    store.add({ key, start, end: start + bytes.length, total }, { kind: 'memory', bytes }, sha256(bytes))

  async function wholeOf(store: RangeStore, bytes: Buffer, place: readonly [number, number]): Promise<Buffer> {
    const added = await add(store, bytes, place)
    assert.equal(added.state, 'complete')
    const parts: Buffer[] = []
    const check = new PartsCheck(added.object.parts)
    for await (const piece of added.object.bytes()) {
      parts.push(piece)
      check.update(piece)
    }
    assert.ok(check.isRight)
    await added.object.remove()
    await added.object.close()
    return Buffer.concat(parts)
  }

  it('takes parts that overlap where they agree', async () => {
    const store = storeIn(await freshFolder())
    const body = randomBytes(1_000)
    await add(store, body.subarray(0, 600), [0, 1_000])
    await add(store, body.subarray(0, 600), [0, 1_000])
    assert.ok((await wholeOf(store, body.subarray(300), [300, 1_000])).equals(body))
  })

  it('finds out where parts that overlap do not agree, and joins no more of them', async () => {
    const [one] = await twoWorkers()
    const body = Buffer.from('0123456789')
    const forged = Buffer.from('01234XX789')
    await one.send(partial(body, 0, 7))
    const answer = await one.send(partial(forged, 5, 10))
    assert.match(answer, /Not scanned \(partial\)/)
    assert.match(one.records.at(-1)?.details.join() ?? '', /do not fit together/)
    assert.match(await one.send(partial(body, 5, 10)), /Not scanned \(partial\)/)
    assert.match(one.records.at(-1)?.details.join() ?? '', /do not fit together/)
  })

  it('refuses what is too large, and what is too much in all', async () => {
    const store = storeIn(await freshFolder(), { maxBytes: MIB, maxTotalBytes: 2 * MIB })
    assert.match(textOf(await add(store, Buffer.alloc(10), [0, MIB + 1])), /more than 1048576 bytes/)
    assert.match(textOf(await add(store, Buffer.alloc(10), [0, 999_999_999_999_999], 'b'.repeat(64))), /more than/)
    for (const key of ['c', 'd']) await add(store, randomBytes(900_000), [0, MIB], key.repeat(64))
    assert.match(textOf(await add(store, randomBytes(900_000), [0, MIB], 'e'.repeat(64))), /no room/)
    const noDisk = createRangeStore({ directory: await freshFolder(), limits: () => LIMITS, freeBytes: () => 5 })
    assert.match(textOf(await add(noDisk, Buffer.alloc(10), [0, 100])), /no room/)
  })

  it('refuses thousands of tiny parts, and stays quick', async () => {
    const directory = await freshFolder()
    const store = storeIn(directory)
    await add(store, Buffer.alloc(1), [0, 100_000])
    const [name = ''] = await readdir(directory)
    const records = Array.from({ length: MAX_PARTS }, (_, index) =>
      encodeRecord({ start: 2 * index, end: 2 * index + 1, sha256: Buffer.alloc(32) }),
    )
    await writeFile(join(directory, name), Buffer.concat(records), { flag: 'a' })
    assert.match(textOf(await add(store, Buffer.alloc(1), [3, 100_000])), /more than 4096 parts/)
  })

  it('drops what no part came for, leftovers of a crash, and what a torn record belongs to', async () => {
    const directory = await freshFolder()
    const store = storeIn(directory)
    await add(store, Buffer.alloc(10), [0, 100])
    await writeFile(join(directory, '.left-over'), 'x')
    const [name = ''] = (await readdir(directory)).filter((one) => one.endsWith('.part'))
    await writeFile(join(directory, name), 'torn', { flag: 'a' })
    assert.match(textOf(await add(store, Buffer.alloc(90), [10, 100])), /do not fit together/)
    const old = new Date(Date.now() - 2 * LIMITS.idleMs)
    for (const one of await readdir(directory)) await utimes(join(directory, one), old, old)
    await store.sweep()
    assert.deepEqual(await readdir(directory), [])
  })

  it('drops everything once ranges are not joined any more', async () => {
    const directory = await freshFolder()
    await add(storeIn(directory), Buffer.alloc(10), [0, 100])
    const off = storeIn(directory, { enabled: false })
    assert.match(textOf(await add(off, Buffer.alloc(90), [10, 100])), /not joined/)
    await off.sweep()
    assert.deepEqual(await readdir(directory), [])
  })

  it('forgets a block after its time', async () => {
    const directory = await freshFolder()
    const detection: Detection = { engine: 'yara', name: 'X', risk: 'high', about: 'file' }
    const store = storeIn(directory)
    await store.block(KEY, [detection])
    assert.equal((await store.blockedFor(KEY))?.[0]?.name, 'X')
    assert.equal(await store.blockedFor('f'.repeat(64)), undefined)
    const old = new Date(Date.now() - 2 * LIMITS.idleMs)
    await utimes(join(directory, `${KEY}.blocked`), old, old)
    assert.equal(await store.blockedFor(KEY), undefined)
  })

  it('says so where its folder is gone, and throws nothing', async () => {
    const store = storeIn(join(folder, 'nowhere'))
    assert.equal(textOf(await add(store, Buffer.alloc(10), [0, 100])), 'ENOENT')
    await store.block(KEY, [])
    assert.equal(await store.blockedFor(KEY), undefined)
  })

  it('joins what several workers write at the same time, or says that it does not fit', async () => {
    const directory = await freshFolder()
    const stores = Array.from({ length: 4 }, () => storeIn(directory))
    const body = randomBytes(64_000)
    const pieces = Array.from({ length: 16 }, (_, index) => index * 4_000)
    const added = await Promise.all(
      pieces.map((at, index) => add(stores[index % 4] as RangeStore, body.subarray(at, at + 4_000), [at, 64_000])),
    )
    const complete = added.filter((one) => one.state === 'complete')
    assert.ok(complete.length > 0, 'somebody saw all of it')
    for (const { object } of complete) {
      const bytes: Buffer[] = []
      for await (const piece of object.bytes()) bytes.push(piece)
      assert.ok(Buffer.concat(bytes).equals(body))
      await object.close()
    }
  })
})

function textOf(added: Awaited<ReturnType<RangeStore['add']>>): string {
  return added.state === 'complete' ? 'complete' : added.why
}

describe('the index of an object', () => {
  const total = 200
  const placed = fc
    .tuple(fc.nat({ max: total - 1 }), fc.integer({ min: 1, max: 60 }))
    .map(([start, length]) => [start, Math.min(total, start + length)] as const)

  it('covers exactly the bytes that a table of them would', () => {
    fc.assert(
      fc.property(fc.array(placed, { maxLength: 30 }), (places) => {
        const table = new Set<number>()
        for (const [start, end] of places) for (let at = start; at < end; at++) table.add(at)
        const records = places.map(([start, end]) => encodeRecord({ start, end, sha256: Buffer.alloc(32) }))
        const parts = decodeIndex(Buffer.concat(records), total)
        assert.ok(parts)
        assert.equal(coveredBytes(parts), table.size)
      }),
    )
  })

  it('is right of parts cut anywhere and fed anyhow, and wrong of any other byte', () => {
    const body = randomBytes(total)
    fc.assert(
      fc.property(
        fc.array(placed, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 70 }),
        fc.nat({ max: total - 1 }),
        (places, step, changed) => {
          const records = places.map(([start, end]) =>
            encodeRecord({ start, end, sha256: Buffer.from(sha256(body.subarray(start, end)), 'hex') }),
          )
          const parts = decodeIndex(Buffer.concat(records), total) ?? []
          assert.equal(isRight(parts, body, step), true)
          const other = Buffer.from(body)
          other[changed] = (other[changed] ?? 0) ^ 1
          const isCovered = places.some(([start, end]) => start <= changed && changed < end)
          assert.equal(isRight(parts, other, step), !isCovered)
        },
      ),
    )
  })

  function isRight(parts: NonNullable<ReturnType<typeof decodeIndex>>, body: Buffer, step: number): boolean {
    const check = new PartsCheck(parts)
    for (let at = 0; at < body.length; at += step) check.update(body.subarray(at, at + step))
    return check.isRight
  }

  it('is nothing for any other bytes, without an exception', () => {
    assert.equal(decodeIndex(encodeRecord(CONFLICT), total), undefined)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeIndex(Buffer.from(bytes), total)))
  })
})

describe('what is remembered of a block', () => {
  it('comes back as it was, bounded', () => {
    const detection: Detection = { engine: 'yara', name: 'N'.repeat(10_000), risk: 'medium', about: 'file' }
    const [first, ...more] = readDetections(rememberedText(Array.from({ length: 50 }, () => detection))) ?? []
    assert.equal(first?.name.length, 256)
    assert.equal(first.risk, 'medium')
    assert.equal(more.length, 19)
  })
  it('is nothing for any other text', () => {
    for (const text of [
      '',
      '{',
      '[]',
      '{}',
      '[1]',
      '[{"engine":1}]',
      'null',
      '[{"engine":"a","name":"b","risk":"odd"}]',
    ])
      assert.equal(readDetections(text), undefined, text)
  })
})
