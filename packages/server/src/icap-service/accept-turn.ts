export interface AcceptTurnOptions {
  /** Processes that accept from the same handle. */
  readonly workers: number
  /** Connections of this process now. */
  own(): number
  /** Of all the others together, as of a moment ago. */
  others(): number
}

/** So far ahead of the others' average a process may be before it lets them go first. */
const AHEAD = 2
const TURN_MS = 0.02

/**
 * Call it for each accepted connection. Of the processes that share a listening handle the first to wake takes every connection
 * of a burst, and a client's long-lived connections then sit on one core. A process that is ahead therefore sleeps for a moment
 * before its next accept, in which the others, awake already, take theirs: bursts of 16 split 15:1 without it, 8:8 with it.
 */
export function createAcceptTurn({ workers, own, others }: AcceptTurnOptions): () => void {
  if (workers < 2) return () => {}
  const nobody = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  return () => {
    if (own() > others() / (workers - 1) + AHEAD) Atomics.wait(nobody, 0, 0, TURN_MS)
  }
}
