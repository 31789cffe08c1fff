import { resolve } from 'node:path'
import { Command } from 'commander'
import { consoleAddressFault } from '../api/contract.ts'
import { type CommandContext, variable } from './context.ts'
import { type ExitCode, usageError } from './exit.ts'

/** What overrides a setting for one run; the variable is ASSAY_ and the flag in capitals. */
const FLAGS = [
  ['--icap-port <port>', 'ICAP port (1344)'],
  ['--icap-listen <address>', 'ICAP address (all)'],
  ['--icaps-port <port>', 'ICAPS port (11344)'],
  ['--console-port <port>', 'port of health, metrics and status page (8080)'],
  ['--console-listen <address>', 'its address (127.0.0.1)'],
  ['--workers <n>', 'ICAP worker processes (one a core)'],
  ['--log-level <level>', 'fatal, error, warn, info, debug or trace'],
] as const

export function serveCommand({ io, tools, dataFolder, exit }: CommandContext): Command {
  const command = new Command('serve').description('run the server until SIGTERM')
  for (const [flag, help] of FLAGS) command.option(flag, `${help} [${variableOf(flag)}]`)
  command.option('--settings <file>', 'YAML settings file that overrides what is saved [ASSAY_SETTINGS]')
  return command.action(async ({ settings, ...flags }: Readonly<Record<string, string>>) => {
    refuseOpenConsole('--console-listen', flags.consoleListen)
    refuseOpenConsole('ASSAY_CONSOLE_LISTEN', variable(io, 'ASSAY_CONSOLE_LISTEN'))
    const file = settings ?? variable(io, 'ASSAY_SETTINGS')
    const settingsFile = file === undefined ? undefined : resolve(file)
    exit((await tools.serve({ data: dataFolder(), settingsFile, flags, environment: io.env })) as ExitCode)
  })
}

function variableOf(flag: string): string {
  return `ASSAY_${flag.split(' ')[0]?.slice(2).toUpperCase().replaceAll('-', '_')}`
}

function refuseOpenConsole(source: string, address: string | undefined): void {
  const fault = address === undefined ? undefined : consoleAddressFault(address)
  if (fault !== undefined) throw usageError(`${source}: ${fault}`)
}
