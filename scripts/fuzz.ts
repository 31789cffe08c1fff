// `npm run fuzz -- [--inputs N | --seconds N] [--target NAME,NAME] [--seed S] [--from I] [--large BYTES] [--file PATH]`:
// changed samples against
// every parser, each target in a process of its own (docs/fuzzing.md). Exits 1 when anything was found.
import { appendFileSync, mkdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { FUZZ_FOLDER } from './fuzz/cached.ts'
import { fuzzIcap } from './fuzz/icap.ts'
import { fuzzTarget, runFile, type TargetReport } from './fuzz/runner.ts'
import { TARGETS } from './fuzz/targets.ts'

const QUICK_INPUTS = 200_000
const ICAP = 'icap'
/** The protocol's own fuzzers go by time: so long where the others go by number, this part of the time else. */
const ICAP_MS = 10_000
const ICAP_PART = 0.2
const LONG_MS = 24 * 3600 * 1000

function fail(text: string): never {
  console.error(`fuzz: ${text}`)
  process.exit(64)
}

function numberOf(text: string, name: string): number {
  const value = Number(text)
  return Number.isSafeInteger(value) && value >= 0 ? value : fail(`--${name} needs a whole number`)
}

const { values } = parseArgs({
  options: {
    inputs: { type: 'string' },
    seconds: { type: 'string' },
    target: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    from: { type: 'string', default: '0' },
    large: { type: 'string', default: '0' },
    file: { type: 'string' },
  },
})

const names = values.target?.split(',') ?? [ICAP, ...TARGETS.map(({ name }) => name)]
const unknown = names.filter((name) => name !== ICAP && !TARGETS.some((target) => target.name === name))
if (unknown.length > 0)
  fail(`no target ${unknown.join(', ')}; there are ${[ICAP, ...TARGETS.map(({ name }) => name)].join(' ')}`)

const chosen = TARGETS.filter(({ name }) => names.includes(name))
const seed = numberOf(values.seed, 'seed')
const from = numberOf(values.from, 'from')
const seconds = values.seconds === undefined ? undefined : numberOf(values.seconds, 'seconds')
const inputs = values.inputs === undefined ? undefined : numberOf(values.inputs, 'inputs')
const shares = chosen.reduce((sum, { share }) => sum + share, 0)

if (values.file === undefined) await fuzzAll()
else await runOneFile(values.file)

async function fuzzAll(): Promise<void> {
  const reports: TargetReport[] = []
  if (names.includes(ICAP)) reports.push(told(await fuzzIcap(seed, icapMs())))
  for (const target of chosen) {
    const part = target.share / shares
    const plan = {
      seed,
      from,
      largeBytes: numberOf(values.large, 'large'),
      inputs: inputs === undefined && seconds !== undefined ? Number.MAX_SAFE_INTEGER - from : Math.ceil((inputs ?? QUICK_INPUTS) * part),
      forMs: seconds === undefined ? LONG_MS : seconds * 1000 * part * (names.includes(ICAP) ? 1 - ICAP_PART : 1),
    }
    reports.push(told(await fuzzTarget(target, plan)))
  }
  const sum = reports.reduce((total, report) => total + report.inputs, 0)
  const findings = reports.reduce((total, report) => total + report.findings.length, 0)
  console.log(`seed ${seed}: ${sum} inputs to ${reports.length} targets, ${findings} findings`)
  if (findings > 0) process.exitCode = 1
} // biome-ignore format: one plan

function icapMs(): number {
  if (seconds === undefined) return ICAP_MS
  return seconds * 1000 * (names.length === 1 ? 1 : ICAP_PART)
}

/** A line for people, one for the sums. */
function told(report: TargetReport): TargetReport {
  mkdirSync(FUZZ_FOLDER, { recursive: true })
  appendFileSync(`${FUZZ_FOLDER}/runs.jsonl`, `${JSON.stringify({ at: new Date().toISOString(), ...report })}\n`)
  const slowest = report.slowestIndex < 0 ? '' : `, slowest ${report.slowestMs} ms (input ${report.slowestIndex})`
  const { target, findings } = report
  console.log(`${target}: ${report.inputs} inputs in ${Math.round(report.seconds)} s${slowest}, peak ${report.peakMib} MiB, ${findings.length} findings`)
  const kinds = new Map(findings.map((finding) => [`${finding.kind} ${finding.what} ${finding.stack.split('\n')[1] ?? ''}`, finding]))
  for (const { kind, index, what, stack, saved } of [...kinds.values()].slice(0, 20))
    console.error(`  ${kind} at input ${index}: ${what}\n    ${stack.split('\n').slice(0, 4).join('\n    ')}\n    ${saved}`)
  return report
} // biome-ignore format: one text a line

async function runOneFile(file: string): Promise<void> {
  const [target] = chosen
  if (target === undefined || chosen.length > 1) fail('--file needs one --target')
  const { tally, findings, ended } = await runFile(target, file)
  for (const { what, stack } of findings) console.error(`${what}\n${stack}`)
  console.log(
    `${file}: ${Math.round(tally.slowestMs)} ms, peak ${Math.round(tally.peakBytes / 2 ** 20)} MiB, ${ended.why}`,
  )
  if (findings.length > 0 || ended.why !== 'done') process.exitCode = 1
}
