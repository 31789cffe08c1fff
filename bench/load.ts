import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { sharedPath, TOP } from '../packages/server/test/e2e/needs.ts'
import { runProgram } from '../packages/server/test/e2e/programs.ts'

const BUILT = join(TOP, '.cache/bench/icapload')

export interface Load {
  readonly port: number
  readonly service: string
  readonly bodyBytes: number
  readonly connections: number
  readonly seconds: number
  readonly allow204?: boolean
  /** Requests a second, open loop; else as fast as the connections go. */
  readonly rate?: number
}

/** What icapload prints, as far as it is used. */
export interface LoadResult {
  readonly requests: number
  readonly rps: number
  readonly errors: number
  readonly error_kinds: Readonly<Record<string, number>>
  readonly icap: Readonly<Record<string, number>>
  readonly lat_us: { readonly p50: number; readonly p99: number }
}

/** Builds `../shared/bench/icapload.c`. */
export async function buildLoad(): Promise<void> {
  mkdirSync(join(BUILT, '..'), { recursive: true })
  const { code, stderr } = await runProgram('cc', ['-O2', '-std=gnu11', '-o', BUILT, sharedPath('bench/icapload.c')])
  if (code !== 0) throw new Error(`cc icapload.c: ${stderr}`)
}

/** Unique URLs and bodies, so that no cache can answer; every answer is checked byte for byte. Any error is thrown. */
export async function runLoad(load: Load): Promise<LoadResult> {
  const { port, service, bodyBytes, connections, seconds, allow204 = false, rate } = load
  const args = ['-p', port, '-s', service, '-b', bodyBytes, '-c', connections, '-d', seconds, '-w', 0, '--unique']
  if (allow204) args.push('--allow204')
  if (rate !== undefined) args.push('--rate', rate)
  const { code, stdout, stderr } = await runProgram(BUILT, args.map(String), { timeoutMs: (seconds + 120) * 1000 })
  if (code !== 0) throw new Error(`icapload ${args.join(' ')}: ${code}: ${stderr} ${stdout.toString()}`)
  return JSON.parse(stdout.toString()) as LoadResult
}
