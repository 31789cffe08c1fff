import { createReadStream } from 'node:fs'
import { Command } from 'commander'
import { historySchema, type SettingView, settingsSavedSchema, settingsViewSchema } from '../api/contract.ts'
import type { ApiCall } from './api-client.ts'
import type { CommandContext } from './context.ts'
import { CliError, EXIT, usageError } from './exit.ts'
import { columns, jsonText, printable, utcTime } from './print.ts'
import { readText, readValue } from './value.ts'

export function settingsCommand(context: CommandContext): Command {
  const command = new Command('settings').description('read and change the settings of the running server')
  for (const make of [getCommand, setCommand, exportCommand, applyCommand, historyCommand, rollbackCommand])
    command.addCommand(make(context))
  return command
}

function readSettings({ api }: CommandContext) {
  return api().json({ path: '/settings' }, settingsViewSchema)
}

function getCommand(context: CommandContext): Command {
  return new Command('get')
    .argument('[key...]', 'a key, or the beginning of several (icap, headers.send); none: all')
    .option('--json', 'as JSON, with where each value comes from')
    .action(async (keys: string[], { json }: { json?: boolean }) => {
      const { settings, revision } = await readSettings(context)
      const chosen = chooseSettings(settings, keys)
      if (json) return context.io.write(jsonText({ revision, settings: chosen }))
      const [only] = chosen
      if (only && chosen.length === 1 && only.key === keys[0]) return context.io.write(`${rawText(only.value)}\n`)
      return context.io.write(columns(chosen.map(({ key, value, source }) => [key, shortText(value), source])))
    })
}

function chooseSettings(settings: readonly SettingView[], keys: readonly string[]): SettingView[] {
  const unknown = keys.filter((key) => !settings.some((setting) => isUnder(setting.key, key)))
  if (unknown.length > 0) throw new CliError(EXIT.refused, `no such setting: ${unknown.map(printable).join(', ')}`)
  return settings.filter((setting) => keys.length === 0 || keys.some((key) => isUnder(setting.key, key)))
}

function isUnder(key: string, prefix: string): boolean {
  return key === prefix || key.startsWith(`${prefix}.`)
}

/** Text as it stands, so that a page can be piped into a file. */
function rawText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const MAX_SHOWN = 60

function shortText(value: unknown): string {
  const text = typeof value === 'string' && value !== '' ? value : JSON.stringify(value)
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}... (${text.length} characters)`
}

function setCommand(context: CommandContext): Command {
  return new Command('set')
    .argument('<key-value...>', 'KEY VALUE [KEY VALUE ...]: one save; VALUE is JSON, plain text, @FILE or - (stdin)')
    .option('--json', 'as JSON')
    .action(async (words: string[], { json }: { json?: boolean }) => {
      const pairs = pairsOf(words)
      const { settings } = await readSettings(context)
      const updates: Record<string, string> = {}
      for (const [key, argument] of pairs) updates[key] = await valueFor(context, { settings, key, argument })
      await change(context, { method: 'PUT', path: '/settings', json: { updates } }, json)
    })
}

function pairsOf(words: readonly string[]): [key: string, argument: string][] {
  if (words.length % 2 !== 0)
    throw usageError(`${printable(words.at(-1) ?? '')} has no VALUE: KEY VALUE [KEY VALUE ...]`)
  const pairs: [string, string][] = []
  for (let at = 0; at < words.length; at += 2) pairs.push([words[at] ?? '', words[at + 1] ?? ''])
  const keys = pairs.map(([key]) => key)
  const twice = keys.find((key, index) => keys.indexOf(key) !== index)
  if (twice !== undefined) throw usageError(`${printable(twice)} stands twice in one save`)
  if (pairs.filter(([, argument]) => argument === '-').length > 1)
    throw usageError('stdin (-) can be read for one VALUE only')
  return pairs
}

/** An unknown key goes to the server too: it names every fault of the save at once. */
function valueFor(
  { io }: CommandContext,
  { settings, key, argument }: { settings: readonly SettingView[]; key: string; argument: string },
) {
  const kind = settings.find((setting) => setting.key === key) ?? { secret: false }
  return readValue(argument, kind, io.stdin)
}

async function change({ api, io }: CommandContext, call: ApiCall, json: boolean | undefined): Promise<void> {
  const saved = await api().json(call, settingsSavedSchema)
  if (json) return io.write(jsonText(saved))
  const { revision, changed, warnings } = saved
  for (const warning of warnings) io.warn(`warning: ${printable(warning)}`)
  return io.write(
    changed.length === 0
      ? `nothing changed (revision ${revision})\n`
      : `revision ${revision}: ${changed.map(printable).join(', ')}\n`,
  )
}

function exportCommand({ api, io }: CommandContext): Command {
  return new Command('export').description('print the settings as YAML, secrets left out').action(async () => {
    for await (const text of api().text({ path: '/settings/export' })) await io.write(text)
  })
}

function applyCommand(context: CommandContext): Command {
  return new Command('apply')
    .description('apply a YAML settings file; what it does not name stays')
    .argument('<file>', 'a file, or - for stdin')
    .option('--json', 'as JSON')
    .action(async (file: string, { json }: { json?: boolean }) => {
      const text =
        file === '-' ? await readText(context.io.stdin, 'stdin') : await readText(createReadStream(file), file)
      await change(context, { method: 'POST', path: '/settings/apply', json: { text } }, json)
    })
}

function historyCommand({ api, io }: CommandContext): Command {
  return new Command('history').option('--json', 'as JSON').action(async ({ json }: { json?: boolean }) => {
    const { entries } = await api().json({ path: '/settings/history' }, historySchema)
    if (json) return io.write(jsonText(entries))
    const rows = entries.flatMap(({ revision, timeMs, by, changes }) =>
      changes.map(({ key, from, to }) => [
        String(revision),
        utcTime(timeMs),
        by,
        key,
        `${shortText(from)} -> ${shortText(to)}`,
      ]),
    )
    return io.write(columns(rows))
  })
}

function rollbackCommand(context: CommandContext): Command {
  return new Command('rollback')
    .description('make the settings as they were at a revision, as a new revision')
    .argument('<revision>')
    .option('--json', 'as JSON')
    .action(async (revision: string, { json }: { json?: boolean }) => {
      if (!/^\d{1,12}$/.test(revision)) throw usageError(`${JSON.stringify(revision)} is not a revision number`)
      await change(context, { method: 'POST', path: `/settings/rollback/${revision}` }, json)
    })
}
