import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeFolder } from '../packages/server/test/e2e/assay.ts'
import { sharedPath } from '../packages/server/test/e2e/needs.ts'
import { freePorts, runProgram } from '../packages/server/test/e2e/programs.ts'

export interface Peers {
  readonly echo: { readonly port: number; readonly pids: readonly number[] }
  readonly clamd: { readonly port: number; readonly pids: readonly number[] }
  /** The YARA rules that clamd has loaded. */
  readonly rulesFile: string
  stop(): Promise<void>
}

/** c-icap's echo, and c-icap with clamd, by `../shared/bench/peers.sh`. */
export async function startPeers(): Promise<Peers> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-peers-'))
  const script = sharedPath('bench/peers.sh')
  const [echoPort = 0, clamdPort = 0] = await freePorts(2)
  const env = { ...process.env, ECHO_PORT: String(echoPort), CLAMD_PORT: String(clamdPort) }
  const started = await runProgram('bash', [script, 'start', folder, 'echo', 'clamd'], { env, timeoutMs: 120_000 })
  const text = started.stdout.toString()
  if (started.code !== 0) throw new Error(`peers.sh: ${started.stderr}${text}`)
  const value = (name: string): string => new RegExp(`\\b${name}=(\\S+)`).exec(text)?.[1] ?? ''
  return {
    echo: { port: echoPort, pids: [Number(value('ECHO_PID'))] },
    clamd: { port: clamdPort, pids: [Number(value('CLAMD_PID')), Number(value('CLAMD_CICAP_PID'))] },
    rulesFile: join(value('SIGS'), 'bench.yar'),
    stop: async () => {
      await runProgram('bash', [script, 'stop', folder])
      removeFolder(folder)
    },
  }
}
