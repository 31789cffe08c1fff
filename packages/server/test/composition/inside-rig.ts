import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TransactionDetail } from '../../src/api/contract.ts'
import { TOP } from '../e2e/needs.ts'
import { type Finished, type RunOptions, runProgram, waitFor } from '../e2e/programs.ts'
import type { RawAnswer } from '../e2e/raw-icap.ts'
import { makeZip } from '../unpack/archives/make-zip.ts'
import type { Server } from './server-rig.ts'

/** `assay ARGS` on the server's data folder, in a process of its own. */
export function cli(server: Server, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const command = [`${TOP}bin/assay.ts`, ...args, '--data', server.data]
  return runProgram(process.execPath, command, { cwd: TOP, ...options })
}

/** Throws what it said where it does not exit 0. */
export async function assay(server: Server, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(server, args)
  if (code !== 0) throw new Error(`assay ${args.join(' ')} (${code}): ${stderr}${stdout}`)
  return stdout.toString()
}

/** What the client was told, in a word or two: `clean`, `blocked NAME`, `passed: DESC`, `error: DESC`. */
export function told({ status, headers, httpHead }: RawAnswer): string {
  const text = headers.get('x-response-desc') ?? ''
  const file = /FILE: (.*)$/.exec(text)?.[1] ?? text
  if (status === 204) return 'clean'
  if (status !== 200) return `${status}: ${file}`
  return httpHead.startsWith('HTTP/1.1 403') ? `blocked: ${headers.get('x-virus-id')}` : `passed: ${file}`
}

/** The record of the last message whose URL holds this. */
export async function detailOf(server: Server, contains: string): Promise<TransactionDetail> {
  const record = await waitFor(`the record of ${contains}`, async () => (await server.transactions(contains))[0])
  return (await server.api('GET', `/transactions/${record.id}`)).json as TransactionDetail
}

export async function engineOf(server: Server, name: string) {
  // Workers report once a second: a report of before a change would be an old answer.
  await sleep(1200)
  const { engines } = await server.status()
  const engine = engines.find((one) => one.engine === name)
  if (engine === undefined) throw new Error(`no engine ${name} in ${JSON.stringify(engines)}`)
  return engine
}

/** The file in `depth` ZIPs, one in another: `a.zip!/b.zip!/...`. */
export function zipped(depth: number, name: string, bytes: Buffer): Buffer {
  let inner = { name, data: bytes }
  for (let level = 1; level <= depth; level++)
    inner = { name: `level${level}.zip`, data: makeZip([{ ...inner, data: inner.data, how: 'deflate' }]) as never }
  return inner.data
}

/** Each thread that looks inside keeps 7-Zip open from its start on. */
export function contentsThreads(worker: number): number {
  return readdirSync(`/proc/${worker}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${worker}/fd/${fd}`).endsWith('/7zzs')
    } catch {
      return false // closed meanwhile
    }
  }).length
}

/** Pids below a worker, bubblewrap's first. */
export function toolsBelow(worker: number): number[] {
  const found: number[] = childrenOf(worker)
  for (const pid of found) found.push(...childrenOf(pid))
  return found
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) => {
      const text = readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').trim()
      return text === '' ? [] : text.split(' ').map(Number)
    })
  } catch {
    return [] // ended meanwhile
  }
}
