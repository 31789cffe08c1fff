import { createReadStream } from 'node:fs'
import { Command } from 'commander'
import { listChangedSchema, listCountsSchema } from '../api/contract.ts'
import { RISK_LEVELS } from '../domain/risk.ts'
import { OBJECT_LISTS, OBJECT_TYPES } from '../domain/suspicious-object.ts'
import type { ApiCall } from './api-client.ts'
import type { CommandContext } from './context.ts'
import { usageError } from './exit.ts'
import { columns, jsonText } from './print.ts'
import { parseExpiry } from './time.ts'
import { unreadable } from './value.ts'

interface EntryFlags {
  readonly risk?: string
  readonly expires?: string
  readonly note?: string
  readonly json?: boolean
}

export function listsCommand(context: CommandContext): Command {
  const command = new Command('lists').description(
    `the lists ${OBJECT_LISTS.join(', ')} of ${OBJECT_TYPES.join(', ')} objects`,
  )
  for (const make of [addCommand, removeCommand, importCommand, exportCommand, countsCommand])
    command.addCommand(make(context))
  return command
}

function entryCommand(name: string, value: string): Command {
  return new Command(name)
    .argument('<list>', OBJECT_LISTS.join(', '))
    .argument('<type>', OBJECT_TYPES.join(', '))
    .argument(value)
}

function withEntryFlags(command: Command): Command {
  return command
    .option('--risk <level>', `${RISK_LEVELS.join(', ')} (high)`)
    .option('--expires <time>', 'an ISO date, or how long from now: 12h, 30d (never)')
    .option('--note <text>', 'why')
    .option('--json', 'as JSON')
}

function addCommand(context: CommandContext): Command {
  return withEntryFlags(entryCommand('add', '<value>')).action(
    async (list: string, type: string, value: string, flags: EntryFlags) => {
      const entry = { ...keyOf(list, type), value, ...commonOf(flags) }
      await change(context, { method: 'POST', path: '/lists/entries', json: entry }, { verb: 'added', ...flags })
    },
  )
}

function removeCommand(context: CommandContext): Command {
  return entryCommand('remove', '<value>')
    .option('--json', 'as JSON')
    .action(async (list: string, type: string, value: string, flags: EntryFlags) => {
      await change(
        context,
        { method: 'DELETE', path: '/lists/entries', query: { ...keyOf(list, type), value } },
        { verb: 'removed', ...flags },
      )
    })
}

function importCommand(context: CommandContext): Command {
  return withEntryFlags(entryCommand('import', '<file>'))
    .description('add every line of a file (- for stdin), or none: VALUE [TAB RISK [TAB EXPIRES [TAB NOTE]]]')
    .action(async (list: string, type: string, file: string, flags: EntryFlags) => {
      const query = { ...keyOf(list, type), ...commonOf(flags) }
      const stream = file === '-' ? context.io.stdin : await openFile(file)
      await change(context, { method: 'POST', path: '/lists/import', query, stream }, { verb: 'added', ...flags })
    })
}

function exportCommand({ api, io }: CommandContext): Command {
  return new Command('export')
    .argument('<list>', OBJECT_LISTS.join(', '))
    .argument('[type]', OBJECT_TYPES.join(', '))
    .description('print the entries as lines that import takes')
    .action(async (list: string, type: string | undefined) => {
      const query = { list: oneOf(OBJECT_LISTS, list), ...(type !== undefined && { type: oneOf(OBJECT_TYPES, type) }) }
      for await (const text of api().text({ path: '/lists/export', query })) await io.write(text)
    })
}

function countsCommand({ api, io }: CommandContext): Command {
  return new Command('counts').option('--json', 'as JSON').action(async ({ json }: { json?: boolean }) => {
    const { counts } = await api().json({ path: '/lists/counts' }, listCountsSchema)
    await io.write(
      json ? jsonText(counts) : columns(counts.map(({ list, type, count }) => [list, type, String(count)])),
    )
  })
}

async function change(
  { api, io }: CommandContext,
  call: ApiCall,
  { verb, json }: { verb: string; json?: boolean },
): Promise<void> {
  const answer = await api().json(call, listChangedSchema)
  if (json) return io.write(jsonText(answer))
  return io.write(answer.changed === 0 ? 'nothing changed\n' : `${answer.changed} ${verb}\n`)
}

function keyOf(list: string, type: string): { list: string; type: string } {
  return { list: oneOf(OBJECT_LISTS, list), type: oneOf(OBJECT_TYPES, type) }
}

function commonOf({ risk, expires, note }: EntryFlags): { risk?: string; expiresMs?: number; note?: string } {
  return {
    ...(risk !== undefined && { risk: oneOf(RISK_LEVELS, risk) }),
    ...(expires !== undefined && { expiresMs: parseExpiry(expires, Date.now()) }),
    ...(note !== undefined && { note }),
  }
}

function oneOf<T extends string>(words: readonly T[], text: string): T {
  const word = words.find((known) => known === text)
  if (word !== undefined) return word
  throw usageError(`${JSON.stringify(text)} is not one of ${words.join(', ')}`)
}

/** Opened before the server is asked, so that a wrong path is not a broken import. */
async function openFile(path: string): Promise<ReturnType<typeof createReadStream>> {
  const stream = createReadStream(path)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  stream.once('open', () => resolve()).once('error', reject)
  await promise.catch((error) => {
    throw unreadable(path, error)
  })
  return stream
}
