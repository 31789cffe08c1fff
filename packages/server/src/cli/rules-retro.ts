import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { Command } from 'commander'
import type { CommandContext } from './context.ts'
import { CliError, EXIT } from './exit.ts'
import { columns, jsonLine, printable } from './print.ts'
import { RulesFault } from './rules-fault.ts'
import { filesUnder } from './scan.ts'
import type { RetroFile } from './tools.ts'
import { readText } from './value.ts'

interface Totals {
  files: number
  hitFiles: number
  bytes: number
  ms: number
  unscanned: number
  readonly byRule: Map<string, number>
}

export function retroCommand(context: CommandContext): Command {
  return new Command('retro')
    .description(
      'scan files and folders with one rule file only, in shadow; needs no server. Exit 1: hits, 2: something could not be scanned',
    )
    .argument('<rules>')
    .argument('<path...>')
    .option('--json', 'a JSON object a line: each file that was hit or could not be scanned, the totals last')
    .action((rules: string, paths: string[], { json }: { json?: boolean }) => retro(context, { rules, paths, json }))
}

interface Retro {
  readonly rules: string
  readonly paths: readonly string[]
  readonly json: boolean | undefined
}

async function retro({ io, tools, exit }: CommandContext, { rules, paths, json }: Retro): Promise<void> {
  const source = await readText(createReadStream(rules), rules)
  const totals: Totals = { files: 0, hitFiles: 0, bytes: 0, ms: 0, unscanned: 0, byRule: new Map() }
  const files = filesUnder(paths, (text) => {
    totals.unscanned++
    io.warn(text)
  })
  try {
    for await (const file of tools.retroScan({ rules: { name: basename(rules), source }, files })) {
      addTo(totals, file)
      if (file.hits.length + file.unscanned.length > 0) await io.write(json ? jsonLine(file) : fileText(file))
    }
  } catch (error) {
    if (!(error instanceof RulesFault)) throw error
    throw new CliError(EXIT.refused, error.message, { cause: error, faults: error.faults })
  }
  const { byRule, ...sums } = totals
  await io.write(json ? jsonLine({ ...sums, byRule: Object.fromEntries(byRule) }) : totalsText(totals))
  if (totals.hitFiles > 0) exit(EXIT.refused)
  else if (totals.unscanned > 0) exit(EXIT.unscanned)
}

function addTo(totals: Totals, { hits, unscanned, size, ms }: RetroFile): void {
  totals.files++
  totals.bytes += size
  totals.ms += ms
  if (hits.length > 0) totals.hitFiles++
  if (unscanned.length > 0) totals.unscanned++
  for (const rule of new Set(hits.map((hit) => hit.rule))) totals.byRule.set(rule, (totals.byRule.get(rule) ?? 0) + 1)
}

function fileText({ path, hits, unscanned }: RetroFile): string {
  const lines = [
    ...hits.map(({ rule, member, offset }) => {
      const place = `${member === '' ? '' : ` in ${member}`}${offset === undefined ? '' : ` at ${offset}`}`
      return `${path}: ${rule}${place}`
    }),
    ...unscanned.map((why) => `${path}: not scanned whole: ${why}`),
  ]
  return lines.map((line) => `${printable(line)}\n`).join('')
}

function totalsText({ files, hitFiles, bytes, ms, unscanned, byRule }: Totals): string {
  const each = [...byRule].sort((a, b) => b[1] - a[1]).map(([rule, count]) => [rule, `${count} files`])
  const rate = files === 0 ? '' : `, ${(ms / files).toFixed(1)} ms a file`
  return `${columns(each)}${hitFiles} of ${files} files hit, ${unscanned} not scanned whole; ${bytes} bytes in ${Math.round(ms)} ms${rate}\n`
}
