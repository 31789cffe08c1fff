/**
 * The handler's own CPU time, without sockets: a transaction's head and body are there at once, all that follows is the real thing
 * (heads, hashes, lists, engines, verdict, journal on disk, metrics). Prints microseconds of CPU a transaction.
 *
 *     node bench/handler.ts [--rounds 7] [--transactions 20000] [--only off|yara]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import {
  type BodySink,
  type BodyState,
  HeaderLines,
  type IcapReply,
  type Peer,
  type Transaction,
} from '../packages/icap/src/index.ts'
import { clientListOptions } from '../packages/server/src/composition/client-policies.ts'
import { handlerConfig } from '../packages/server/src/composition/handler-config.ts'
import { builtInRules } from '../packages/server/src/composition/rule-sources.ts'
import { createScanning } from '../packages/server/src/composition/scanning.ts'
import { journalFor } from '../packages/server/src/composition/worker-server.ts'
import { buildListTable } from '../packages/server/src/domain/list-table-builder.ts'
import { transactionIds } from '../packages/server/src/domain/transaction-id.ts'
import { createClientList } from '../packages/server/src/icap-service/client-list.ts'
import { createHandler } from '../packages/server/src/icap-service/handler.ts'
import { createSpool } from '../packages/server/src/icap-service/spool.ts'
import { createProcessMetrics } from '../packages/server/src/metrics.ts'
import { compileRules } from '../packages/server/src/scan/scanners/yara/rule-compiler.ts'
import { parseConfig } from '../packages/server/src/settings/parse.ts'
import type { Config } from '../packages/server/src/settings/settings.ts'
import { openJournal } from '../packages/server/src/store/journal.ts'
import { median } from './measure.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    transactions: { type: 'string', default: '20000' },
    only: { type: 'string' },
  },
})

/** As many connections answer in one turn of the loop, as in the load of `npm run bench`. */
const A_TURN = 16
const TIME_ORIGIN = performance.timeOrigin
const BODY_BYTES = 1024
const ENGINES_OFF = {
  'scan.yara': false,
  'scan.suspiciousObjects.enabled': false,
  'scan.userDefinedObjects': false,
  'policy.unscanned.engine-down': 'allow',
}
const SCENARIOS = [
  { name: 'off', what: 'engines off, the body goes back labelled', settings: ENGINES_OFF, allows204: false },
  { name: 'yara', what: 'YARA, the pack that comes with Assay, 204', settings: {}, allows204: true },
] as const

type Scenario = (typeof SCENARIOS)[number]
type Handle = (transaction: Transaction) => void | Promise<void>

/** What icapload sends: the heads of a browser and of an origin, a URL and a body that were never seen before. */
const ICAP_HEAD =
  'RESPMOD icap://127.0.0.1:1344/avscan ICAP/1.0\r\nHost: 127.0.0.1:1344\r\nUser-Agent: icapload/1\r\nAllow: 204\r\n' +
  'Encapsulated: req-hdr=0, res-hdr=420, res-body=670\r\n\r\n'
const FIELDS_AT = ICAP_HEAD.indexOf('\n') + 1
const STAMP = '0000000000'
const REQUEST_HEAD =
  `GET http://www.example.com/obj?u=${STAMP} HTTP/1.1\r\nHost: www.example.com\r\n` +
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36\r\n' +
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-GB,en;q=0.7\r\n' +
  'Accept-Encoding: identity\r\nReferer: http://www.example.com/index.html\r\nCookie: sid=0123456789abcdef0123456789abcdef\r\n\r\n'
const RESPONSE_HEAD = Buffer.from(
  'HTTP/1.1 200 OK\r\nDate: Mon, 05 Jan 2026 10:00:00 GMT\r\nServer: origin\r\nContent-Type: application/octet-stream\r\n' +
    `Content-Length: ${BODY_BYTES}\r\nLast-Modified: Sun, 04 Jan 2026 10:00:00 GMT\r\nETag: "5f3c-1a2b3c"\r\n` +
    'Cache-Control: max-age=3600\r\nVary: Accept-Encoding\r\n\r\n',
)
const URL_STAMP_AT = REQUEST_HEAD.indexOf(STAMP)
const PEER: Peer = { address: '127.0.0.1', port: 50_000, localPort: 1344, tls: false }
const WHOLE: Promise<BodyState> = Promise.resolve('whole')
const REPLIED: Promise<void> = Promise.resolve()

/** Buffers of one connection, stamped anew for each of its transactions. */
class Slot {
  readonly requestHead = Buffer.from(REQUEST_HEAD, 'latin1')
  readonly body = Buffer.from(Array.from({ length: BODY_BYTES }, (_, at) => (at * 167 + (at >> 3) * 31) & 0xff))

  stamp(count: number): void {
    this.requestHead.write(String(count).padStart(STAMP.length, '0'), URL_STAMP_AT, 'latin1')
    this.body.writeDoubleLE(count, 512)
  }
}

/** A transaction whose body stands in the buffer already and whose reply the kernel takes at once. */
class WholeTransaction implements Transaction {
  readonly method = 'RESPMOD'
  readonly service = 'avscan'
  readonly query = ''
  readonly peer = PEER
  readonly startedMs = Date.now()
  readonly responseHead = RESPONSE_HEAD
  readonly hasBody = true
  readonly preview = undefined
  readonly allows206 = false
  readonly requestHead: Buffer
  readonly allows204: boolean
  readonly #body: Buffer
  status = 0

  constructor({ requestHead, body }: Slot, allows204: boolean) {
    this.requestHead = requestHead
    this.allows204 = allows204
    this.#body = body
  }

  get headers(): HeaderLines {
    return new HeaderLines(ICAP_HEAD, FIELDS_AT)
  }

  get signal(): AbortSignal {
    return new AbortController().signal
  }

  readBody(sink: BodySink): Promise<BodyState> {
    const busy = sink(this.#body)
    return busy === undefined ? WHOLE : busy.then(() => 'whole')
  }

  continueBody(): void {
    throw new Error('there is no preview')
  }

  reply(reply: IcapReply): Promise<void> {
    this.status = reply.status
    return REPLIED
  }
}

const slots = Array.from({ length: A_TURN }, () => new Slot())
let stamped = 0

/** One turn of the loop: a transaction on each connection, until all of them are answered. */
async function turn(handle: Handle, { allows204 }: Scenario): Promise<void> {
  const transactions = slots.map((slot) => {
    slot.stamp(++stamped)
    return new WholeTransaction(slot, allows204)
  })
  await Promise.all(transactions.map(handle))
  const expected = allows204 ? 204 : 200
  for (const { status } of transactions) if (status !== expected) throw new Error(`answered ${status}`)
}

async function roundUs(handle: Handle, scenario: Scenario): Promise<number> {
  const turns = Math.ceil(Number(values.transactions) / A_TURN)
  const before = process.cpuUsage()
  for (let n = 0; n < turns; n++) await turn(handle, scenario)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / (turns * A_TURN)
}

/** What the stand-ins cost, to be taken off: all of it that is not the handler. */
async function idle(transaction: Transaction): Promise<void> {
  await transaction.readBody(() => {})
  await transaction.reply({ status: transaction.allows204 ? 204 : 200, error: true })
}

function configOf(scenario: Scenario): Config {
  const parsed = parseConfig(scenario.settings)
  if (!parsed.ok) throw new Error(`settings: ${JSON.stringify(parsed.faults)}`)
  return parsed.config
}

/** As `createWorkerServer` puts it together, in a folder of its own. */
async function withHandler<T>(scenario: Scenario, rules: Buffer, use: (handle: Handle) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-bench-'))
  const config = configOf(scenario)
  const onThreadDead = (detail: string): never => {
    throw new Error(detail)
  }
  const scanning = createScanning({
    spoolDirectory: tmpdir(),
    config,
    onThreadDead,
  })
  await scanning.useRules(rules)
  scanning.useLists(buildListTable([], 'none'))
  const journal = openJournal({ dir: folder, instance: 'bench' })
  const handling = handlerConfig(config, scanning.needsSha1)
  const clients = createClientList(clientListOptions(config))
  const handle = createHandler({
    ...scanning,
    now: () => TIME_ORIGIN + performance.now(),
    nextId: transactionIds('bench'),
    policyFor: (peer, service) => clients.policyFor(peer.address, service),
    config: () => handling,
    decode: () => {
      throw new Error('nothing is encoded')
    },
    journal: journalFor({ journal, metrics: createProcessMetrics('worker') }),
    spool: createSpool({ directory: folder, maxBytes: 2 ** 30, maxMemoryBytes: 2 ** 30 }),
    count: () => {},
    failed: (error) => console.error(error),
  })
  try {
    return await use(handle)
  } finally {
    journal.close()
    await scanning.close()
    rmSync(folder, { recursive: true })
  }
}

async function measure(what: string, round: () => Promise<number>): Promise<void> {
  await round() // warms up
  const us: number[] = []
  for (let n = 0; n < Number(values.rounds); n++) us.push(await round())
  console.log(`${what}: minimum ${Math.min(...us).toFixed(2)} us, median ${median(us).toFixed(2)} us`)
}

// A busy machine must not make the pack's rules slow ones: those go through threads.
const { blob } = await compileRules(await builtInRules(), { slowMs: 1000 })
for (const scenario of SCENARIOS) {
  if (values.only !== undefined && values.only !== scenario.name) continue
  await withHandler(scenario, blob, (handle) => measure(scenario.what, () => roundUs(handle, scenario)))
}
const [first] = SCENARIOS
await measure('the stand-ins alone (part of each figure above)', () => roundUs(idle, first))
