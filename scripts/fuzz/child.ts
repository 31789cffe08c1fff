/** One target in a process of its own: `scripts/fuzz/runner.ts` starts it, watches it and kills it. */
import { mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { FUZZ_FOLDER } from './cached.ts'
import { type FindingKind, type FromChild, type Job, MAX_GROWTH_BYTES, mostCpuMs } from './messages.ts'
import { Mutator } from './mutator.ts'
import { shrink } from './shrink.ts'
import type { Input, Prepared } from './target.ts'
import { targetNamed } from './targets.ts'

const SAVED_OF_A_KIND = 2
const TURN_EVERY = 64
const TELL_EVERY_MS = 1000

const job = JSON.parse(process.argv[2] ?? '{}') as Job
const target = targetNamed(job.target)
if (target === undefined) throw new Error(`no target ${job.target}`)

const faults: unknown[] = []
process.on('uncaughtException', (error) => faults.push(error))
process.on('unhandledRejection', (error) => faults.push(error))

// Nobody listens any more. The channel alone must not keep it alive: a promise that nobody settles ends it (code 13).
process.on('disconnect', () => process.exit())
process.channel?.unref()

const prepared = await target.prepare()
if (prepared.seeds.length === 0) throw new Error(`no seeds for ${job.target}`)
mkdirSync(FUZZ_FOLDER, { recursive: true })
const seen = new Map<string, number>()
const startRss = peakBytes()
const started = performance.now()
let [inputs, slowestMs, slowestIndex, told] = [0, 0, -1, started]
const cpuStart = cpuMs()

for (const seed of prepared.seeds) await runOne(seedInput(seed), -1)
inputs = 0
slowestMs = 0
try {
  if (job.file === undefined) await runAll(prepared)
  else await runOne({ bytes: readFileSync(job.file), fileName: '', declaredType: '', ...namesOf(job.file) }, -1)
  tell(true)
} catch (error) {
  // A fault of the fuzzer itself.
  console.error(error)
}
prepared.close?.()
process.disconnect?.()

async function runAll(from: Prepared): Promise<void> {
  const mutator = new Mutator(job.target, from, job.largeBytes)
  const place = openSync(job.progress, 'w')
  const number = Buffer.alloc(8)
  for (let index = job.from; index < job.from + job.inputs; index++) {
    number.writeDoubleLE(index)
    writeSync(place, number, 0, 8, 0)
    await runOne(mutator.make(job.seed, index), index)
    const grownBytes = peakBytes() - startRss
    if (grownBytes > MAX_GROWTH_BYTES) return send({ type: 'full', index, grownBytes })
    if (inputs % TURN_EVERY === 0) await setImmediate()
    const now = performance.now()
    if (now - started > job.forMs) return
    if (now - told > TELL_EVERY_MS) tell(false)
  }
}

async function runOne(input: Input, index: number): Promise<void> {
  const before = cpuMs()
  const error = await failure(input)
  const ms = cpuMs() - before
  inputs++
  if (ms > slowestMs) [slowestMs, slowestIndex] = [ms, index]
  if (error !== undefined) await found('exception', error, { input, index })
  else if (ms > mostCpuMs(input.bytes.length) && (await again(input)) > mostCpuMs(input.bytes.length))
    await found('slow', new Error(`${Math.round(ms)} ms of CPU time`), { input, index })
}

/** A collection of garbage may fall on anybody: the least of two more runs counts. */
async function again(input: Input): Promise<number> {
  const times: number[] = []
  for (let run = 0; run < 2; run++) {
    const before = cpuMs()
    await failure(input)
    times.push(cpuMs() - before)
  }
  return Math.min(...times)
}

async function failure({ bytes, fileName, declaredType }: Input): Promise<Error | undefined> {
  try {
    // A copy: what a parser changes in its input must not change what is saved.
    await prepared.run({ bytes: Buffer.from(bytes), fileName, declaredType })
    return faults.length === 0 ? undefined : errorOf(faults.pop())
  } catch (error) {
    return errorOf(error)
  } finally {
    faults.length = 0
  }
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(`thrown: ${String(error)}`)
}

function keyOf(error: Error): string {
  const frame = error.stack?.split('\n').find((line) => line.includes('/src/')) ?? ''
  return `${error.name}: ${error.message.replace(/\d+/g, 'N').slice(0, 120)} ${frame.trim()}`
}

async function found(kind: FindingKind, error: Error, { input, index }: { input: Input; index: number }): Promise<void> {
  const key = keyOf(error)
  const count = (seen.get(key) ?? 0) + 1
  seen.set(key, count)
  let saved = ''
  if (count <= SAVED_OF_A_KIND && job.file === undefined) {
    saved = `${FUZZ_FOLDER}/${job.target}-${job.seed}-${index}`
    writeFileSync(saved, input.bytes)
    writeFileSync(`${saved}.json`, JSON.stringify({ fileName: input.fileName, declaredType: input.declaredType }))
    if (kind === 'exception') writeFileSync(`${saved}.min`, await shortest(input, key))
  }
  const { fileName, declaredType } = input
  const stack = error.stack ?? ''
  send({ type: 'finding', finding: { kind, index, what: `${error.name}: ${error.message}`, stack, fileName, declaredType, saved } })
} // biome-ignore format: one message a line

function shortest(input: Input, key: string): Promise<Buffer> {
  return shrink(input.bytes, async (bytes) => {
    const error = await failure({ ...input, bytes })
    return error !== undefined && keyOf(error) === key
  })
}

function seedInput(seed: Prepared['seeds'][number]): Input {
  const bytes = seed.build === undefined ? (seed.parts[0] as Buffer) : seed.build(seed.parts)
  return { bytes, fileName: seed.fileName ?? '', declaredType: seed.declaredType ?? '' }
}

function namesOf(file: string): Partial<Input> {
  try {
    return JSON.parse(readFileSync(`${file.replace(/\.min$/, '')}.json`, 'utf8')) as Partial<Input>
  } catch {
    return {}
  }
}

function tell(isLast: boolean): void {
  told = performance.now()
  const wallMs = told - started
  const tally = { inputs, cpuMs: cpuMs() - cpuStart, wallMs, slowestMs, slowestIndex, peakBytes: peakBytes() }
  send({ type: 'tally', tally, isLast })
}

function send(message: FromChild): void {
  process.send?.(message)
}

/** Of all threads: what libraries unpack on others counts too. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024
}
