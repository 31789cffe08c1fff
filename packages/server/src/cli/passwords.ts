import { createReadStream } from 'node:fs'
import { Command } from 'commander'
import { z } from 'zod'
import { settingsSavedSchema, settingsViewSchema } from '../api/contract.ts'
import type { CommandContext } from './context.ts'
import { CliError, EXIT, usageError } from './exit.ts'
import { jsonText, printable } from './print.ts'
import { readText } from './value.ts'

const KEY = 'unpack.passwords'

interface Flags {
  readonly json?: boolean
}

/** The ordered list of the setting `unpack.passwords`, changed a word at a time. */
export function passwordsCommand(context: CommandContext): Command {
  const command = new Command('passwords').description(
    'the passwords that are tried on locked archives and documents, in order',
  )
  for (const make of [listCommand, addCommand, removeCommand, moveCommand, importCommand])
    command.addCommand(make(context))
  return command
}

function listCommand(context: CommandContext): Command {
  return new Command('list').option('--json', 'as JSON').action(async ({ json }: Flags) => {
    const passwords = await read(context)
    if (json) return context.io.write(jsonText(passwords))
    return context.io.write(passwords.map((word) => `${printable(word)}\n`).join(''))
  })
}

function addCommand(context: CommandContext): Command {
  return new Command('add')
    .argument('<password...>')
    .option('--first', 'before the others instead of behind them')
    .action(async (words: string[], { first }: { first?: boolean }) => {
      const before = await read(context)
      const added = [...new Set(words)].filter((word) => !before.includes(word))
      await save(context, before, first ? [...added, ...before] : [...before, ...added])
    })
}

function removeCommand(context: CommandContext): Command {
  return new Command('remove').argument('<password...>').action(async (words: string[]) => {
    const before = await read(context)
    await save(
      context,
      before,
      before.filter((word) => !words.includes(word)),
    )
  })
}

function moveCommand(context: CommandContext): Command {
  return new Command('move')
    .description('give a password another place; 1 is tried first')
    .argument('<password>')
    .argument('<place>')
    .action(async (word: string, place: string) => {
      if (!/^[1-9]\d{0,5}$/.test(place)) throw usageError(`${JSON.stringify(place)} is not a place: 1, 2, ...`)
      const before = await read(context)
      if (!before.includes(word)) throw new CliError(EXIT.refused, 'this password is not in the list')
      const others = before.filter((other) => other !== word)
      others.splice(Number(place) - 1, 0, word)
      await save(context, before, others)
    })
}

function importCommand(context: CommandContext): Command {
  return new Command('import')
    .description('add the lines of a text file, in their order, behind the others')
    .argument('<file>', 'a file, or - for stdin')
    .action(async (file: string) => {
      const source = file === '-' ? context.io.stdin : createReadStream(file)
      const text = await readText(source, file === '-' ? 'stdin' : file)
      const lines = text.split(/\r?\n/).filter((line) => line !== '')
      const before = await read(context)
      await save(context, before, [...new Set([...before, ...lines])])
    })
}

async function read({ api }: CommandContext): Promise<readonly string[]> {
  const { settings } = await api().json({ path: '/settings' }, settingsViewSchema)
  return z.array(z.string()).parse(settings.find(({ key }) => key === KEY)?.value ?? [])
}

async function save({ api, io }: CommandContext, before: readonly string[], after: readonly string[]): Promise<void> {
  const json = { updates: { [KEY]: JSON.stringify(after) } }
  const { changed, revision } = await api().json({ method: 'PUT', path: '/settings', json }, settingsSavedSchema)
  const difference = after.length - before.length
  if (changed.length === 0) return io.write('nothing changed\n')
  const words = difference === 0 ? 'moved' : difference > 0 ? `${difference} added` : `${-difference} removed`
  return io.write(`revision ${revision}: ${words}, ${after.length} passwords\n`)
}
