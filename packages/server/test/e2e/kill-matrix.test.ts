import assert from 'node:assert/strict'
import process from 'node:process'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TransactionView } from '../../src/api/contract.ts'
import { type Assay, type AssayOptions, removeFolder, startAssay } from './assay.ts'
import { needs } from './needs.ts'
import { type Origin, startOrigin } from './origin.ts'
import { createPostgres, type Postgres } from './postgres.ts'
import { processLine } from './process-table.ts'
import { waitFor } from './programs.ts'
import { type Squid, startSquid } from './squid.ts'
import { startTraffic, type Traffic, type Visit } from './traffic.ts'

interface Harm {
  readonly what: string
  /** Does it, and gives the server that goes on: the same, or one started again on the same folder and ports. */
  readonly does: (assay: Assay) => Promise<Assay>
  /** Whether users may notice: a request that was under way in a killed process cannot be answered. */
  readonly mayFail: boolean
}

const WORKERS = 2

let origin: Origin
before(async () => {
  origin = await startOrigin()
})
after(() => origin.stop())

/** The parts that are processes: the store's writer is a thread of the supervisor, scans run on threads of the workers. */
const onSqlite: readonly Harm[] = [
  { what: 'SIGKILL of a worker, five times', mayFail: true, does: (assay) => killWorkers(assay, 5) },
  {
    what: 'SIGSTOP of a worker, for good',
    mayFail: true,
    does: async (assay) => {
      const stopped = await signalOne(assay, 'worker', 'SIGSTOP')
      await waitFor('the frozen worker to be killed', () => processLine(stopped) === undefined, 60_000)
      return assay
    },
  },
  {
    what: 'SIGKILL of every worker at once',
    mayFail: true,
    does: async (assay) => {
      for (const pid of await pidsOf(assay, 'worker')) process.kill(pid, 'SIGKILL')
      return assay
    },
  },
  {
    what: 'SIGKILL of the supervisor',
    mayFail: true,
    does: async (assay) => {
      const workers = await pidsOf(assay, 'worker')
      process.kill(assay.pid, 'SIGKILL')
      await waitFor('the workers to follow', () => workers.every((pid) => !isAlive(pid)), 30_000)
      return startAgain(assay)
    },
  },
  {
    what: 'SIGSTOP of the supervisor for 8 s',
    // Workers answer from what they have; only new connections' permits come from the supervisor.
    mayFail: true,
    does: async (assay) => {
      process.kill(assay.pid, 'SIGSTOP')
      await sleep(8000)
      process.kill(assay.pid, 'SIGCONT')
      return assay
    },
  },
  {
    what: 'SIGKILL of every process',
    mayFail: true,
    does: async (assay) => {
      await assay.kill()
      return startAgain(assay)
    },
  },
]

describe('kill matrix, SQLite', needs('squid'), () => {
  for (const harm of onSqlite) it(`${harm.what}: no false clean, no record lost`, () => survive(harm, {}))
})

describe('kill matrix, PostgreSQL', needs('squid', 'initdb', 'postgres'), () => {
  let postgres: Postgres
  before(async () => {
    postgres = await createPostgres()
    await postgres.start()
  })
  after(() => postgres.stop())

  const harms: readonly Harm[] = [
    {
      what: 'SIGKILL of PostgreSQL, back after 3 s',
      mayFail: false,
      does: async (assay) => {
        await postgres.signal('SIGKILL')
        await sleep(3000)
        await postgres.start()
        return assay
      },
    },
    {
      what: 'SIGSTOP of PostgreSQL for 5 s',
      mayFail: false,
      does: async (assay) => {
        await postgres.signal('SIGSTOP')
        await sleep(5000)
        await postgres.signal('SIGCONT')
        return assay
      },
    },
    {
      what: 'SIGKILL of every process of Assay and of PostgreSQL',
      mayFail: true,
      does: async (assay) => {
        await Promise.all([assay.kill(), postgres.signal('SIGKILL')])
        await postgres.start()
        return startAgain(assay)
      },
    },
    { what: 'SIGKILL of a worker, three times', mayFail: true, does: (assay) => killWorkers(assay, 3) },
  ]
  for (const harm of harms)
    it(`${harm.what}: no false clean, no record lost`, () =>
      survive(harm, { env: { ASSAY_DATABASE_URL: postgres.url } }))

  /** The database's place is in the environment, so the server that goes on needs it too. */
  function startAgain({ data, ports }: Assay): Promise<Assay> {
    return startAssay({ data, ports, workers: WORKERS, env: { ASSAY_DATABASE_URL: postgres.url } })
  }
})

let cases = 0

async function survive(harm: Harm, options: AssayOptions): Promise<void> {
  const first = await startAssay({ workers: WORKERS, ...options })
  let assay = first
  let squid: Squid | undefined
  try {
    squid = await startSquid({ icapPort: first.ports.icap })
    const traffic = startTraffic({ squid, origin, tag: `kill-${++cases}`, users: 4 })
    await waitFor('traffic', () => traffic.visits.length > 30)
    assay = await harm.does(first)
    await untilServed(traffic)
    await untilWhole(assay)
    const visits = await traffic.stop()
    assertNothingWrong(visits, harm)
    await assertAllRecorded(visits, assay)
    await assay.stop()
  } finally {
    await squid?.stop()
    await assay.kill()
    removeFolder(first.data)
  }
}

/** Both kinds of answers come again. */
async function untilServed(traffic: Traffic): Promise<void> {
  const { length } = traffic.visits
  const since = (outcome: Visit['outcome']): number =>
    traffic.visits.slice(length).filter((visit) => visit.outcome === outcome).length
  await waitFor('users to be served again', () => since('same') > 20 && since('blocked') > 5, 60_000)
}

async function untilWhole(assay: Assay): Promise<void> {
  await waitFor(
    'all workers to run',
    async () => (await pidsOf(assay, 'worker')).filter(isAlive).length === WORKERS,
    30_000,
  )
}

function assertNothingWrong(visits: readonly Visit[], { mayFail }: Harm): void {
  const passed = visits.filter(({ errand, outcome }) => errand === 'eicar' && outcome === 'same')
  assert.deepEqual(passed, [], 'EICAR reached a user')
  const falsely = visits.filter(({ errand, outcome }) => errand !== 'eicar' && outcome === 'blocked')
  assert.deepEqual(falsely, [], 'a harmless file was blocked')
  if (!mayFail) assert.deepEqual(visits.filter(({ outcome }) => outcome === 'failed').slice(0, 3), [])
}

/** What a user was given has its record: the journal is written before the reply. */
async function assertAllRecorded(visits: readonly Visit[], assay: Assay): Promise<void> {
  const answered = visits.filter(({ outcome }) => outcome !== 'failed')
  assert.ok(answered.length > 50, `only ${answered.length} answers`)
  let lost: readonly Visit[] = answered
  await waitFor('every record to be in the store', async () => {
    const records = new Map<string, TransactionView[]>()
    for (const record of await assay.transactions(`n=kill-${cases}-`))
      records.set(record.url, [...(records.get(record.url) ?? []), record])
    lost = answered.filter((visit) => !isRecorded(visit, records.get(visit.url) ?? []))
    return lost.length === 0
  }).catch((error: unknown) => {
    throw new Error(`${lost.length} of ${answered.length} records are lost: ${JSON.stringify(lost.slice(0, 3))}`, {
      cause: error,
    })
  })
}

function isRecorded({ outcome }: Visit, records: readonly TransactionView[]): boolean {
  const action = outcome === 'blocked' ? 'block' : 'allow-clean'
  const has = (mode: string, wanted: string): boolean =>
    records.some((record) => record.mode === mode && record.action === wanted)
  return has('REQMOD', 'allow-clean') && has('RESPMOD', action)
}

async function pidsOf(assay: Assay, role: string): Promise<number[]> {
  const { processes } = await assay.status()
  return processes.filter((each) => each.role === role).map(({ pid }) => pid)
}

async function signalOne(assay: Assay, role: string, signal: NodeJS.Signals): Promise<number> {
  const [pid] = await waitFor(`a ${role}`, async () => {
    const pids = (await pidsOf(assay, role)).filter(isAlive)
    return pids.length === 0 ? undefined : pids
  })
  if (pid === undefined) throw new Error(`no ${role}`)
  process.kill(pid, signal)
  return pid
}

function isAlive(pid: number): boolean {
  const line = processLine(pid)
  return line !== undefined && line.state !== 'Z'
}

async function killWorkers(assay: Assay, count: number): Promise<Assay> {
  for (let done = 0; done < count; done++) {
    await signalOne(assay, 'worker', 'SIGKILL')
    await sleep(700)
  }
  return assay
}

function startAgain({ data, ports }: Assay): Promise<Assay> {
  return startAssay({ data, ports, workers: WORKERS })
}
