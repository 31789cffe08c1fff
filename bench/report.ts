import { cpus, totalmem } from 'node:os'
import process from 'node:process'

/** One line of the table. */
export interface Result {
  readonly what: string
  readonly measured: string
  /** What the project promises; '' where a figure is only told. */
  readonly goal: string
  /** undefined where there is no goal. */
  readonly met?: boolean
}

export function markdown(results: readonly Result[], effort: { rounds: number; seconds: number }): string {
  const machine = `${cpus().length} cores (${cpus()[0]?.model ?? '?'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
  const day = new Date().toISOString().slice(0, 10)
  const lines = results.map(
    ({ what, measured, goal, met }) =>
      `| ${what} | ${measured} | ${goal} | ${met === undefined ? '' : met ? 'yes' : '**no**'} |`,
  )
  return [
    `${day}, ${machine}; medians of ${effort.rounds} interleaved rounds of ${effort.seconds} s.`,
    '',
    '| what | measured | goal | met |',
    '|---|---|---|---|',
    ...lines,
  ].join('\n')
}

export function atMost(what: string, value: number, limit: number, detail: string): Result {
  return { what, measured: `${round(value)} (${detail})`, goal: `<= ${limit}`, met: value <= limit }
}

export function atLeast(what: string, value: number, limit: number, detail: string): Result {
  return { what, measured: `${round(value)} (${detail})`, goal: `>= ${limit}`, met: value >= limit }
}

/** Three digits that mean something. */
export function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
