import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { Command } from 'commander'
import { z } from 'zod'
import {
  RULE_FILE_NAME,
  type RuleFile,
  type RuleHitCount,
  type RuleOptionsChange,
  ruleFileSchema,
  ruleFilesSchema,
  ruleHitsSchema,
} from '../api/contract.ts'
import type { CommandContext } from './context.ts'
import { CliError, EXIT, usageError } from './exit.ts'
import { columns, jsonText } from './print.ts'
import { checkCommand, showCommand } from './rules-check.ts'
import { retroCommand } from './rules-retro.ts'
import { readText } from './value.ts'

const oneFile = z.strictObject({ file: ruleFileSchema })
const allHits = z.strictObject({ hits: z.array(ruleHitsSchema).readonly() })

interface OptionFlags {
  readonly shadow?: boolean
  readonly weight?: string
  readonly types?: string
  readonly json?: boolean
}

export function rulesCommand(context: CommandContext): Command {
  const command = new Command('rules').description('the YARA rule files of the running server')
  for (const make of COMMANDS) command.addCommand(make(context))
  return command
}

const COMMANDS = [
  addCommand,
  listCommand,
  showCommand,
  removeCommand,
  (context: CommandContext) => switchCommand(context, 'enable', { enabled: true }),
  (context: CommandContext) => switchCommand(context, 'disable', { enabled: false }),
  (context: CommandContext) => switchCommand(context, 'shadow', { shadow: true }),
  (context: CommandContext) => switchCommand(context, 'enforce', { shadow: false }),
  setCommand,
  checkCommand,
  retroCommand,
]

function addCommand({ api, io }: CommandContext): Command {
  return withOptionFlags(
    new Command('add').description(
      'add or replace a rule file; one that does not compile is kept apart, and the exit code is 1',
    ),
  )
    .option('--shadow', 'its hits are counted and kept with the sample, and block nothing')
    .action(async (path: string, flags: OptionFlags) => {
      const text = await readText(createReadStream(path), path)
      const options = { ...changeOf(flags), ...(flags.shadow ? { shadow: true } : {}) }
      const file = { name: nameOf(path), text, ...(Object.keys(options).length > 0 ? { options } : {}) }
      await tell({ api, io }, flags, await api().json({ method: 'POST', path: '/rules', json: file }, oneFile))
    })
}

function withOptionFlags(command: Command): Command {
  return command
    .argument('<file>')
    .option('--weight <n>', '1-10, for rules without one of their own: the order in which hits are told (none)')
    .option('--types <names>', 'true types or families that it is asked about, with commas (all)')
    .option('--json', 'as JSON')
}

function setCommand({ api, io }: CommandContext): Command {
  return withOptionFlags(
    new Command('set').description('give a rule file a weight, or the types it is asked about'),
  ).action(async (path: string, flags: OptionFlags) => {
    const json = changeOf(flags)
    if (Object.keys(json).length === 0) throw usageError('give --weight or --types')
    await tell({ api, io }, flags, await api().json(optionsCall(path, json), oneFile))
  })
}

const SWITCHES = {
  enable: 'ask a disabled rule file again',
  disable: 'ask a rule file no more, also one that comes with the program',
  shadow: 'count what a rule file hits and keep it with the sample, but block nothing',
  enforce: 'end the shadow of a rule file',
}

function switchCommand({ api, io }: CommandContext, word: keyof typeof SWITCHES, change: RuleOptionsChange): Command {
  return new Command(word)
    .description(SWITCHES[word])
    .argument('<file>', 'its name, as `list` gives it')
    .option('--json', 'as JSON')
    .action(async (path: string, flags: OptionFlags) => {
      await tell({ api, io }, flags, await api().json(optionsCall(path, change), oneFile))
    })
}

function optionsCall(path: string, json: RuleOptionsChange) {
  return { method: 'PUT', path: `/rules/${encodeURIComponent(nameOf(path))}/options`, json } as const
}

async function tell(
  { io }: Pick<CommandContext, 'api' | 'io'>,
  { json }: OptionFlags,
  { file }: z.infer<typeof oneFile>,
): Promise<void> {
  await io.write(json ? jsonText(file) : columns([rowOf(file)]))
  if (file.state === 'quarantined')
    throw new CliError(EXIT.refused, `${file.name} is quarantined: the other files run without it`, {
      faults: file.faults,
    })
}

function listCommand({ api, io }: CommandContext): Command {
  return new Command('list')
    .option('--hits', 'how often each rule has hit since the start')
    .option('--json', 'as JSON')
    .action(async ({ json, hits: wantsHits }: { json?: boolean; hits?: boolean }) => {
      if (wantsHits) {
        const { hits } = await api().json({ path: '/rules/hits' }, allHits)
        return io.write(json ? jsonText(hits) : columns(hits.map(hitRow)))
      }
      const { files } = await api().json({ path: '/rules' }, ruleFilesSchema)
      return io.write(json ? jsonText(files) : columns(files.map(rowOf)))
    })
}

function removeCommand({ api, io }: CommandContext): Command {
  return new Command('remove')
    .argument('<file>', 'its name, as `list` gives it')
    .option('--json', 'as JSON')
    .action(async (path: string, { json }: { json?: boolean }) => {
      const call = { method: 'DELETE', path: `/rules/${encodeURIComponent(nameOf(path))}` } as const
      const answer = await api().json(call, z.strictObject({ removed: z.boolean() }))
      if (json) return io.write(jsonText(answer))
      return io.write(answer.removed ? 'removed\n' : 'nothing changed\n')
    })
}

function changeOf({ weight, types }: OptionFlags): RuleOptionsChange {
  return {
    ...(weight === undefined ? {} : { weight: weightOf(weight) }),
    ...(types === undefined ? {} : { types: types === 'all' ? [] : types.split(',').map((type) => type.trim()) }),
  }
}

function weightOf(text: string): number | null {
  if (text === 'none') return null
  if (/^(?:[1-9]|10)$/.test(text)) return Number(text)
  throw usageError(`--weight: ${JSON.stringify(text)} is neither 1-10 nor none`)
}

function hitRow({ file, rule, enforced, shadow }: RuleHitCount): string[] {
  return [file, rule, `${enforced} enforced`, `${shadow} in shadow`]
}

function rowOf({ name, state, rules, faults, builtIn, shadow, weight, types, cost }: RuleFile): string[] {
  const said = [
    ...(shadow ? ['shadow'] : []),
    ...(weight === undefined ? [] : [`weight ${weight}`]),
    ...(types.length === 0 ? [] : [`types ${types.join(',')}`]),
  ]
  return [
    name,
    state,
    `${rules} rules`,
    builtIn ? 'built in' : '',
    cost === undefined ? '' : `${cost.meanMs} ms, ${Math.round(cost.share * 100)} %`,
    said.join(', '),
    faults[0] ?? '',
  ]
}

export function nameOf(path: string): string {
  const name = basename(path)
  if (RULE_FILE_NAME.test(name)) return name
  throw usageError(
    `${JSON.stringify(name)} is not a rule file's name: letters, digits, . _ - and .yar or .yara at its end`,
  )
}
