import { Readable } from 'node:stream'
import { main } from '../../src/cli/cli.ts'
import type { CliTools, ScannedFile } from '../../src/cli/tools.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

interface RunOptions {
  readonly stdin?: string
  readonly env?: Record<string, string>
  readonly tools?: Partial<CliTools>
}

/** The command line in this process: its output, what it says beside it, and its exit code. */
export async function run(
  argv: readonly string[],
  { stdin = '', env = {}, tools = {} }: RunOptions = {},
): Promise<Ran> {
  let out = ''
  let err = ''
  const io = {
    stdin: Readable.from([Buffer.from(stdin)]),
    write: async (text: string) => {
      out += text
    },
    warn: (text: string) => {
      err += `${text}\n`
    },
    env,
  }
  const code = await main(argv, { ...noTools, ...tools }, io)
  return { code, out, err }
}

const noTools: CliTools = {
  serve: () => Promise.reject(new Error('serve is not for this test')),
  scan: () => {
    throw new Error('scan is not for this test')
  },
  checkDatabase: async () => ({ reachable: true, detail: 'SQLite' }),
  modelFeatures: () => Promise.reject(new Error('modelFeatures is not for this test')),
  checkRules: () => Promise.reject(new Error('checkRules is not for this test')),
  retroScan: () => {
    throw new Error('retroScan is not for this test')
  },
}

export function scanned(
  path: string,
  changes: Partial<ScannedFile['line']> = {},
  reachesThreshold = false,
): ScannedFile {
  const line = {
    path,
    sha256: '',
    sha1: '',
    size: 0,
    type: '',
    outcome: 'clean',
    risk: 'none',
    reasons: [],
    detections: [],
    evidence: { nodes: [], omitted: 0 },
  } as const
  return { line: { ...line, ...changes }, reachesThreshold }
}
