import { Command } from 'commander'
import {
  MAX_TRANSACTIONS_PAGE,
  type TransactionDetail,
  type TransactionView,
  transactionDetailSchema,
  transactionsPageSchema,
} from '../api/contract.ts'
import { evidenceLines } from '../domain/evidence-tree.ts'
import type { CommandContext } from './context.ts'
import { usageError } from './exit.ts'
import { columns, jsonLine, jsonText, printable, utcTime } from './print.ts'
import { recheckCommand } from './recall.ts'
import { parseTime } from './time.ts'

interface Flags {
  readonly since?: string
  readonly until?: string
  readonly limit: string
  readonly outcome?: string
  readonly action?: string
  readonly mode?: string
  readonly client?: string
  readonly sha256?: string
  readonly contains?: string
  readonly json?: boolean
}

export function transactionsCommand(context: CommandContext): Command {
  const command = new Command('transactions')
    .description('the latest transactions, newest first')
    .option('--since <time>', 'an ISO date, or how long ago: 90s, 15m, 2h, 7d')
    .option('--until <time>', 'the same')
    .option('--limit <n>', 'how many at most', '50')
    .option('--outcome <outcome>', 'clean, detected, unscanned or excluded')
    .option('--action <action>', 'block, allow-clean, allow-unscanned, ...')
    .option('--mode <mode>', 'REQMOD or RESPMOD')
    .option('--client <address>', "the ICAP client's address")
    .option('--sha256 <hash>')
    .option('--contains <text>', 'stands in the URL or file name')
    .option('--json', 'a JSON object a line')
    .action(async (flags: Flags) => {
      for await (const records of pages(context, flags))
        await context.io.write(flags.json ? records.map(jsonLine).join('') : columns(records.map(row)))
    })
  return command.addCommand(showCommand(context)).addCommand(recheckCommand(context))
}

function showCommand({ api, io }: CommandContext): Command {
  return new Command('show')
    .description('one transaction with its evidence: what was inside, and what was found where')
    .argument('<id>')
    .option('--json', 'as JSON')
    .action(async (id: string, _: unknown, command: Command) => {
      // The command above has an option of the same name, and takes it.
      const { json } = command.optsWithGlobals<{ json?: boolean }>()
      const record = await api().json({ path: `/transactions/${encodeURIComponent(id)}` }, transactionDetailSchema)
      await io.write(json ? jsonText(record) : detailText(record))
    })
}

function detailText({ evidence, saved, detections: _, ...record }: TransactionDetail): string {
  const facts = Object.entries({ ...record, ...saved }).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ])
  const tree = evidenceLines(evidence).map((line) => `${printable(line)}\n`)
  return `${columns(facts)}\n${tree.join('')}`
}

async function* pages({ api }: CommandContext, flags: Flags): AsyncGenerator<readonly TransactionView[]> {
  const { outcome, action, mode, client, sha256, contains } = flags
  const times = { sinceMs: timeOf(flags.since), untilMs: timeOf(flags.until) }
  let left = limitOf(flags.limit)
  let cursor: string | undefined
  while (left > 0) {
    const limit = Math.min(left, MAX_TRANSACTIONS_PAGE)
    const query = { ...times, limit, cursor, outcome, action, mode, client, sha256, contains }
    const { records, next } = await api().json({ path: '/transactions', query }, transactionsPageSchema)
    yield records
    if (next === null || records.length === 0) return
    left -= records.length
    cursor = next
  }
}

function limitOf(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw usageError(`--limit: ${JSON.stringify(text)} is not a whole number from 1 on`)
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseTime(text, Date.now())
}

function row(record: TransactionView): string[] {
  const { timeMs, client, mode, outcome, risk, action, size, trueType, declaredType, url } = record
  const what = record.detections[0]?.name ?? record.reasons[0] ?? ''
  return [utcTime(timeMs), client, mode, outcome, risk, action, what, String(size), trueType || declaredType, url]
}
