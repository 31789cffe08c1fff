import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { Command } from 'commander'
import { type RuleCheckView, type RuleFileDetail, ruleFileDetailSchema } from '../api/contract.ts'
import type { CommandContext } from './context.ts'
import { CliError, EXIT } from './exit.ts'
import { columns, jsonText, printable } from './print.ts'
import { readText } from './value.ts'

export function checkCommand({ io, tools }: CommandContext): Command {
  return new Command('check')
    .description('all errors and warnings of a rule file, and what its rules cost; needs no server. Exit 1: errors')
    .argument('<file>')
    .option('--json', 'as JSON')
    .action(async (path: string, { json }: { json?: boolean }) => {
      const source = await readText(createReadStream(path), path)
      const check = await tools.checkRules({ name: basename(path), source }).catch((error: Error) => {
        throw new CliError(EXIT.refused, error.message, { cause: error })
      })
      await io.write(json ? jsonText(check) : checkText(check))
      if (check.faults.length > 0)
        throw new CliError(EXIT.refused, `${check.name} does not compile: ${check.faults.length} errors`)
    })
}

export function showCommand({ api, io }: CommandContext): Command {
  return new Command('show')
    .description('one rule file of the server: its warnings, its hits, and what each rule costs')
    .argument('<file>', 'its name, as `list` gives it')
    .option('--json', 'as JSON')
    .action(async (path: string, { json }: { json?: boolean }) => {
      const detail = await api().json({ path: `/rules/${encodeURIComponent(basename(path))}` }, ruleFileDetailSchema)
      await io.write(json ? jsonText(detail) : detailText(detail))
    })
}

export function checkText(check: RuleCheckView): string {
  return `${faultLines(check)}${columns(ruleRows(check))}`
}

function faultLines({ name, faults, warnings }: RuleCheckView): string {
  const line = (word: string) => (fault: RuleCheckView['faults'][number]) =>
    `${printable(`${name}:${fault.line}: ${word} [${fault.code}] ${fault.text}`)}\n`
  return [...faults.map(line('error')), ...warnings.map(line('warning'))].join('')
}

function detailText({ file, check, hits }: RuleFileDetail): string {
  const { name, state, builtIn, shadow } = file
  const words = [state, ...(builtIn ? ['built in'] : []), ...(shadow ? ['shadow'] : [])]
  const rows = ruleRows(check).map(([rule = '', ...more]) => {
    const hit = hits.find((one) => one.rule === rule)
    return [rule, ...more, hit === undefined ? '' : `${hit.enforced} hits, ${hit.shadow} in shadow`]
  })
  return `${printable(name)}: ${words.join(', ')}\n${faultLines(check)}${columns(rows)}`
}

function ruleRows({ rules }: RuleCheckView): string[][] {
  return rules.map(({ name, risk, weight, cost, share }) => [
    name,
    risk,
    weight === undefined ? '' : `weight ${weight}`,
    cost === undefined ? 'not measured' : `${cost.meanMs} ms, worst ${cost.worstMs} ms on 64 KiB`,
    share === undefined ? '' : `${Math.round(share * 100)} %`,
  ])
}
