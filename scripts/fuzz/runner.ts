import { type ChildProcess, fork } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { FUZZ_FOLDER } from './cached.ts'
import {
  type FindingKind,
  type FromChild,
  type FuzzFinding,
  type Job,
  MAX_GROWTH_BYTES,
  mostCpuMs,
  type Tally,
} from './messages.ts'
import type { Target } from './target.ts'

const HANG_TIMES = 10
/** On a machine that does nothing else even a wait is shorter. */
const HANG_WALL_MS = 180_000
const LOOK_EVERY_MS = 250
const TICK_MS = 10

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url))

export interface Plan {
  readonly seed: number
  readonly from: number
  readonly inputs: number
  readonly forMs: number
  readonly largeBytes: number
  /** An input that has had so many times what it may cost is given up; 10. */
  readonly hangTimes?: number
}

export interface TargetReport {
  readonly target: string
  readonly seed: number
  readonly largeBytes: number
  readonly inputs: number
  readonly seconds: number
  readonly slowestMs: number
  readonly slowestIndex: number
  readonly peakMib: number
  /** New processes because the garbage of many inputs had grown; alone none of these inputs did. */
  readonly renewed: number
  readonly findings: readonly FuzzFinding[]
}

type Ended =
  | { readonly why: 'done' }
  | { readonly why: 'full' | 'hang' | 'death'; readonly index: number; readonly what: string }

interface Round {
  readonly tally: Tally
  readonly findings: readonly FuzzFinding[]
  readonly ended: Ended
} // biome-ignore format: one type a line

/** All inputs of one target, in as many processes as it takes. */
export async function fuzzTarget(target: Target, plan: Plan): Promise<TargetReport> {
  const end = performance.now() + plan.forMs
  const rounds: Round[] = []
  const findings: FuzzFinding[] = []
  let renewed = 0
  for (let from = plan.from; from < plan.from + plan.inputs; ) {
    const forMs = end - performance.now()
    if (forMs <= 0) break
    const round = await runChild(jobOf(target, plan, { from, inputs: plan.from + plan.inputs - from, forMs }), plan.hangTimes)
    rounds.push(round)
    findings.push(...round.findings)
    const { ended } = round
    if (ended.why === 'done') break
    const finding = ended.why === 'full' ? await memoryFinding(target, plan, ended.index) : bare(ended.why, ended, plan, target)
    if (finding === undefined) renewed++
    else findings.push(finding)
    // A process that dies before its first input does so again.
    if (ended.index < from) break
    from = ended.index + 1
  }
  return summed(target, plan, { rounds, findings, renewed })
} // biome-ignore format: one finding a line

function jobOf(target: Target, { seed, largeBytes }: Plan, more: Pick<Job, 'from' | 'inputs' | 'forMs'>): Job {
  return {
    target: target.name,
    seed,
    largeBytes,
    progress: `${FUZZ_FOLDER}/${target.name}.${process.pid}.progress`,
    ...more,
  }
}

/** Whether this one input alone, in a new process, grows it so much. */
async function memoryFinding(target: Target, plan: Plan, index: number): Promise<FuzzFinding | undefined> {
  const alone = await runChild(jobOf(target, plan, { from: index, inputs: 1, forMs: 600_000 }))
  const { ended } = alone
  return ended.why === 'done' ? undefined : bare('memory', { index, what: ended.what }, plan, target)
}

function bare(kind: FindingKind, { index, what }: { index: number; what: string }, { seed, largeBytes }: Plan, target: Target): FuzzFinding {
  const stack = `again: npm run fuzz -- --target ${target.name} --seed ${seed} --from ${index} --inputs 1${largeBytes === 0 ? '' : ` --large ${largeBytes}`}`
  return { kind, index, what, stack, fileName: '', declaredType: '', saved: '' }
} // biome-ignore format: one signature

/** One file's bytes, as they are. */
export function runFile(target: Target, file: string): Promise<Round> {
  return runChild({ ...jobOf(target, { seed: 0, from: 0, inputs: 1, forMs: 0, largeBytes: 0 }, { from: 0, inputs: 1, forMs: 600_000 }), file })
} // biome-ignore format: one call

const NOTHING: Tally = { inputs: 0, cpuMs: 0, wallMs: 0, slowestMs: 0, slowestIndex: -1, peakBytes: 0 }

function runChild(job: Job, hangTimes = HANG_TIMES): Promise<Round> {
  mkdirSync(FUZZ_FOLDER, { recursive: true })
  writeFileSync(job.progress, Buffer.from(new Float64Array([job.from - 1]).buffer))
  const child = fork(CHILD, [JSON.stringify(job)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const findings: FuzzFinding[] = []
  let tally = NOTHING
  let full: Ended | undefined
  let isDone = false
  child.on('message', (message: FromChild) => {
    if (message.type === 'finding') findings.push(message.finding)
    else if (message.type === 'full') full = { why: 'full', index: message.index, what: grown(message.grownBytes) }
    else {
      tally = message.tally
      isDone ||= message.isLast
    }
  })
  const watch = watchdog(child, job, hangTimes * mostCpuMs(job.largeBytes))
  // What it has said may come after its end.
  const silent = new Promise<void>((resolve) => void child.on('disconnect', resolve))
  return new Promise((resolve) => {
    child.on('exit', async (code, signal) => {
      const hung = watch.stop()
      await silent
      const place = progressOf(job)
      rmSync(job.progress)
      const death: Ended = {
        why: 'death',
        index: place,
        what: `the process died: ${signal ?? `code ${code}`}`,
      }
      resolve({ tally, findings, ended: hung ?? full ?? (isDone ? { why: 'done' } : death) })
    })
  })
}

function grown(bytes: number): string {
  return `memory grew by ${Math.round(bytes / 2 ** 20)} MiB (at most ${MAX_GROWTH_BYTES / 2 ** 20})`
}

/** Kills a child whose input does not come to an end. */
function watchdog(child: ChildProcess, job: Job, mostMs: number): { stop(): Ended | undefined } {
  let hung: Ended | undefined
  let [index, cpu, since] = [Number.NaN, 0, performance.now()]
  const timer = setInterval(() => {
    const now = progressOf(job)
    const used = cpuOf(child.pid)
    if (now !== index || now < job.from) [index, cpu, since] = [now, used, performance.now()]
    const isHung = used - cpu > mostMs || performance.now() - since > HANG_WALL_MS
    if (!isHung) return
    hung = { why: 'hang', index, what: `still running after ${Math.round(used - cpu)} ms of CPU time` }
    child.kill('SIGKILL')
  }, LOOK_EVERY_MS)
  return {
    stop() {
      clearInterval(timer)
      return hung
    },
  }
}

function progressOf({ progress }: Job): number {
  const bytes = readFileSync(progress)
  return bytes.length < 8 ? -1 : bytes.readDoubleLE(0)
}

/** proc(5): utime and stime, in ticks of 1/100 s. 0 where there is no /proc: then only the wall clock counts. */
function cpuOf(pid: number | undefined): number {
  const path = `/proc/${pid}/stat`
  if (pid === undefined || !existsSync(path)) return 0
  const fields = readFileSync(path, 'latin1').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

interface Sum {
  readonly rounds: readonly Round[]
  readonly findings: readonly FuzzFinding[]
  readonly renewed: number
}

function summed(target: Target, { seed, largeBytes }: Plan, { rounds, findings, renewed }: Sum): TargetReport {
  const slowest = rounds.map(({ tally }) => tally).reduce((a, b) => (b.slowestMs > a.slowestMs ? b : a), NOTHING)
  const sum = (of: (tally: Tally) => number) => rounds.reduce((total, { tally }) => total + of(tally), 0)
  return {
    target: target.name,
    seed,
    largeBytes,
    inputs: sum(({ inputs }) => inputs),
    seconds: sum(({ wallMs }) => wallMs) / 1000,
    slowestMs: Math.round(slowest.slowestMs),
    slowestIndex: slowest.slowestIndex,
    peakMib: Math.round(Math.max(0, ...rounds.map(({ tally }) => tally.peakBytes)) / 2 ** 20),
    renewed,
    findings,
  }
}
