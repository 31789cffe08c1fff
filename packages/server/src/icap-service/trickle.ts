import type { BodyStore } from './body-store.ts'

/** Early bytes for clients that cannot wait (docs/trickle.md says what that gives up). */
export interface TrickleSettings {
  /** Body bytes that must have come before the head goes out. */
  readonly afterBytes: number
  /** Body bytes let through each second while the scan runs; 0 = the head only. */
  readonly bytesPerSecond: number
  /** The last bytes that came are never let through before the verdict; default 64 KiB. */
  readonly holdBackBytes?: number
}

export interface Trickle {
  readonly body: AsyncIterable<Buffer>
  /** The verdict permits it: what was not sent yet goes out at once. */
  release(rest: RestOfBody): void
  /** The verdict forbids it: the connection is cut without a last chunk, so that no client takes the file for whole. */
  cut(): void
  /** Bytes let through so far. */
  readonly sentBytes: number
}

const HOLD_BACK = 64 * 1024
const INTERVAL_MS = 1000

/** Thrown inside the reply's body: cuts the connection. */
export class TrickleCut extends Error {
  override readonly name = 'TrickleCut'
}

/** The message's bytes from a position on. */
export type RestOfBody = (from: number) => AsyncIterable<Buffer>

type Outcome = { readonly type: 'release'; readonly rest: RestOfBody } | { readonly type: 'cut' }

export function createTrickle(store: BodyStore, settings: TrickleSettings): Trickle {
  const holdBack = settings.holdBackBytes ?? HOLD_BACK
  let outcome: Outcome | undefined
  let wake = (): void => {}
  let sent = 0

  const decide = (decided: Outcome) => {
    outcome ??= decided
    wake()
  }

  async function* drip(): AsyncGenerator<Buffer> {
    while (outcome === undefined) {
      const room = Math.min(settings.bytesPerSecond, store.readableBytes - holdBack - sent)
      if (room > 0) {
        const bytes = await store.readAt(sent, room)
        // While the disk was read the verdict may have come: nothing more goes out before it is looked at.
        if (outcome !== undefined) break
        sent += bytes.length
        if (bytes.length > 0) yield bytes
      }
      if (outcome === undefined) await pause()
    }
    if (outcome?.type !== 'release') throw new TrickleCut('a reply that had begun was refused by its verdict')
    yield* outcome.rest(sent)
  }

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, INTERVAL_MS)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  return {
    body: { [Symbol.asyncIterator]: drip },
    release: (rest) => decide({ type: 'release', rest }),
    cut: () => decide({ type: 'cut' }),
    get sentBytes() {
      return sent
    },
  }
}
