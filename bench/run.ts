/**
 * `npm run bench`: Assay against the C peers on this machine, in one run. Prints a markdown table for bench/RESULTS.md.
 * Needs `../shared/bench`, and Debian's c-icap, libc-icap-mod-virus-scan, clamav-daemon and gcc; see bench/README.md.
 *
 *     npm run bench -- [--only cpu|latency|memory] [--rounds 5] [--seconds 4] [--profile DIR]
 *
 * `--profile` runs Assay under V8's profiler (its figures are worse then) and prints where the time of each process goes.
 */
import { existsSync } from 'node:fs'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { type Assay, removeFolder, startAssay } from '../packages/server/test/e2e/assay.ts'
import { findProgram, sharedPath } from '../packages/server/test/e2e/needs.ts'
import { compareCpu } from './compare-cpu.ts'
import { measureLatency } from './latency.ts'
import { buildLoad } from './load.ts'
import { measureIdleConnections, measureLargeBody } from './memory.ts'
import { startPeers } from './peers.ts'
import { profilerEnv, profileSummary } from './profile.ts'
import { markdown, type Result } from './report.ts'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    profile: { type: 'string' },
  },
})
const effort = { rounds: Number(values.rounds), seconds: Number(values.seconds) }
const wants = (part: string): boolean => values.only === undefined || values.only === part

const missing = [
  ...['bench/icapload.c', 'bench/peers.sh']
    .filter((path) => !existsSync(sharedPath(path)))
    .map((path) => `../shared/${path}`),
  ...['cc', 'c-icap', 'clamd'].filter((name) => findProgram(name) === undefined),
]
if (missing.length > 0) {
  console.error(`THE BENCH CANNOT RUN: not there: ${missing.join(', ')} (bench/README.md says where they come from)`)
  process.exit(1)
}

async function withAssay<T>(use: (assay: Assay) => Promise<T>): Promise<T> {
  const assay = await startAssay(values.profile === undefined ? {} : { env: profilerEnv(values.profile) })
  try {
    return await use(assay)
  } finally {
    await assay.stop()
    removeFolder(assay.data)
  }
}

await buildLoad()
const results: Result[] = []
const tell = (result: Result): void => {
  results.push(result)
  console.error(`${result.what}: ${result.measured}`)
}
if (wants('cpu')) {
  const peers = await startPeers()
  try {
    await withAssay((assay) => compareCpu({ assay, peers, ...effort }, tell))
  } finally {
    await peers.stop()
  }
}
if (wants('latency')) await withAssay((assay) => measureLatency(assay, effort, tell))
if (wants('memory')) {
  await withAssay((assay) => measureLargeBody(assay, tell))
  await withAssay((assay) => measureIdleConnections(assay, tell))
}
console.log(markdown(results, effort))
if (values.profile !== undefined) console.log(profileSummary(values.profile))
