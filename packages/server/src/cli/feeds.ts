import { createReadStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import { z } from 'zod'
import { type FeedPreview, type FeedView, feedPreviewSchema, feedsSchema, oneFeedSchema } from '../api/contract.ts'
import { FEED_AUTHS, FEED_KINDS } from '../domain/feed.ts'
import { OBJECT_TYPES } from '../domain/suspicious-object.ts'
import type { CommandContext } from './context.ts'
import { CliError, EXIT, usageError } from './exit.ts'
import { columns, jsonText, utcTime } from './print.ts'
import { readText, readValue } from './value.ts'

interface AddFlags {
  readonly collection?: string
  readonly tag?: readonly string[]
  readonly column?: string
  readonly delimiter?: string
  readonly auth?: string
  readonly user?: string
  readonly header?: string
  readonly secret?: string
  readonly every?: string
  readonly expiry?: string
  readonly risk?: string
  readonly type?: readonly string[]
  readonly minConfidence?: string
  readonly maxEntries?: string
  readonly maxBytes?: string
  readonly ca?: string
  readonly disabled?: boolean
  readonly replace?: boolean
  readonly preview?: boolean
  readonly json?: boolean
}

const POLL_MS = 500

export function feedsCommand(context: CommandContext): Command {
  const command = new Command('feeds').description('the sources of the synchronized list')
  for (const make of [addCommand, listCommand, showCommand, removeCommand, enableCommand, disableCommand])
    command.addCommand(make(context))
  for (const make of [syncCommand, previewCommand]) command.addCommand(make(context))
  return command
}

const several = (value: string, before: readonly string[] = []) => [...before, value]

function addCommand(context: CommandContext): Command {
  return new Command('add')
    .description('set up a source; its first reading begins at once')
    .argument('<name>')
    .argument('<kind>', FEED_KINDS.join(', '))
    .argument('<url>')
    .option('--collection <name>', 'taxii: id, alias or title (the only one)')
    .option('--tag <tag>', 'misp, misp-feed: only what has one of these tags', several)
    .option('--column <column>', 'csv: number from 1, or name (1)')
    .option('--delimiter <character>', 'csv (,)')
    .option('--auth <kind>', `${FEED_AUTHS.join(', ')} (none)`)
    .option('--user <name>', 'auth basic')
    .option('--header <name>', 'auth header: the name of the header that takes the key')
    .option('--secret <source>', 'password, token or key: @FILE, or - for stdin')
    .option('--every <span>', 'how often it is read: 15m, 6h, 1d (1h)')
    .option('--expiry <days>', 'days until an object that is no longer confirmed goes; 0 = never (90)')
    .option('--risk <level>', 'of its objects: low, medium, high (high)')
    .option('--type <type>', `only these: ${OBJECT_TYPES.join(', ')}`, several)
    .option('--min-confidence <n>', 'taxii, stix: 0-100 (0)')
    .option('--max-entries <n>', '(1000000)')
    .option('--max-bytes <n>', 'of one answer (134217728)')
    .option('--ca <file>', 'PEM of the authority to trust for it')
    .option('--disabled', 'do not read it yet')
    .option('--replace', 'in place of the one of that name, secret included')
    .option('--preview', 'only look at what it would give')
    .option('--json', 'as JSON')
    .action((name: string, kind: string, url: string, flags: AddFlags) => add(context, { name, kind, url }, flags))
}

async function add(
  context: CommandContext,
  named: { name: string; kind: string; url: string },
  flags: AddFlags,
): Promise<void> {
  const { api, io } = context
  const feed = { ...named, ...(await configOf(flags)) }
  const secret = flags.secret === undefined ? '' : await readValue(flags.secret, { secret: true }, io.stdin)
  if (flags.preview) {
    const call = { method: 'POST', path: '/feed-preview', json: { feed, secret } } as const
    return printPreview(context, await api().json(call, feedPreviewSchema), flags)
  }
  const json = { feed, secret, enabled: !flags.disabled, replace: flags.replace ?? false }
  const added = await api().json({ method: 'POST', path: '/feeds', json }, oneFeedSchema)
  return printOne(context, added.feed, flags)
}

async function configOf(flags: AddFlags): Promise<Record<string, unknown>> {
  const { collection, tag: tags, column, delimiter, auth, user, header, risk, type: types } = flags
  const given = {
    ...{ collection, tags, column, delimiter, auth, user, header, risk, types },
    scheduleMinutes: flags.every === undefined ? undefined : minutesOf(flags.every),
    expiryDays: numberOf(flags.expiry, '--expiry'),
    minConfidence: numberOf(flags.minConfidence, '--min-confidence'),
    maxEntries: numberOf(flags.maxEntries, '--max-entries'),
    maxBytes: numberOf(flags.maxBytes, '--max-bytes'),
    ca: flags.ca === undefined ? undefined : await readText(createReadStream(flags.ca), flags.ca),
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

function minutesOf(text: string): number {
  const [, amount, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? []
  if (amount === undefined) throw usageError(`${JSON.stringify(text)} is no span: 15m, 6h, 1d`)
  return Number(amount) * ({ m: 1, h: 60, d: 1440 }[unit ?? 'm'] ?? 1)
}

function numberOf(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,12}$/.test(text)) throw usageError(`${flag} takes a whole number, not ${JSON.stringify(text)}`)
  return Number(text)
}

function listCommand({ api, io }: CommandContext): Command {
  return new Command('list').option('--json', 'as JSON').action(async ({ json }: { json?: boolean }) => {
    const { feeds } = await api().json({ path: '/feeds' }, feedsSchema)
    await io.write(json ? jsonText(feeds) : columns(feeds.map(rowOf)))
  })
}

function rowOf(view: FeedView): string[] {
  const { feed, state, running, successMs, counts, fault } = view
  return [
    feed.name,
    feed.kind,
    running ? 'reading' : state,
    countsText(counts),
    successMs === 0 ? 'never read' : `read ${utcTime(successMs)}`,
    fault,
  ]
}

function countsText(counts: FeedView['counts']): string {
  const parts = Object.entries(counts).map(([type, count]) => `${count} ${type}`)
  return parts.length === 0 ? 'nothing' : parts.join(', ')
}

function showCommand(context: CommandContext): Command {
  return named(new Command('show').option('--json', 'as JSON'), async (name, flags) =>
    printOne(context, await viewOf(context, name), flags),
  )
}

interface NamedFlags {
  readonly json?: boolean
}

function named<F extends NamedFlags>(command: Command, work: (name: string, flags: F) => Promise<void>): Command {
  return command.argument('<name>').action(work)
}

function pathOf(name: string, more = ''): string {
  return `/feeds/${encodeURIComponent(name)}${more}`
}

async function viewOf({ api }: CommandContext, name: string): Promise<FeedView> {
  return (await api().json({ path: pathOf(name) }, oneFeedSchema)).feed
}

function removeCommand({ api, io }: CommandContext): Command {
  return named(new Command('remove').description('with what only it names'), async (name) => {
    const answer = z.strictObject({ removed: z.boolean() })
    const { removed } = await api().json({ method: 'DELETE', path: pathOf(name) }, answer)
    await io.write(removed ? 'removed\n' : 'nothing changed\n')
  })
}

function enableCommand(context: CommandContext): Command {
  return named(new Command('enable').option('--json', 'as JSON'), (name, flags) =>
    setEnabled(context, { name, enabled: true }, flags),
  )
}

function disableCommand(context: CommandContext): Command {
  return named(
    new Command('disable')
      .description('read it no longer; what it named stays until it expires')
      .option('--json', 'as JSON'),
    (name, flags) => setEnabled(context, { name, enabled: false }, flags),
  )
}

async function setEnabled(
  context: CommandContext,
  { name, enabled }: { name: string; enabled: boolean },
  flags: NamedFlags,
): Promise<void> {
  const call = { method: 'PUT', path: pathOf(name, '/enabled'), json: { enabled } } as const
  await printOne(context, (await context.api().json(call, oneFeedSchema)).feed, flags)
}

interface SyncFlags extends NamedFlags {
  readonly wait?: boolean
  readonly confirm?: boolean
  readonly whole?: boolean
}

function syncCommand(context: CommandContext): Command {
  return named<SyncFlags>(
    new Command('sync')
      .description('read a source now')
      .option('--wait', 'until that is done; exit 1 when it fails')
      .option('--confirm', 'take it though it has become small, or is mostly damaged')
      .option('--whole', 'read everything, not only what has changed')
      .option('--json', 'as JSON'),
    (name, flags) => sync(context, name, flags),
  )
}

async function sync(context: CommandContext, name: string, flags: SyncFlags): Promise<void> {
  const json = { confirm: flags.confirm ?? false, whole: flags.whole ?? false }
  let { feed: view } = await context.api().json({ method: 'POST', path: pathOf(name, '/sync'), json }, oneFeedSchema)
  while (flags.wait && view.running) {
    await sleep(POLL_MS)
    view = await viewOf(context, name)
  }
  await printOne(context, view, flags)
  if (flags.wait && view.failures > 0) throw new CliError(EXIT.refused, `${name} was not read: ${view.fault}`)
}

function previewCommand(context: CommandContext): Command {
  return named(
    new Command('preview')
      .description('what a source would give now, without keeping anything')
      .option('--json', 'as JSON'),
    async (name, flags) => {
      const call = { method: 'POST', path: pathOf(name, '/preview') } as const
      await printPreview(context, await context.api().json(call, feedPreviewSchema), flags)
    },
  )
}

async function printOne({ io }: CommandContext, view: FeedView, { json }: NamedFlags): Promise<void> {
  if (json) return io.write(jsonText(view))
  const { feed, state, running, attemptMs, successMs, nextMs, tally, counts } = view
  const time = (ms: number) => (ms === 0 ? 'never' : utcTime(ms))
  return io.write(
    columns([
      ['name', feed.name],
      ['kind', feed.kind],
      ['url', feed.url],
      ['auth', view.hasSecret ? `${feed.auth} (secret set)` : feed.auth],
      ['every', `${feed.scheduleMinutes} minutes`],
      ['expiry', feed.expiryDays === 0 ? 'never' : `${feed.expiryDays} days`],
      ['state', running ? 'reading' : state],
      ['last attempt', time(attemptMs)],
      ['last success', time(successMs)],
      ['next attempt', nextMs === 0 && state === 'new' ? 'now' : time(nextMs)],
      ['objects', countsText(counts)],
      ...tallyRows(tally),
      ...(view.fault === '' ? [] : [['fault', `${view.fault} (${view.failures} in a row)`]]),
    ]),
  )
}

function tallyRows({ taken, bad, faults, ignored }: FeedView['tally']): string[][] {
  return [
    ['last taken', String(taken)],
    [
      'not taken',
      Object.entries(ignored)
        .map(([why, count]) => `${count} ${why}`)
        .join(', ') || '0',
    ],
    ['damaged', String(bad)],
    ...faults.map((fault) => ['', fault]),
  ]
}

async function printPreview({ io }: CommandContext, preview: FeedPreview, { json }: NamedFlags): Promise<void> {
  if (json) return io.write(jsonText(preview))
  const rows = preview.objects.map(({ type, value, risk, note }) => [type, value, risk, note])
  return io.write(columns([...tallyRows(preview.tally), ['types', countsText(preview.counts)], ...rows]))
}
