/**
 * One limit for the connections of all workers and ports together. The supervisor owns the permits and lends them;
 * a worker that has none left asks, and unused ones of the others are called back. Permits are never made, only moved:
 * the sum over the pool and all workers is the limit, so no race admits one connection too many.
 */
export interface PermitPool {
  /** Changes the limit; a lower one takes effect as connections close. */
  setLimit(limit: number): void
  addWorker(worker: number): void
  /** A dead worker's permits come back with it. */
  removeWorker(worker: number): void
  /** A worker asks for one; it is answered by `grant` (1, or 0 when none is left anywhere). */
  want(worker: number): void
  /** A worker hands back `count` unused ones; `asked` says that this answers a recall, even with 0. */
  giveBack(worker: number, count: number, asked: boolean): void
  /** Permits lent to that worker. */
  lentTo(worker: number): number
}

export interface PermitWires {
  grant(worker: number, count: number): void
  /** Asks a worker to hand back what it does not use, and says how many unused ones it may keep from now on. */
  recall(worker: number, keep: number): void
}

/** How many a worker gets at once, so that a burst does not cost a message a connection. */
const BATCH = 16

/** Unused permits that a worker keeps, so that a quiet one need not ask for its next connections. */
export const KEEP_UNUSED = 32

export function createPermitPool(limit: number, wires: PermitWires): PermitPool {
  let free = limit
  let total = limit
  const lent = new Map<number, number>()
  const waiting: number[] = []
  const recalled = new Set<number>()

  function lend(worker: number, count: number): void {
    free -= count
    lent.set(worker, (lent.get(worker) ?? 0) + count)
    wires.grant(worker, count)
  }

  function serve(): void {
    while (free > 0) {
      const worker = waiting.shift()
      if (worker === undefined) return
      lend(worker, waiting.length === 0 ? Math.min(BATCH, Math.max(1, Math.floor(free / 4))) : 1)
    }
    if (waiting.length > 0) callBack()
  }

  /** Asks everybody once; when all have answered and nothing is free, the waiting ones are told no. */
  function callBack(): void {
    if (recalled.size > 0) return
    for (const worker of lent.keys()) recalled.add(worker)
    // Below zero the limit was lowered: nothing may be kept, so that the sum falls as connections close.
    for (const worker of recalled) wires.recall(worker, free < 0 ? 0 : KEEP_UNUSED)
  }

  function settleRecall(worker: number): void {
    if (!recalled.delete(worker) || recalled.size > 0) return
    while (free > 0 && waiting.length > 0) lend(waiting.shift() as number, 1)
    for (const refused of waiting.splice(0)) wires.grant(refused, 0)
  }

  return {
    setLimit(next) {
      const lowered = next < total
      free += next - total
      total = next
      if (lowered || free < 0) callBack()
      else serve()
    },
    addWorker(worker) {
      lent.set(worker, 0)
      // Its first connections need not ask: they are served even while the supervisor stands still.
      const first = Math.min(BATCH, Math.floor(free / 8))
      if (first > 0) lend(worker, first)
    },
    removeWorker(worker) {
      free += lent.get(worker) ?? 0
      lent.delete(worker)
      for (let at = waiting.indexOf(worker); at >= 0; at = waiting.indexOf(worker)) waiting.splice(at, 1)
      settleRecall(worker)
      serve()
    },
    want(worker) {
      if (!lent.has(worker)) return
      waiting.push(worker)
      serve()
    },
    giveBack(worker, count, asked) {
      // A worker that was taken over must not make or lose permits.
      const back = count > 0 ? Math.min(Math.floor(count), lent.get(worker) ?? 0) : 0
      lent.set(worker, (lent.get(worker) ?? 0) - back)
      free += back
      if (asked) settleRecall(worker)
      serve()
    },
    lentTo: (worker) => lent.get(worker) ?? 0,
  }
}

/** The worker's side: a connection takes a permit before anything is read from it. */
export interface PermitPurse {
  /** True at once where one is at hand; else a promise that the supervisor's answer settles. */
  take(): boolean | Promise<boolean>
  release(): void
  granted(count: number): void
  recalled(keep: number): void
  readonly inUse: number
  /** Connections here: those with a permit and those that wait for one. */
  readonly present: number
}

/** How long a connection waits for a permit before it is told that there is none (a frozen peer may hold them). */
const WAIT_MS = 2000

export function createPermitPurse(wires: { want(): void; giveBack(count: number, asked: boolean): void }): PermitPurse {
  let unused = 0
  let inUse = 0
  let keep = KEEP_UNUSED
  const waiting: ((admitted: boolean) => void)[] = []

  function answer(admitted: boolean): void {
    if (admitted) {
      unused--
      inUse++
    }
    waiting.shift()?.(admitted)
  }

  function wait(): Promise<boolean> {
    wires.want()
    return new Promise((resolve) => {
      const settle = (admitted: boolean) => {
        clearTimeout(timer)
        resolve(admitted)
      }
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(settle), 1)
        resolve(false)
      }, WAIT_MS)
      waiting.push(settle)
    })
  }

  function shed(): void {
    if (unused <= keep) return
    wires.giveBack(unused - keep, false)
    unused = keep
  }

  return {
    get inUse() {
      return inUse
    },
    get present() {
      return inUse + waiting.length
    },
    take() {
      if (unused === 0) return wait()
      unused--
      inUse++
      return true
    },
    release() {
      inUse--
      unused++
      if (waiting.length > 0) answer(true)
      shed()
    },
    granted(count) {
      if (count === 0 && waiting.length > 0) answer(false)
      unused += count
      while (unused > 0 && waiting.length > 0) answer(true)
      shed()
    },
    recalled(mayKeep) {
      keep = mayKeep
      const back = unused
      unused = 0
      wires.giveBack(back, true)
    },
  }
}
