import { spawn } from 'node:child_process'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Assay } from '../packages/server/test/e2e/assay.ts'
import { CLEAN_ENV, endWithUs, freePorts, isListening, waitFor } from '../packages/server/test/e2e/programs.ts'
import { sha256 } from '../packages/server/test/e2e/samples.ts'
import { type Load, runLoad } from './load.ts'
import { cpuSeconds, cpuSecondsAlone, median } from './measure.ts'
import type { Peers } from './peers.ts'
import { atLeast, atMost, type Result, round } from './report.ts'

const KIB = 1024
const SIZES = { '1 KiB': KIB, '64 KiB': 64 * KIB, '1 MiB': KIB * KIB } as const

interface Bench {
  readonly assay: Assay
  readonly peers: Peers
  readonly rounds: number
  readonly seconds: number
}

/** One server as it is measured: where it listens, whose CPU counts, and when it has done all that the load gave it to do. */
interface Contender {
  readonly port: number
  readonly service: string
  readonly pids: readonly number[]
  settle(): Promise<void>
}

interface Round {
  readonly cpuUs: number
  /** Of it, that of the first process alone: Assay's supervisor, whose thread writes the store. */
  readonly firstUs: number
  readonly rps: number
}

interface Comparison extends Bench {
  readonly what: string
  readonly against: Contender
  /** Assay where nothing else is said. */
  readonly subject?: Contender
  readonly bodyBytes: number
  readonly allow204: boolean
  readonly cpuLimit: number
  readonly rpsLimit?: number
}

/** Engines off against c-icap's echo; default engines against c-icap with clamd, with and without SHA-1. */
export async function compareCpu(bench: Bench, tell: (result: Result) => void): Promise<void> {
  const { assay, peers } = bench
  await assay.cli(['rules', 'add', peers.rulesFile])
  const clamd = peer(peers.clamd, '/avscan')
  const scanning = { ...bench, against: clamd, allow204: true }
  const against = 'default engines against c-icap + clamd'
  for (const [size, cpuLimit, rpsLimit] of [
    ['1 KiB', 0.2, 3],
    ['64 KiB', 0.3, 3],
    ['1 MiB', 0.35, 2.5],
  ] as const)
    await compare({ ...scanning, what: `${against}, ${size}`, bodyBytes: SIZES[size], cpuLimit, rpsLimit }, tell)

  await assay.cli(['lists', 'add', 'user-defined', 'sha1', sha256('no such file').slice(0, 40)])
  for (const [size, cpuLimit] of [
    ['64 KiB', 0.3],
    ['1 MiB', 0.35],
  ] as const)
    await compare({ ...scanning, what: `${against}, ${size}, SHA-1 too`, bodyBytes: SIZES[size], cpuLimit }, tell)
  await assay.cli(['lists', 'remove', 'user-defined', 'sha1', sha256('no such file').slice(0, 40)])

  await assay.set({
    'scan.yara': 'false',
    'scan.suspiciousObjects.enabled': 'false',
    'scan.userDefinedObjects': 'false',
    'policy.unscanned.engine-down': 'allow',
  })
  const echo = peer(peers.echo, '/echo')
  for (const [size, cpuLimit] of [
    ['1 KiB', 0.45],
    ['64 KiB', 0.65],
  ] as const) {
    const comparison = { ...bench, against: echo, allow204: false, bodyBytes: SIZES[size], cpuLimit }
    await compare({ ...comparison, what: `engines off, hashed and recorded, against c-icap echo, ${size}` }, tell)
    const protocol = await startEcho()
    try {
      const what = `packages/icap with an echo handler against c-icap echo, ${size}`
      await compare({ ...comparison, what, subject: protocol.contender }, tell)
    } finally {
      protocol.stop()
    }
  }
}

/** The protocol alone: the peer's echo neither hashes nor keeps a record. */
async function startEcho(): Promise<{ contender: Contender; stop(): void }> {
  const [port = 0] = await freePorts(1)
  const path = fileURLToPath(new URL('./echo-server.ts', import.meta.url))
  const child = spawn(process.execPath, [path], { env: { ...CLEAN_ENV, ECHO_PORT: String(port) }, stdio: 'inherit' })
  endWithUs(child)
  await waitFor('the echo server to listen', () => isListening(port))
  const contender = { port, pids: [child.pid ?? 0], service: '/echo', settle: () => sleep(200) }
  return { contender, stop: () => child.kill('SIGTERM') }
}

function peer({ port, pids }: Peers['echo'], service: string): Contender {
  return { port, pids, service, settle: () => sleep(200) }
}

/** Its records are part of the work: the CPU counts until the store has taken them all in. */
function ours(assay: Assay): Contender {
  return {
    port: assay.ports.icap,
    pids: [assay.pid],
    service: '/avscan',
    settle: async () => {
      await waitFor(
        'the store to have every record',
        async () => (await assay.status()).journal.backlogRecords === 0,
        120_000,
      )
    },
  }
}

async function compare(comparison: Comparison, tell: (result: Result) => void): Promise<void> {
  const { what, assay, against, subject = ours(assay), rounds, cpuLimit, rpsLimit } = comparison
  const pairs: { assay: Round; peer: Round }[] = []
  // The first pair warms both up and is not counted.
  for (let n = 0; n <= rounds; n++) {
    const pair = { peer: await measure(against, comparison), assay: await measure(subject, comparison) }
    if (n > 0) pairs.push(pair)
  }
  const mid = (value: (pair: { assay: Round; peer: Round }) => number): number => median(pairs.map(value))
  const ofStore = round(mid((pair) => pair.assay.firstUs))
  const cpu = `${round(mid((pair) => pair.assay.cpuUs))} us, ${ofStore} of it in the first process, against ${round(mid((pair) => pair.peer.cpuUs))} us`
  tell(
    atMost(
      `CPU ratio, ${what}`,
      mid((pair) => pair.assay.cpuUs / pair.peer.cpuUs),
      cpuLimit,
      cpu,
    ),
  )
  const rps = `${round(mid((pair) => pair.assay.rps))}/s against ${round(mid((pair) => pair.peer.rps))}/s`
  const ratio = mid((pair) => pair.assay.rps / pair.peer.rps)
  if (rpsLimit !== undefined) tell(atLeast(`throughput ratio, ${what}`, ratio, rpsLimit, rps))
  else tell({ what: `throughput ratio, ${what}`, measured: `${round(ratio)} (${rps})`, goal: '' })
}

async function measure(contender: Contender, { bodyBytes, seconds, allow204 }: Comparison): Promise<Round> {
  const { port, service, pids } = contender
  const load: Load = { port, service, bodyBytes, seconds, allow204, connections: bodyBytes > 512 * KIB ? 8 : 16 }
  await contender.settle()
  const first = pids.slice(0, 1)
  const [before, firstBefore] = [cpuSeconds(pids), cpuSecondsAlone(first)]
  const { requests, rps } = await runLoad(load)
  await contender.settle()
  const perRequestUs = (seconds: number): number => (seconds / requests) * 1e6
  return {
    rps,
    cpuUs: perRequestUs(cpuSeconds(pids) - before),
    firstUs: perRequestUs(cpuSecondsAlone(first) - firstBefore),
  }
}
