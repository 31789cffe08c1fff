import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'

/** Linux takes a thread's number where POSIX says process; elsewhere the threads stay equal, which costs latency only. */
export function lowerPriority(nice: number): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1))
    if (thread > 0 && nice > 0) setPriority(thread, nice)
  } catch {
    // No /proc, or a sandbox that forbids it.
  }
}
