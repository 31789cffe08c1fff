import { Command } from 'commander'
import { type Status, statusSchema } from '../api/contract.ts'
import type { CommandContext } from './context.ts'
import { columns, jsonText, printable, utcTime } from './print.ts'

export function statusCommand({ api, io }: CommandContext): Command {
  return new Command('status')
    .description('how the running server is')
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const status = await api().json({ path: '/status' }, statusSchema)
      await io.write(json ? jsonText(status) : statusText(status))
    })
}

function statusText(status: Status): string {
  const { readiness, processes, engines, listeners, isTags, lists } = status
  return [
    `Assay ${printable(status.version)} is ${readiness.ready ? 'ready' : 'NOT READY'}, started ${utcTime(status.startedMs)}\n`,
    ...readiness.reasons.map((reason) => `  ${printable(reason)}\n`),
    section(
      'Processes',
      processes.map(({ role, pid, state, uid }) => [role, String(pid), state, `uid ${uid}`]),
    ),
    section(
      'Engines',
      engines.map(({ engine, state, version, detail }) => [engine, state, version, detail]),
    ),
    section(
      'Listeners',
      listeners.map(({ name, address, state, detail }) => [name, address, state, detail]),
    ),
    section('Load', loadRows(status)),
    section(
      'Lists',
      lists.filter(({ count }) => count > 0).map(({ list, type, count }) => [list, type, String(count)]),
    ),
    section('ISTag', Object.entries(isTags)),
    section(
      'Rule files set apart',
      [...status.rules.quarantined, ...status.rules.slow].map(({ name, state, faults }) => [
        name,
        state,
        faults[0] ?? '',
      ]),
    ),
    section(
      'Since the start',
      Object.entries(status.counters).map(([name, value]) => [name, String(value)]),
    ),
  ].join('')
}

function section(title: string, rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : `\n${title}\n${columns(rows.map((row) => ['', ...row]))}`
}

function loadRows({ connections, journal, store, rules, cpuSeconds, memory }: Status): string[][] {
  return [
    ['connections', `${connections.inUse} of ${connections.max}`],
    [
      'journal',
      `${journal.backlogRecords} records (${journal.backlogBytes} of ${journal.maxBytes} bytes) not yet in the store`,
    ],
    ['store', `${store.kind} ${store.state} ${store.detail}`.trimEnd()],
    ['rules', `${rules.loaded} loaded`],
    ['cpu', `${cpuSeconds.toFixed(1)} s`],
    ['memory', `${Math.round(memory.rssBytes / 1048576)} MiB`],
  ]
}
