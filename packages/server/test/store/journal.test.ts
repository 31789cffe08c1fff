import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import type { TransactionRecord } from '../../src/domain/transaction-record.ts'
import { StoreError } from '../../src/store/errors.ts'
import { type JournalOptions, openJournal } from '../../src/store/journal.ts'
import { parseRecordLine, recordLine } from '../../src/store/record-line.ts'
import { makeDir } from './engines.ts'
import { recordOf } from './sample-record.ts'

const dir = makeDir()
after(() => rmSync(dir, { recursive: true, force: true }))

function open(folder: string, more: Partial<JournalOptions> = {}) {
  return openJournal({ dir: join(dir, folder), instance: 'w1', ...more })
}

function recordsIn(folder: string): (TransactionRecord | undefined)[] {
  const path = join(dir, folder)
  return readdirSync(path)
    .sort()
    .flatMap((name) => readFileSync(join(path, name), 'utf8').split('\n').slice(0, -1))
    .map(parseRecordLine)
}

const hasCode = (code: string) => (error: unknown) => error instanceof StoreError && error.code === code

describe('a record line', () => {
  it('gives the same record back, whatever stands in it', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 })
    const plain = { noNullPrototype: true }
    const detection = fc.record(
      { engine: text, name: text, risk: fc.constant('high' as const), about: fc.constant('url' as const) },
      plain,
    )
    const fields = {
      client: text,
      url: text,
      fileName: text,
      saved: fc.dictionary(fc.constantFrom('clientIp', 'serverIp', 'authenticatedUser', 'clientUsername'), text, {
        noNullPrototype: true,
      }),
      details: fc.array(text, { maxLength: 3 }),
      detections: fc.array(detection, { maxLength: 2 }),
      size: fc.integer({ min: -1 }),
      cached: fc.boolean(),
    }
    fc.assert(
      fc.property(fc.record(fields, plain), (fields) => {
        const record = recordOf('id1', fields)
        const line = recordLine(record)
        assert.equal(line.indexOf('\n'), line.length - 1)
        assert.deepEqual(parseRecordLine(line.slice(0, -1)), record)
      }),
    )
  })

  it('is JSON even when a number is none', () => {
    const line = recordLine(recordOf('id1', { size: Number.NaN, stagesMs: { read: 0.123456, scan: 1, total: 2 } }))
    assert.deepEqual(parseRecordLine(line)?.size, -1)
    assert.equal(parseRecordLine(line)?.stagesMs.read, 0.12)
  })

  const damaged = [
    '',
    'null',
    '[]',
    '{}',
    '[1,"id"]',
    '[2',
    '"x"',
    '\0\0\0',
    recordLine(recordOf('')),
    recordLine(recordOf('a'.repeat(65))),
  ]
  it('is refused when it is not one', () => {
    const whole = recordLine(recordOf('id1')).trimEnd()
    for (let cut = 0; cut < whole.length; cut++)
      assert.equal(parseRecordLine(whole.slice(0, cut)), undefined, `cut at ${cut}`)
    for (const line of damaged) assert.equal(parseRecordLine(line), undefined, line)
    assert.equal(parseRecordLine(whole.replace('[1,', '[2,')), undefined, 'a version of the future')
  })
})

describe('a journal', () => {
  it('holds what was committed, and nothing before that', () => {
    const journal = open('commit')
    journal.append(recordOf('a'))
    journal.append(recordOf('b'))
    assert.deepEqual(recordsIn('commit'), [])
    journal.commit()
    journal.commit()
    assert.deepEqual(
      recordsIn('commit').map((record) => record?.id),
      ['a', 'b'],
    )
    journal.appendAndCommit(recordOf('c'))
    journal.append(recordOf('d'))
    journal.close()
    assert.deepEqual(
      recordsIn('commit').map((record) => record?.id),
      ['a', 'b', 'c', 'd'],
    )
    assert.throws(() => journal.appendAndCommit(recordOf('e')), hasCode('JOURNAL_CLOSED'))
  })

  it('goes on in a new file when one is large enough, and after a restart', () => {
    const ids = Array.from({ length: 10 }, (_, i) => `id${i}`)
    const journal = open('rotate', { maxFileBytes: 500 })
    for (const id of ids.slice(0, 5)) journal.appendAndCommit(recordOf(id))
    journal.close()
    const again = open('rotate', { maxFileBytes: 500 })
    for (const id of ids.slice(5)) again.appendAndCommit(recordOf(id))
    again.close()
    assert.deepEqual(
      recordsIn('rotate').map((record) => record?.id),
      ids,
    )
    assert.ok(readdirSync(join(dir, 'rotate')).length >= 5)
  })

  it('is full when all journals of the folder reach the cap, and recovers', async () => {
    const other = open('cap', { instance: 'w2' })
    for (let i = 0; i < 10; i++) other.append(recordOf(`x${i}`))
    other.close()
    const journal = open('cap', { capBytes: 2000 })
    assert.equal(journal.isFull, true)
    assert.throws(() => journal.appendAndCommit(recordOf('a')), hasCode('JOURNAL_FULL'))
    rmSync(join(dir, 'cap', 'w2-00000001.jsonl'))
    for (let i = 0; i < 100 && journal.isFull; i++) await sleep(100)
    assert.equal(journal.isFull, false)
    journal.appendAndCommit(recordOf('b'))
    journal.close()
    assert.deepEqual(
      recordsIn('cap').map((record) => record?.id),
      ['b'],
    )
  })

  it('counts its own bytes at once', () => {
    const journal = open('own', { capBytes: 1000 })
    let written = 0
    assert.throws(() => {
      for (; written < 100; written++) journal.appendAndCommit(recordOf(`id${written}`))
    }, hasCode('JOURNAL_FULL'))
    assert.ok(written >= 3 && written < 10, `${written}`)
    journal.close()
  })

  it('refuses a record beyond all measure and names that do not fit', () => {
    const journal = open('large')
    assert.throws(() => journal.append(recordOf('a', { url: 'x'.repeat(5_000_000) })), hasCode('RECORD_TOO_LARGE'))
    journal.appendAndCommit(recordOf('b'))
    journal.close()
    assert.deepEqual(
      recordsIn('large').map((record) => record?.id),
      ['b'],
    )
    for (const instance of ['', '../x', 'a/b', 'x'.repeat(65), '.hidden']) {
      assert.throws(() => openJournal({ dir, instance }), TypeError, instance)
    }
  })

  it('takes a write back that fails (file size limit), and goes on in a new file', () => {
    const folder = join(dir, 'limit')
    const { acknowledged, failures } = fill(folder, 'ulimit -f 20')
    assert.ok(failures > 0, 'no write failed')
    assertHolds(folder, acknowledged)
  })

  it('takes a write back that fails (disk full), and goes on when there is room', (test) => {
    const folder = join(dir, 'tmpfs')
    mkdirSync(folder)
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=48k', 'tmpfs', folder]).status !== 0) {
      process.stderr.write('SKIPPED: journal on a full disk (cannot mount a tmpfs: not root?)\n')
      return test.skip('cannot mount a tmpfs')
    }
    try {
      const { acknowledged, failures } = fill(folder, 'true')
      assert.ok(failures > 0, 'no write failed')
      assertHolds(folder, acknowledged)
    } finally {
      spawnSync('umount', [folder])
    }
  })
})

function fill(folder: string, limit: string): { acknowledged: string[]; failures: number } {
  const script = join(import.meta.dirname, 'fill-journal.ts')
  const result = spawnSync('/bin/sh', ['-c', `${limit}; exec "$0" "$@"`, process.execPath, script, folder], {
    encoding: 'utf8',
  })
  assert.equal(result.status, 0, result.stderr)
  return JSON.parse(result.stdout) as { acknowledged: string[]; failures: number }
}

/** Every acknowledged record stands once, and what stands is whole: a failed commit left nothing behind. */
function assertHolds(folder: string, acknowledged: readonly string[]): void {
  const records = readdirSync(folder)
    .sort()
    .flatMap((name) =>
      readFileSync(join(folder, name), 'utf8')
        .split('\n')
        .filter((line) => line !== ''),
    )
    .map(parseRecordLine)
  assert.deepEqual(
    records.map((record) => record?.id),
    acknowledged,
  )
}
