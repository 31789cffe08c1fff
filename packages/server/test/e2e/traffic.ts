import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import type { Origin } from './origin.ts'
import { waitFor } from './programs.ts'
import { noise, sha256 } from './samples.ts'
import type { Squid } from './squid.ts'

/** What a user behind Squid does. `eicar` expects the block page, the others their bytes unchanged. */
export type Errand = 'get' | 'chunked' | 'post' | 'eicar'

export interface TrafficOptions {
  readonly squid: Squid
  readonly origin: Origin
  /** Stands in each URL, so that its records can be found: `?n=TAG-1`. */
  readonly tag: string
  readonly errands?: readonly Errand[]
  readonly users?: number
}

export interface Visit {
  readonly errand: Errand
  readonly url: string
  /** `same`: 200 and the bytes of the origin. `blocked`: 403. `failed`: all else, with what it was. */
  readonly outcome: 'same' | 'blocked' | 'failed'
  readonly detail: string
}

export interface Traffic {
  readonly visits: readonly Visit[]
  /** Lets what is under way end; then gives all visits. */
  stop(): Promise<readonly Visit[]>
}

const ERRANDS: readonly Errand[] = ['get', 'eicar', 'post', 'chunked']
const TIMEOUT_MS = 60_000

/** Users that fetch through Squid without a pause until they are stopped. */
export function startTraffic({ squid, origin, tag, errands = ERRANDS, users = 3 }: TrafficOptions): Traffic {
  const agent = new Agent({ keepAlive: true, maxSockets: users })
  const visits: Visit[] = []
  let going = true
  let count = 0
  const user = async (): Promise<void> => {
    while (going) {
      const errand = errands[count % errands.length] ?? 'get'
      visits.push(await visit(errand, `${tag}-${count++}`, { agent, squid, origin }))
    }
  }
  const all = Promise.all(Array.from({ length: users }, user))
  return {
    visits,
    stop: async () => {
      going = false
      await all
      agent.destroy()
      return visits
    },
  }
}

/** Runs what it is given while users fetch through Squid, and asserts that each of them got what was expected: no transaction was lost. */
export async function underTraffic(options: TrafficOptions, body: () => Promise<void>): Promise<readonly Visit[]> {
  const traffic = startTraffic(options)
  const more = (count: number): Promise<unknown> => {
    const enough = traffic.visits.length + count
    return waitFor(`${count} more visits`, () => traffic.visits.length >= enough)
  }
  try {
    await more(8)
    await body()
    await more(8)
  } finally {
    await traffic.stop()
  }
  const wrong = traffic.visits.filter((each) => each.outcome !== (each.errand === 'eicar' ? 'blocked' : 'same'))
  assert.deepEqual(
    wrong.slice(0, 5),
    [],
    `${wrong.length} of ${traffic.visits.length} visits went wrong\n${options.squid.log()}`,
  )
  return traffic.visits
}

interface Way {
  readonly agent: Agent
  readonly squid: Squid
  readonly origin: Origin
}

async function visit(errand: Errand, name: string, way: Way): Promise<Visit> {
  const path = `/${errand === 'post' ? 'sink' : errand === 'get' ? 'clean' : errand}?n=${name}`
  const url = way.origin.url(path)
  const upload = errand === 'post' ? noise(name, 3000) : undefined
  try {
    const { status, body } = await fetchThrough(way, url, upload)
    if (status === 403) return { errand, url, outcome: 'blocked', detail: '' }
    const same = upload === undefined ? body.equals(way.origin.bodyOf(path)) : body.includes(sha256(upload))
    const fine = status === 200 && same
    return { errand, url, outcome: fine ? 'same' : 'failed', detail: fine ? '' : `${status}, ${body.length} bytes` }
  } catch (error) {
    return { errand, url, outcome: 'failed', detail: String(error) }
  }
}

async function fetchThrough({ agent, squid }: Way, url: string, upload: Buffer | undefined) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: Buffer }>()
  const method = upload === undefined ? 'GET' : 'POST'
  const headers = { Host: new URL(url).host, ...(upload === undefined ? {} : { 'Content-Length': upload.length }) }
  const sent = request({ agent, host: '127.0.0.1', port: squid.port, path: url, method, headers, timeout: TIMEOUT_MS })
  sent.on('timeout', () => sent.destroy(new Error('no answer in time')))
  sent.on('error', reject)
  sent.on('response', (response) => {
    const parts: Buffer[] = []
    response.on('data', (part: Buffer) => parts.push(part))
    response.on('error', reject)
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }))
  })
  sent.end(upload)
  return promise
}
