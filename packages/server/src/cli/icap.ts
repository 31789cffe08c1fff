import { IcapClientError } from '@assay/icap'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { exchangeOnce, type IcapTarget, parseIcapUrl, type SendOptions } from './icap-exchange.ts'
import { exitCodeOf, jsonOf, textOf } from './icap-output.ts'

/** Where a command writes; texts end with their own line end. */
export interface CommandIo {
  out(text: string): void
  err(text: string): void
}

/** The shell's code for a command line that cannot be understood (sysexits.h EX_USAGE). */
const EXIT_USAGE = 64
const EXIT_ERROR = 2

type Method = 'options' | 'reqmod' | 'respmod'

const HELP = {
  options: 'ask what a service can do',
  reqmod: 'send a request (with FILE: an upload) for checking',
  respmod: 'send a response (with FILE: a download) for checking',
} as const

/**
 * `assay icap options|reqmod|respmod URL [FILE]`: a client, for trying a server.
 * Sets `process.exitCode`: 0 answered and not blocked, 1 blocked (HTTP 403), 2 error or unreachable, 64 usage;
 * wrong usage that commander itself finds is thrown as CommanderError with exit code 64.
 */
export function icapCommand(io: CommandIo): Command {
  const icap = prepared(new Command('icap'), io).description('an ICAP client, for trying a server')
  for (const method of ['options', 'reqmod', 'respmod'] as const) {
    const command = prepared(new Command(method), io)
      .description(HELP[method])
      .argument('<url>', 'icap://HOST[:PORT]/SERVICE or icaps://...', parseUrlArgument)
    if (method !== 'options') addMessageOptions(command)
    addCommonOptions(command).action((...given: unknown[]) => act(method, command, given, io))
    icap.addCommand(command)
  }
  return icap
}

function prepared(command: Command, io: CommandIo): Command {
  return command
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) })
    .exitOverride((error) => {
      throw error.exitCode === 0 ? error : new CommanderError(EXIT_USAGE, error.code, error.message)
    })
}

function addCommonOptions(command: Command): Command {
  return command
    .option('--header <line>', "an ICAP header, 'X-Client-IP: 10.0.0.1'; may be given again", collectHeader, {})
    .option('--tls-ca <file>', 'PEM certificates to trust')
    .option('--tls-no-verify', 'accept any certificate')
    .option('--timeout <seconds>', 'for the whole exchange', parseSeconds, 60)
    .option('--json', 'print one JSON object')
}

function addMessageOptions(command: Command): void {
  command
    .argument('[file]', "the body; '-' for stdin")
    .addOption(
      new Option('--preview <bytes>', "size of the preview, or 'none' (default: what OPTIONS asks for)").argParser(
        parsePreview,
      ),
    )
    .option('--no-204', 'do not allow 204')
    .option('--allow-206', 'allow 206')
    .option('--http-url <url>', 'the URL of the HTTP message')
    .option('--method <method>', 'the HTTP method (default: POST with a file in reqmod, else GET)')
    .option('--content-type <type>', 'of the body', 'application/octet-stream')
    .option('-o, --output <file>', 'write the body that came back (after a 204: the original)')
}

async function act(method: Method, command: Command, given: readonly unknown[], io: CommandIo): Promise<void> {
  const target = given[0] as IcapTarget
  const file = method === 'options' ? undefined : (given[1] as string | undefined)
  const options = command.opts<SendOptions & { json?: boolean }>()
  try {
    const result = await exchangeOnce(target, { ...options, icapMethod: method, ...(file !== undefined && { file }) })
    io.out(options.json === true ? `${JSON.stringify(jsonOf(result))}\n` : textOf(result))
    process.exitCode = exitCodeOf(result)
  } catch (error) {
    const { code, message } = describeFailure(error)
    io.err(`assay icap: ${message}\n`)
    if (options.json === true) io.out(`${JSON.stringify({ error: { code, message } })}\n`)
    process.exitCode = code === 'ICAP_CLIENT_BAD_REQUEST' ? EXIT_USAGE : EXIT_ERROR
  }
}

function describeFailure(error: unknown): { code: string; message: string } {
  if (error instanceof IcapClientError) return { code: error.code, message: error.message }
  if (error instanceof Error && 'code' in error) return { code: String(error.code), message: error.message }
  return { code: 'UNKNOWN', message: String(error) }
}

function parseUrlArgument(text: string): IcapTarget {
  const target = parseIcapUrl(text)
  if (target === undefined) throw new InvalidArgumentError('an icap:// or icaps:// URL is needed.')
  return target
}

function parsePreview(text: string): number | 'none' {
  if (text === 'none') return 'none'
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("a number of bytes or 'none' is needed.")
  return Number(text)
}

function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (!(seconds > 0 && seconds <= 86_400)) throw new InvalidArgumentError('seconds between 0 and 86400 are needed.')
  return seconds
}

function collectHeader(line: string, before: Record<string, string[]>): Record<string, string[]> {
  const colon = line.indexOf(':')
  if (colon <= 0) throw new InvalidArgumentError("'Name: value' is needed.")
  const name = line.slice(0, colon)
  return { ...before, [name]: [...(before[name] ?? []), line.slice(colon + 1).trim()] }
}
