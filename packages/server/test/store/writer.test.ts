import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openListTable } from '../../src/domain/list-table.ts'
import type { SuspiciousObject } from '../../src/domain/suspicious-object.ts'
import { transactionIds } from '../../src/domain/transaction-id.ts'
import type { DatabaseLocation } from '../../src/store/database.ts'
import { StoreError } from '../../src/store/errors.ts'
import { openJournal } from '../../src/store/journal.ts'
import type { ListSnapshot } from '../../src/store/list-snapshots.ts'
import { createWriter, type Writer, type WriterOptions } from '../../src/store/writer.ts'
import { forEachStore, makeDir } from './engines.ts'
import { postgresAbsent, startPostgres } from './postgres.ts'
import { recordOf } from './sample-record.ts'

interface Running {
  readonly writer: Writer
  readonly dir: string
  readonly journalDir: string
  readonly snapshots: ListSnapshot[]
}

/** A writer on a folder of its own, for one test. */
async function withWriter(
  location: DatabaseLocation,
  work: (running: Running) => Promise<void>,
  more: Partial<WriterOptions> = {},
): Promise<void> {
  const dir = makeDir()
  const journalDir = join(dir, 'journals')
  const writer = await createWriter({
    location,
    journalDir,
    damagedFile: join(dir, 'damaged.jsonl'),
    snapshotDir: join(dir, 'snapshots'),
    ...more,
  })
  const snapshots: ListSnapshot[] = []
  writer.onLists((snapshot) => snapshots.push(snapshot))
  try {
    await work({ writer, dir, journalDir, snapshots })
  } finally {
    await writer.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 400; i++) {
    if (await isSo()) return
    await sleep(50)
  }
  assert.fail(`never: ${what}`)
}

function journalOf(journalDir: string, instance: string) {
  const journal = openJournal({ dir: journalDir, instance })
  const nextId = transactionIds(instance)
  return {
    close: () => journal.close(),
    write(count: number): string[] {
      const ids = Array.from({ length: count }, nextId)
      for (const id of ids) journal.append(recordOf(id, { timeMs: Date.now() }))
      journal.commit()
      return ids
    },
  }
}

function object(value: string, more: Partial<SuspiciousObject> = {}): SuspiciousObject {
  const rest = { list: 'synchronized', type: 'domain', risk: 'high', expiresMs: 0, addedMs: 1 } as const
  return { ...rest, value, source: 'test', note: '', ...more }
}

async function* batchesOf(...batches: (readonly SuspiciousObject[])[]) {
  yield* batches
}

const hasCode = (code: string) => (error: unknown) => error instanceof StoreError && error.code === code

forEachStore('the writer', (test) => {
  it('takes journals in by itself, and deletes those of the dead', async () => {
    await withWriter(await test.another(), async ({ writer, journalDir }) => {
      assert.equal(writer.status().databaseUp, true)
      writer.setLiveInstances(['w1'])
      const journal = journalOf(journalDir, 'w1')
      const [first = ''] = journal.write(50)
      await until('taken in', () => writer.status().takenIn === 50)
      assert.equal((await writer.records.get(first))?.id, first)
      journal.write(30)
      await writer.flush()
      assert.deepEqual(await writer.records.usage().then((usage) => usage.records), 80)
      assert.equal(writer.status().backlogBytes, 0)
      journal.close()
      writer.setLiveInstances([])
      await until('deleted', () => readdirSync(journalDir).length === 0)
      assert.equal((await writer.records.query({ limit: 1000 })).records.length, 80)
    })
  })

  it('announces list snapshots that say what the lists say', async () => {
    await withWriter(await test.another(), async ({ writer, snapshots, dir }) => {
      await until('a first snapshot', () => snapshots.length === 1)
      assert.deepEqual([snapshots[0]?.revision, snapshots[0]?.count], ['0', 0])
      assert.equal(await writer.objects.addMany([object('a.example'), object('*.b.example')]), 2)
      await until('a second snapshot', () => snapshots.length === 2)
      const { revision, path, count } = snapshots[1] as ListSnapshot
      const table = openListTable(readFileSync(path))
      assert.deepEqual([revision, count, table.revision, table.count], ['1', 2, '1', 2])
      assert.equal(table.findUrl('https://x.b.example/y', Date.now()).length, 1)
      const late: ListSnapshot[] = []
      writer.onLists((snapshot) => late.push(snapshot))
      assert.deepEqual(late, [snapshots[1]], 'who asks late is told at once')
      assert.deepEqual(readdirSync(join(dir, 'snapshots')).sort(), ['lists-0.bin', 'lists-1.bin'])
    })
  })

  it('imports all or nothing, and exports what it holds', async () => {
    await withWriter(await test.another(), async ({ writer }) => {
      const many = Array.from({ length: 2500 }, (_, i) => object(`d${String(i).padStart(4, '0')}.example`))
      assert.equal(await writer.objects.import(batchesOf(many.slice(0, 1000), many.slice(1000))), 2500)
      async function* broken() {
        yield [object('never.example')]
        throw new Error('peer gone')
      }
      await assert.rejects(writer.objects.import(broken()), /peer gone/)
      const tooMany = Array.from({ length: 25_001 }, (_, i) => object(`u${i}.example`, { list: 'user-defined' }))
      await assert.rejects(writer.objects.import(batchesOf(tooMany)), hasCode('LIST_FULL'))
      const seen: SuspiciousObject[] = []
      for await (const page of writer.objects.export({ list: 'synchronized' })) seen.push(...page)
      assert.deepEqual(seen, many)
      assert.deepEqual(await writer.objects.counts(), [{ list: 'synchronized', type: 'domain', count: 2500 }])
    })
  })

  it('keeps settings, rules and facts across a restart, and retention', async () => {
    const location = await test.another()
    await withWriter(location, async ({ writer, journalDir }) => {
      await writer.settings.save({ savedMs: 1, by: 'x', values: { a: 1 }, changed: ['a'] })
      await writer.rules.put({ name: 'a.yar', source: 'x', enabled: true, addedMs: 1, status: '', fault: '' })
      await writer.meta.set('a', 'b')
      journalOf(journalDir, 'w1').write(40)
      // not flushed: closing takes it in
    })
    await withWriter(location, async ({ writer }) => {
      assert.equal((await writer.settings.latest())?.values.a, 1)
      assert.equal((await writer.rules.list()).length, 1)
      assert.equal(await writer.meta.get('a'), 'b')
      assert.equal((await writer.records.usage()).records, 40)
      writer.setRetention({ maxAgeMs: 1e12, maxBytes: 0, sliceRows: 20 })
      await until('retention', async () => (await writer.records.usage()).records === 0)
    })
  })

  it('names its errors, also once it is closed', async () => {
    let kept: Writer | undefined
    await withWriter(await test.another(), async ({ writer }) => {
      kept = writer
      const save = { savedMs: 1, by: 'x', values: {}, changed: [] }
      await assert.rejects(writer.settings.save({ ...save, basedOn: 7 }), hasCode('STORE_CONFLICT'))
      await assert.rejects(writer.meta.set('x', undefined as unknown as string), hasCode('STORE_FAILED'))
    })
    await assert.rejects(kept?.meta.get('x') ?? Promise.resolve(), hasCode('STORE_CLOSED'))
  })
})

describe('the writer without its database', () => {
  it('says so, keeps trying and recovers (SQLite)', async () => {
    const dir = makeDir()
    writeFileSync(join(dir, 'data'), 'a file where the folder should be')
    await withWriter({ dataDir: join(dir, 'data') }, async ({ writer, journalDir }) => {
      assert.equal(writer.status().databaseUp, false)
      assert.notEqual(writer.status().lastError, '')
      await assert.rejects(writer.meta.get('x'), hasCode('STORE_UNAVAILABLE'))
      journalOf(journalDir, 'w1').write(20)
      await assert.rejects(writer.flush(), hasCode('STORE_UNAVAILABLE'))
      await until('a backlog', () => writer.status().backlogRecords > 0)
      rmSync(join(dir, 'data'))
      await until('recovered', () => writer.status().databaseUp)
      await until('taken in', () => writer.status().takenIn === 20)
      assert.equal(await writer.meta.get('x'), undefined)
    })
    rmSync(dir, { recursive: true, force: true })
  })

  it('hangs nobody while PostgreSQL is frozen or dead, and loses nothing', {
    skip: postgresAbsent() ?? false,
  }, async () => {
    const postgres = await startPostgres()
    const location = { databaseUrl: postgres.url, timeoutMs: 1000 }
    try {
      await withWriter(
        location,
        async ({ writer, journalDir }) => {
          writer.setLiveInstances(['w1'])
          const journal = journalOf(journalDir, 'w1')
          journal.write(10)
          await writer.flush()
          const frozen = [postgres.pid, ...childrenOf(postgres.pid)]
          for (const pid of frozen) process.kill(pid, 'SIGSTOP')
          await assert.rejects(
            writer.meta.get('x'),
            (error) => hasCode('STORE_TIMEOUT')(error) || hasCode('STORE_UNAVAILABLE')(error),
          )
          journal.write(10)
          await until('seen as away', () => !writer.status().databaseUp)
          for (const pid of frozen) process.kill(pid, 'SIGCONT')
          await until('back after SIGCONT', () => writer.status().databaseUp && writer.status().takenIn === 20)
          process.kill(postgres.pid, 'SIGQUIT')
          journal.write(10)
          await until('seen as dead', () => !writer.status().databaseUp)
          await sleep(300)
          await postgres.restart()
          await until('back after a restart', () => writer.status().databaseUp)
          await writer.flush()
          assert.equal((await writer.records.usage()).records, 30)
          journal.close()
        },
        { callTimeoutMs: 3000 },
      )
    } finally {
      await postgres.stop()
    }
  })
})

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}
