import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeFolder } from './assay.ts'
import { runProgram } from './programs.ts'

export interface IcapAnswer {
  /** The ICAP status. */
  readonly status: number
  readonly icap: ReadonlyMap<string, string>
  /** Start line of the HTTP message that came with it; '' when there was none. */
  readonly httpLine: string
  /** The message's body; undefined for a 204. */
  readonly body: Buffer | undefined
}

export interface CIcapOptions {
  readonly port: number
  readonly service: string
  readonly file: Buffer
  /** A REQMOD of this URL; else a RESPMOD, of `respUrl` where given. */
  readonly reqUrl?: string
  readonly respUrl?: string
  readonly tls?: boolean
  readonly args?: readonly string[]
}

/** Debian's c-icap-client: OPTIONS and then one message on the same connection. */
export async function cIcapClient(options: CIcapOptions): Promise<IcapAnswer> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-cicap-'))
  try {
    writeFileSync(join(folder, 'in'), options.file)
    const { code, stderr, stdout } = await runProgram('c-icap-client', clientArgs(options, folder), {
      timeoutMs: 20_000,
    })
    if (code !== 0) throw new Error(`c-icap-client ended with ${code}: ${stderr}${stdout.toString().slice(0, 500)}`)
    return readAnswer(stderr, join(folder, 'out'))
  } finally {
    removeFolder(folder)
  }
}

function clientArgs({ port, service, reqUrl, respUrl, tls, args = [] }: CIcapOptions, folder: string): string[] {
  return [
    ...[
      '-i',
      '127.0.0.1',
      '-p',
      String(port),
      '-s',
      service,
      '-f',
      join(folder, 'in'),
      '-o',
      join(folder, 'out'),
      '-v',
    ],
    ...(reqUrl === undefined ? [] : ['-req', reqUrl]),
    ...(respUrl === undefined ? [] : ['-resp', respUrl]),
    ...(tls ? ['-tls', '-tls-no-verify'] : []),
    ...args,
  ]
}

/** It prints two heads, `ICAP HEADERS:` and `REQMOD|RESPMOD HEADERS:`, a tab before each line. */
function readAnswer(text: string, outFile: string): IcapAnswer {
  const section = (title: string): string[] =>
    (new RegExp(`${title} HEADERS:\\n((?:\\t.*\\n?)*)`).exec(text)?.[1] ?? '').split('\n').map((line) => line.trim())
  const [statusLine = '', ...lines] = section('ICAP')
  const status = Number(/^ICAP\/1\.0 (\d{3})/.exec(statusLine)?.[1] ?? 0)
  if (status === 0) throw new Error(`c-icap-client printed no ICAP status:\n${text}`)
  const icap = new Map(
    lines
      .filter((line) => line.includes(':'))
      .map((line) => [line.split(':')[0]?.toLowerCase() ?? '', line.slice(line.indexOf(':') + 1).trim()]),
  )
  const httpLine = status === 204 ? '' : (section('(?:REQMOD|RESPMOD)')[0] ?? '')
  return { status, icap, httpLine, body: status === 204 ? undefined : readFileSync(outFile) }
}
