import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { damagedLinesIn } from '../../src/store/damaged-lines.ts'
import { type Database, openDatabase } from '../../src/store/database.ts'
import { createJournalReader, type LiveInstances } from '../../src/store/journal-reader.ts'
import { storeIn } from '../../src/store/operations.ts'
import { recordLine } from '../../src/store/record-line.ts'
import type { RecordLine } from '../../src/store/transaction-records.ts'
import { forEachStore, makeDir } from './engines.ts'
import { recordOf } from './sample-record.ts'

const root = makeDir()
after(() => rmSync(root, { recursive: true, force: true }))

const NOBODY_LIVES: LiveInstances = new Set<string>()

function setUp(name: string, insert?: (lines: readonly RecordLine[]) => Promise<unknown>) {
  const dir = join(root, name)
  mkdirSync(dir)
  const taken: string[] = []
  const damagedFile = join(root, `${name}-damaged.jsonl`)
  const damaged = damagedLinesIn(damagedFile)
  const reader = createJournalReader({
    dir,
    damaged,
    batchRecords: 10,
    insert:
      insert ??
      (async (lines) => {
        taken.push(...lines.map((line) => line.head.id))
      }),
  })
  const damagedTexts = () =>
    existsSync(damagedFile)
      ? readFileSync(damagedFile, 'utf8')
          .trimEnd()
          .split('\n')
          .map((line) => {
            const { base64 } = JSON.parse(line) as { base64: string }
            return Buffer.from(base64, 'base64').toString('latin1')
          })
      : []
  return { dir, taken, reader, damaged, damagedTexts }
}

function write(dir: string, name: string, ...ids: string[]): void {
  appendFileSync(join(dir, name), ids.map((id) => recordLine(recordOf(id))).join(''))
}

describe('the journal reader', () => {
  it('takes all instances in, in order, and deletes only what is finished', async () => {
    const { dir, taken, reader } = setUp('order')
    write(dir, 'w2-00000001.jsonl', 'c')
    write(dir, 'w1-00000002.jsonl', 'b')
    write(dir, 'w1-00000001.jsonl', 'a')
    writeFileSync(join(dir, 'other.txt'), 'not ours')
    assert.equal(await reader.takeIn(new Set(['w1'])), 3)
    assert.deepEqual(taken, ['a', 'b', 'c'])
    assert.deepEqual(readdirSync(dir), ['other.txt', 'w1-00000002.jsonl'])
    write(dir, 'w1-00000002.jsonl', 'd', 'e')
    assert.equal(await reader.takeIn(NOBODY_LIVES), 2)
    assert.deepEqual(taken, ['a', 'b', 'c', 'd', 'e'])
    assert.deepEqual(readdirSync(dir), ['other.txt'])
  })

  it('deletes no last file before it was told who lives', async () => {
    const { dir, reader } = setUp('untold')
    write(dir, 'w1-00000001.jsonl', 'a')
    assert.equal(await reader.takeIn('all'), 1)
    assert.equal(await reader.takeIn('all'), 0)
    assert.equal(readdirSync(dir).length, 1)
  })

  it('waits for the rest of a line while its writer lives, and keeps the torn line of a dead one', async () => {
    const { dir, taken, reader, damagedTexts } = setUp('torn')
    const line = recordLine(recordOf('b'))
    write(dir, 'w1-00000001.jsonl', 'a')
    appendFileSync(join(dir, 'w1-00000001.jsonl'), line.slice(0, 50))
    assert.equal(await reader.takeIn(new Set(['w1'])), 1)
    assert.deepEqual(await reader.backlog(), { bytes: 50, records: 1 })
    appendFileSync(join(dir, 'w1-00000001.jsonl'), line.slice(50) + line.slice(0, 20))
    assert.equal(await reader.takeIn(NOBODY_LIVES), 1)
    assert.deepEqual(taken, ['a', 'b'])
    assert.deepEqual(damagedTexts(), [line.slice(0, 20)])
    assert.deepEqual(readdirSync(dir), [])
    assert.deepEqual(await reader.backlog(), { bytes: 0, records: 0 })
  })

  it('sets damaged lines aside, and takes in the rest', async () => {
    const { dir, taken, reader, damaged, damagedTexts } = setUp('damage')
    const file = join(dir, 'w1-00000001.jsonl')
    write(dir, 'w1-00000001.jsonl', 'a')
    appendFileSync(file, 'rubbish\n\n[1,2,3]\n')
    appendFileSync(file, Buffer.from(recordLine(recordOf('x')).replace('example', 'ex\xffmple'), 'latin1'))
    write(dir, 'w1-00000001.jsonl', 'b')
    appendFileSync(file, Buffer.concat([Buffer.alloc(5_000_000, 0x61), Buffer.from('\n')]))
    write(dir, 'w1-00000001.jsonl', 'c')
    assert.equal(await reader.takeIn(NOBODY_LIVES), 3)
    assert.deepEqual(taken, ['a', 'b', 'c'])
    const texts = damagedTexts()
    assert.deepEqual(texts.slice(0, 2), ['rubbish', '[1,2,3]'])
    assert.match(texts[2] ?? '', /ex\xffmple/)
    assert.equal(texts.slice(3).join('').length, 5_000_000)
    assert.equal(damaged.count, texts.length)
    assert.deepEqual(readdirSync(dir), [])
  })

  it('goes on where it was when the database comes back, and keeps damage once', async () => {
    let isAway = true
    const taken: string[] = []
    const { dir, reader, damagedTexts } = setUp('away', async (lines) => {
      if (isAway && taken.length >= 10) throw new Error('away')
      taken.push(...lines.map((line) => line.head.id))
    })
    const ids = Array.from({ length: 35 }, (_, i) => `id${i}`)
    write(dir, 'w1-00000001.jsonl', ...ids.slice(0, 15))
    appendFileSync(join(dir, 'w1-00000001.jsonl'), 'rubbish\n')
    write(dir, 'w1-00000001.jsonl', ...ids.slice(15))
    await assert.rejects(reader.takeIn(NOBODY_LIVES), /away/)
    await assert.rejects(reader.takeIn(NOBODY_LIVES), /away/)
    assert.ok((await reader.backlog()).bytes > 0)
    isAway = false
    await reader.takeIn(NOBODY_LIVES)
    // The table knows ids, so that what was read twice is stored once.
    assert.deepEqual([...new Set(taken)].sort(), [...ids].sort())
    assert.deepEqual(damagedTexts(), ['rubbish'])
    assert.deepEqual(readdirSync(dir), [])
  })

  it('sets a row aside that the database refuses', async () => {
    const taken: string[] = []
    const { dir, reader, damagedTexts } = setUp('refused', async (lines) => {
      const ids = lines.map((line) => line.head.id)
      if (ids.includes('bad')) throw Object.assign(new Error('no'), { code: '22003' })
      taken.push(...ids)
    })
    write(dir, 'w1-00000001.jsonl', 'a', 'b', 'bad', 'c', 'd')
    await reader.takeIn(NOBODY_LIVES)
    assert.deepEqual(taken, ['a', 'b', 'c', 'd'])
    assert.equal(damagedTexts().length, 1)
  })

  it('does not follow links that a worker may have laid', async () => {
    const { dir, taken, reader, damaged } = setUp('links')
    writeFileSync(join(root, 'secret'), 'secret\n')
    symlinkSync(join(root, 'secret'), join(dir, 'w1-00000001.jsonl'))
    write(dir, 'w2-00000001.jsonl', 'a')
    await reader.takeIn(NOBODY_LIVES)
    assert.deepEqual([taken, damaged.count], [['a'], 0])
    assert.ok(existsSync(join(root, 'secret')))
  })

  it('finds nothing where there is no folder', async () => {
    const { dir, reader } = setUp('none')
    rmSync(dir, { recursive: true })
    assert.equal(await reader.takeIn(NOBODY_LIVES), 0)
  })

  it('reads on behind a write that the journal took back', async () => {
    const { dir, taken, reader } = setUp('taken-back')
    write(dir, 'w1-00000001.jsonl', 'a', 'b')
    await reader.takeIn(new Set(['w1']))
    writeFileSync(join(dir, 'w1-00000001.jsonl'), recordLine(recordOf('a')))
    write(dir, 'w1-00000002.jsonl', 'c')
    await reader.takeIn(new Set(['w1']))
    assert.deepEqual(taken, ['a', 'b', 'c'])
    assert.deepEqual(readdirSync(dir), ['w1-00000002.jsonl'])
  })
})

forEachStore('kill -9', (test) => {
  it('of writers and of who takes in: every acknowledged record is found exactly once', async () => {
    const location = await test.another()
    const dir = join(test.dir, 'journals')
    const acknowledged: string[] = []
    const writers = ['w1', 'w2'].map((instance) => startWriter(dir, instance, acknowledged))
    for (let round = 0; round < 4; round++) {
      const taker = start('take-in-records.ts', dir, test.dir, JSON.stringify(location))
      await once(taker.stdout ?? taker, 'data')
      await sleep(120 + round * 37)
      await kill(taker)
      const writer = writers.shift()
      if (writer !== undefined) await kill(writer)
      if (round === 1) writers.push(startWriter(dir, 'w3', acknowledged))
    }
    for (const writer of writers) await kill(writer)
    assert.ok(acknowledged.length > 100, `${acknowledged.length} acknowledged`)
    const database = await openDatabase(location)
    try {
      await assertExactlyOnce(database, dir, acknowledged)
    } finally {
      await database.close()
    }
  })
})

async function assertExactlyOnce(database: Database, dir: string, acknowledged: readonly string[]): Promise<void> {
  const { records } = storeIn(database)
  const damaged = damagedLinesIn(join(dir, '..', 'damaged-at-last.jsonl'))
  const reader = createJournalReader({ dir, damaged, insert: (lines) => records.insertLines(lines) })
  await reader.takeIn(NOBODY_LIVES)
  assert.deepEqual(readdirSync(dir), [])
  const found: string[] = []
  let cursor: string | undefined
  do {
    const page = await records.query({ limit: 1000, cursor })
    found.push(...page.records.map((record) => record.id))
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  assert.equal(new Set(found).size, found.length, 'a record stands twice')
  const known = new Set(found)
  assert.deepEqual(
    acknowledged.filter((id) => !known.has(id)),
    [],
    'acknowledged and lost',
  )
  assert.equal((await records.usage()).records, found.length)
}

function start(script: string, ...args: string[]): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, script), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
}

function startWriter(dir: string, instance: string, acknowledged: string[]): ChildProcess {
  const child = start('append-records.ts', dir, instance, '20000')
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    acknowledged.push(...lines)
  })
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}
