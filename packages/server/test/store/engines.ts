import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe } from 'node:test'
import { type Database, type DatabaseLocation, openDatabase } from '../../src/store/database.ts'
import { type Store, storeIn } from '../../src/store/operations.ts'
import { postgresAbsent, startPostgres, type TestPostgres } from './postgres.ts'

/** Filled before the first test of its suite. */
export interface StoreUnderTest {
  readonly engine: 'sqlite' | 'postgresql'
  database: Database
  store: Store
  location: DatabaseLocation
  /** A folder of the suite's own. */
  dir: string
  /** Another, empty database of the same engine. */
  another(): Promise<DatabaseLocation>
}

/** One server a test file: starting it costs more than most tests. */
let shared: Promise<TestPostgres> | undefined
let databases = 0
after(async () => (await shared)?.stop())

/** The same tests on both engines, each on a database of its own. */
export function forEachStore(name: string, define: (test: StoreUnderTest) => void): void {
  for (const engine of ['sqlite', 'postgresql'] as const) {
    const skip = engine === 'postgresql' ? (postgresAbsent() ?? false) : false
    describe(`${name} on ${engine}`, { skip }, () => {
      const test = { engine } as StoreUnderTest
      before(() => open(test))
      after(() => close(test))
      define(test)
    })
  }
}

async function open(test: StoreUnderTest): Promise<void> {
  test.dir = makeDir()
  test.another = () => emptyDatabase(test)
  test.location = await test.another()
  test.database = await openDatabase(test.location)
  test.store = storeIn(test.database)
}

async function emptyDatabase({ engine, dir }: StoreUnderTest): Promise<DatabaseLocation> {
  const name = `db${++databases}`
  if (engine === 'sqlite') return { dataDir: join(dir, name) }
  shared ??= startPostgres()
  return { databaseUrl: await (await shared).createDatabase(name) }
}

async function close(test: StoreUnderTest): Promise<void> {
  await test.database?.close()
  rmSync(test.dir, { recursive: true, force: true })
}

export function makeDir(): string {
  return mkdtempSync(join(tmpdir(), 'assay-store-'))
}
