import { readFileSync } from 'node:fs'
import { processLine, processTree } from '../packages/server/test/e2e/process-table.ts'

/** USER_HZ: Linux tells user space 100 on every machine that this runs on. */
const TICKS_PER_SECOND = 100

/** CPU seconds, user and system, that these processes and their descendants have used. */
export function cpuSeconds(pids: readonly number[]): number {
  const ticks = pids.flatMap(processTree).reduce((sum, { cpuTicks }) => sum + cpuTicks, 0)
  return ticks / TICKS_PER_SECOND
}

/** Theirs without their descendants'. */
export function cpuSecondsAlone(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (processLine(pid)?.cpuTicks ?? 0), 0) / TICKS_PER_SECOND
}

/** MiB of a line of /proc/PID/status, summed over the trees: `VmRSS`, `RssAnon`. */
export function memoryMiB(pids: readonly number[], line: 'VmRSS' | 'RssAnon'): number {
  return pids.flatMap(processTree).reduce((sum, { pid }) => sum + statusKiB(pid, line) / 1024, 0)
}

function statusKiB(pid: number, line: string): number {
  try {
    return Number(new RegExp(`^${line}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = 0, high = 0] = [sorted[middle - 1], sorted[middle]]
  return sorted.length % 2 === 1 ? high : (low + high) / 2
}
