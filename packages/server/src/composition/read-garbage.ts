import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const SPENT_BYTES = 12 * 1024 * 1024

/**
 * The memory that a body is read into is garbage once it is on disk, but it is outside V8's heap, whose collector may wait for
 * 100 MB and more of it. A collection of the young generation frees it: call this with the bytes that are done with,
 * and memory does not grow with the body.
 */
export function createReadGarbage(spentBytes = SPENT_BYTES, collect = youngCollection()): (bytes: number) => void {
  let spent = 0
  return (bytes) => {
    spent += bytes
    if (spent < spentBytes) return
    spent = 0
    collect()
  }
}

function youngCollection(): () => void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options: { type: 'minor' }) => void
  setFlagsFromString('--no-expose-gc')
  return () => gc({ type: 'minor' })
}
