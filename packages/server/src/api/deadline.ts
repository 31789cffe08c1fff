import { setTimeout as delay } from 'node:timers/promises'
import { type ApiDeps, Unavailable } from './deps.ts'

type Watched = Pick<ApiDeps, 'status' | 'readiness' | 'metricsText'>

/**
 * The three questions that anybody on this machine may ask, asked of the server once at a time however many ask, and given up
 * after `timeoutMs`: a part that hangs makes these pages say so instead of hanging too.
 */
export function withinDeadline(deps: Watched, timeoutMs: number): Watched {
  const watched = <T>(ask: () => Promise<T>): (() => Promise<T>) =>
    sharedWhilePending(() => giveUpAfter(ask(), timeoutMs))
  return {
    status: watched(() => deps.status()),
    readiness: watched(() => deps.readiness()),
    metricsText: watched(() => deps.metricsText()),
  }
}

function sharedWhilePending<T>(ask: () => Promise<T>): () => Promise<T> {
  let pending: Promise<T> | undefined
  return () => {
    pending ??= ask().finally(() => {
      pending = undefined
    })
    return pending
  }
}

async function giveUpAfter<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  const timer = new AbortController()
  const late = delay(timeoutMs, undefined, { signal: timer.signal }).then(() => {
    throw new Unavailable(`no answer within ${timeoutMs} ms`)
  })
  late.catch(() => {})
  return Promise.race([answer, late]).finally(() => timer.abort())
}
