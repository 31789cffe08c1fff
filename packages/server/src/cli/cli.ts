import { resolve } from 'node:path'
import { Command, CommanderError } from 'commander'
import { apiClient } from './api-client.ts'
import { type CommandContext, DEFAULT_DATA, variable } from './context.ts'
import { doctorCommand } from './doctor.ts'
import { CliError, EXIT, type ExitCode } from './exit.ts'
import { feedsCommand } from './feeds.ts'
import { icapCommand } from './icap.ts'
import { listsCommand } from './lists.ts'
import { modelsCommand } from './models.ts'
import { passwordsCommand } from './passwords.ts'
import { printable } from './print.ts'
import { recallCommand } from './recall.ts'
import { rulesCommand } from './rules.ts'
import { scanCommand } from './scan.ts'
import { serveCommand } from './serve.ts'
import { settingsCommand } from './settings.ts'
import { statusCommand } from './status.ts'
import type { CliTools, Io } from './tools.ts'
import { transactionsCommand } from './transactions.ts'
import { versionCommand } from './version.ts'

/**
 * The command line: resolves to the exit code, never rejects for what a user can get wrong.
 * `argv` is without the program's name; `tools` are the entry points of the composition root.
 */
export async function main(argv: readonly string[], tools: CliTools, io: Io = processIo()): Promise<number> {
  let exitCode: ExitCode = EXIT.ok
  const program = new Command('assay').description('open ICAP malware-analysis server')
  program.option('--data <folder>', 'the data folder (data beside package.json) [ASSAY_DATA]')
  const dataFolder = () => resolve(program.opts<{ data?: string }>().data ?? variable(io, 'ASSAY_DATA') ?? DEFAULT_DATA)
  const context: CommandContext = {
    io,
    tools,
    dataFolder,
    api: () => apiClient(dataFolder()),
    exit: (code) => {
      exitCode = code
    },
  }
  const output: string[] = []
  for (const make of COMMANDS) program.addCommand(make(context))
  configure(program, { write: (text) => output.push(text), warn: (text) => io.warn(text.trimEnd()) })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    return report(error, io, output.join(''))
  }
}

/** The ICAP client says its exit code by `process.exitCode`. */
function icapFor({ io, exit }: CommandContext): Command {
  const command = icapCommand({
    out: (text) => void io.write(text).catch(() => {}),
    err: (text) => io.warn(text.trimEnd()),
  })
  return command.hook('postAction', () => {
    exit(Number(process.exitCode ?? EXIT.ok) as ExitCode)
    process.exitCode = undefined
  })
}

const COMMANDS = [
  serveCommand,
  icapFor,
  settingsCommand,
  statusCommand,
  transactionsCommand,
  recallCommand,
  listsCommand,
  feedsCommand,
  rulesCommand,
  passwordsCommand,
  modelsCommand,
  scanCommand,
  doctorCommand,
  versionCommand,
]

/** Commander would print and end the process by itself. */
function configure(command: Command, out: { write(text: string): void; warn(text: string): void }): void {
  command.exitOverride().configureOutput({ writeOut: out.write, writeErr: out.warn })
  for (const child of command.commands) configure(child, out)
}

async function report(error: unknown, io: Io, help: string): Promise<number> {
  // Help ends with 0; what commander could not parse it has told already.
  if (error instanceof CommanderError) {
    if (help !== '') await io.write(help).catch(() => {})
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  }
  if (isOutputClosed(error)) return EXIT.outputClosed
  if (!(error instanceof CliError)) {
    io.warn(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return EXIT.internal
  }
  io.warn(`assay: ${printable(error.message)}`)
  for (const fault of error.faults) io.warn(`  ${printable(fault)}`)
  return error.exitCode
}

function isOutputClosed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE'
}

function processIo(): Io {
  // Without a listener a reader that goes away (`assay transactions | head`) would crash the process; `write` rejects instead.
  process.stdout.on('error', () => {})
  return {
    stdin: process.stdin,
    write: (text) =>
      new Promise((done, fail) => {
        process.stdout.write(text, (error) => (error ? fail(error) : done()))
      }),
    warn: (text) => void process.stderr.write(`${text}\n`),
    env: process.env,
  }
}
