import { readdirSync, readFileSync } from 'node:fs'
import process from 'node:process'

/** A line of the process table, as far as tests need it. */
export interface ProcessLine {
  readonly pid: number
  readonly parent: number
  /** One letter of proc(5): R, S, D, T (stopped), Z (ended, not yet collected). */
  readonly state: string
  readonly cpuTicks: number
}

export function processLine(pid: number): ProcessLine | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in parentheses may hold anything, parentheses too.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return {
      pid,
      state: fields[0] ?? '',
      parent: Number(fields[1]),
      cpuTicks: Number(fields[11]) + Number(fields[12]),
    }
  } catch {
    return undefined
  }
}

export function processTable(): ProcessLine[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processLine(Number(name)))
    .filter((line) => line !== undefined)
}

/** A process and all that descend from it. */
export function processTree(root: number): ProcessLine[] {
  const table = processTable()
  const found = table.filter(({ pid }) => pid === root)
  for (const { pid } of found) found.push(...table.filter(({ parent }) => parent === pid))
  return found
}

/**
 * The living processes that carry this in their environment: those of a server, orphans and those that changed their user included.
 * (Only root may read another user's environment; without root nobody changes the user.)
 */
export function processesMarked(mark: string): ProcessLine[] {
  return processTable().filter(({ pid, state }) => {
    if (state === 'Z' || pid === process.pid) return false
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark)
    } catch {
      return false
    }
  })
}
