import { Command } from 'commander'
import { type RecallView, type RecheckSliceView, recallPageSchema, recheckSliceSchema } from '../api/contract.ts'
import type { CommandContext } from './context.ts'
import { EXIT } from './exit.ts'
import { columns, jsonLine, utcTime } from './print.ts'
import { parseTime } from './time.ts'

interface Flags {
  readonly since?: string
  readonly json?: boolean
}

const SINCE = 'an ISO date, or how long ago: 90s, 15m, 2h, 7d'

export function recallCommand({ api, io }: CommandContext): Command {
  return new Command('recall')
    .description('who got what a later list calls bad: messages that were let through, newest first')
    .option('--since <time>', SINCE)
    .option('--json', 'a JSON object a line')
    .action(async ({ since, json }: Flags) => {
      const sinceMs = timeOf(since)
      let cursor: string | undefined
      do {
        const page = await api().json({ path: '/recall', query: { sinceMs, cursor, limit: 1000 } }, recallPageSchema)
        await io.write(textOf(page.findings, json))
        cursor = page.next ?? undefined
      } while (cursor !== undefined)
    })
}

/** Below `transactions`. */
export function recheckCommand({ api, io, exit }: CommandContext): Command {
  return new Command('recheck')
    .description(
      'judge records anew by the lists and the policy of today; exit 1: something that passed would be blocked',
    )
    .option('--since <time>', `${SINCE} (all records)`)
    .option('--json', 'a JSON object a line')
    .action(async ({ since, json }: Flags, command: Command) => {
      // `transactions` has flags of the same names, and takes those that stand behind its own name.
      const all: Flags = { ...command.parent?.opts<Flags>(), ...(since && { since }), ...(json && { json }) }
      const sum = { examined: 0, found: 0 }
      for await (const slice of slices(api, timeOf(all.since))) {
        sum.examined += slice.examined
        sum.found += slice.findings.length
        await io.write(textOf(slice.findings, all.json))
      }
      io.warn(`${sum.examined} records looked at, ${sum.found} would be blocked today`)
      if (sum.found > 0) exit(EXIT.refused)
    })
}

async function* slices(api: CommandContext['api'], sinceMs: number | undefined): AsyncGenerator<RecheckSliceView> {
  let cursor: string | undefined
  do {
    const slice = await api().json({ path: '/transactions/recheck', query: { sinceMs, cursor } }, recheckSliceSchema)
    yield slice
    cursor = slice.next ?? undefined
  } while (cursor !== undefined)
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseTime(text, Date.now())
}

function textOf(findings: readonly RecallView[], json: boolean | undefined): string {
  return json ? findings.map(jsonLine).join('') : columns(findings.map(row))
}

function row({ id, timeMs, client, user, url, fileName, causes }: RecallView): string[] {
  const [cause] = causes
  const why = [cause?.name, cause?.member, cause?.evidence].filter((text) => text !== undefined && text !== '')
  return [utcTime(timeMs), id, client, user, url, fileName, why.join('; ')]
}
