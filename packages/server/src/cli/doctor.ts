import { Command } from 'commander'
import { type Status, statusSchema } from '../api/contract.ts'
import type { CommandContext } from './context.ts'
import { checkClock, checkDataFolder, checkNode, checkOpenFiles, checkPorts, checkUser } from './doctor-host.ts'
import { checkConfinement, checkSevenZip, checkYara } from './doctor-programs.ts'
import { CliError, EXIT } from './exit.ts'
import { type Finding, ok } from './finding.ts'
import { jsonText, printable } from './print.ts'
import { programVersion } from './version.ts'

export function doctorCommand(context: CommandContext): Command {
  return new Command('doctor')
    .description('look at everything that the server needs, and say how to mend it; exit 1 when something is bad')
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const findings = await examine(context)
      await context.io.write(json ? jsonText(findings) : findings.map(findingText).join(''))
      if (findings.some(({ state }) => state === 'bad')) context.exit(EXIT.refused)
    })
}

async function examine(context: CommandContext): Promise<Finding[]> {
  const data = context.dataFolder()
  const { status, finding } = await askServer(context)
  const findings = [
    ok('version', `Assay ${programVersion()}`),
    checkNode(process.versions),
    checkUser(process.getuid?.()),
    checkDataFolder(data),
    checkOpenFiles(),
    checkClock(data),
    checkYara(),
    checkSevenZip(),
    await checkConfinement(context.tools.confineTool),
    finding,
    ...(await checkPorts(status, context.io.env)),
    ...(status?.engines ?? []).map(checkEngine),
    await checkDatabase(context, data),
  ]
  return findings
}

async function askServer({ api }: CommandContext): Promise<{ status?: Status; finding: Finding }> {
  try {
    const status = await api().json({ path: '/status' }, statusSchema)
    const { ready, reasons } = status.readiness
    if (ready) return { status, finding: ok('server', `version ${status.version} runs and is ready`) }
    const detail = `runs and is not ready: ${reasons.join('; ')}`
    return { status, finding: { check: 'server', state: 'bad', detail, mend: 'see the engines below' } }
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    const mend = error.exitCode === EXIT.noPermission ? 'run doctor as that user' : 'start it with npm start'
    return { finding: { check: 'server', state: 'warn', detail: error.message, mend } }
  }
}

function checkEngine({ engine, state, version, detail }: Status['engines'][number]): Finding {
  if (state === 'down')
    return {
      check: `engine ${engine}`,
      state: 'bad',
      detail: `down: ${detail}`,
      mend: 'mend what it names, or switch it off: assay settings get scan',
    }
  return ok(`engine ${engine}`, state === 'off' ? `off ${detail}`.trimEnd() : `up, ${version}`)
}

async function checkDatabase({ tools, io }: CommandContext, data: string): Promise<Finding> {
  const { reachable, detail } = await tools.checkDatabase(data)
  if (reachable) return ok('database', detail)
  const mend = io.env.ASSAY_DATABASE_URL
    ? 'start that PostgreSQL server, or mend ASSAY_DATABASE_URL'
    : 'make DATA/assay.db readable for this user, or restore it from a backup'
  return { check: 'database', state: 'bad', detail, mend }
}

function findingText({ check, state, detail, mend }: Finding): string {
  const line = `${state.padEnd(4)}  ${printable(check)}: ${printable(detail)}\n`
  return mend === '' ? line : `${line}      -> ${printable(mend)}\n`
}
