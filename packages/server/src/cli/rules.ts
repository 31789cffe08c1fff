import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { Command } from 'commander'
import { z } from 'zod'
import { RULE_FILE_NAME, type RuleFile, ruleFileSchema, ruleFilesSchema } from '../api/contract.ts'
import type { CommandContext } from './context.ts'
import { CliError, EXIT, usageError } from './exit.ts'
import { columns, jsonText } from './print.ts'
import { readText } from './value.ts'

export function rulesCommand(context: CommandContext): Command {
  const command = new Command('rules').description('the YARA rule files of the running server')
  for (const make of [addCommand, listCommand, removeCommand]) command.addCommand(make(context))
  return command
}

function addCommand({ api, io }: CommandContext): Command {
  return new Command('add')
    .description('add or replace a rule file; one that does not compile is kept apart, and the exit code is 1')
    .argument('<file>')
    .option('--json', 'as JSON')
    .action(async (path: string, { json }: { json?: boolean }) => {
      const text = await readText(createReadStream(path), path)
      const call = { method: 'POST', path: '/rules', json: { name: nameOf(path), text } } as const
      const { file } = await api().json(call, z.strictObject({ file: ruleFileSchema }))
      if (json) await io.write(jsonText(file))
      else await io.write(columns([rowOf(file)]))
      if (file.state === 'quarantined')
        throw new CliError(EXIT.refused, `${file.name} is quarantined: the other files run without it`, {
          faults: file.faults,
        })
    })
}

function listCommand({ api, io }: CommandContext): Command {
  return new Command('list').option('--json', 'as JSON').action(async ({ json }: { json?: boolean }) => {
    const { files } = await api().json({ path: '/rules' }, ruleFilesSchema)
    await io.write(json ? jsonText(files) : columns(files.map(rowOf)))
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

function rowOf({ name, state, rules, faults, builtIn }: RuleFile): string[] {
  return [name, state, `${rules} rules`, builtIn ? 'built in' : '', faults[0] ?? '']
}

function nameOf(path: string): string {
  const name = basename(path)
  if (RULE_FILE_NAME.test(name)) return name
  throw usageError(
    `${JSON.stringify(name)} is not a rule file's name: letters, digits, . _ - and .yar or .yara at its end`,
  )
}
