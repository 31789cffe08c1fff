import type { Readable } from 'node:stream'
import type { z } from 'zod'
import type { Outcome } from './deps.ts'
import { Refusal } from './errors.ts'

export type Reply =
  | { readonly kind: 'json'; readonly status?: number; readonly value: unknown }
  | {
      readonly kind: 'text'
      readonly status?: number
      readonly type: string
      readonly text: string
      readonly headers?: Readonly<Record<string, string>>
    }
  | { readonly kind: 'stream'; readonly type: string; readonly chunks: AsyncIterable<string> }

/** What came in, unchecked. */
export interface RawInput {
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
}

interface Input<P, Q, B> {
  readonly params: P
  readonly query: Q
  readonly body: B
}

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE'

interface RouteHead {
  readonly method: Method
  /** Fastify's syntax: `/settings/rollback/:revision`. */
  readonly path: string
  readonly summary: string
  /** The answer's schema, or the media type of one that is not JSON. */
  readonly answers: z.ZodType | string
  readonly maxBodyBytes?: number
}

interface RouteSpec<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> extends RouteHead {
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  handle(input: Input<z.output<P>, z.output<Q>, z.output<B>>): Promise<Reply>
}

/** One page of a face; `takes` says how its body is read. */
export interface Route extends RouteHead {
  readonly schemas: { readonly params?: z.ZodType; readonly query?: z.ZodType; readonly body?: z.ZodType }
  readonly takes: 'nothing' | 'json' | 'stream'
  handle(input: RawInput): Promise<Reply>
}

/** A route whose input is checked by its schemas first: unknown fields and values out of bounds never reach `handle`. */
export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(spec: RouteSpec<P, Q, B>): Route {
  const { params, query, body } = spec
  return {
    ...headOf(spec),
    schemas: { ...(params && { params }), ...(query && { query }), ...(body && { body }) },
    takes: body ? 'json' : 'nothing',
    handle: async (raw) =>
      spec.handle({ params: check(params, raw.params), query: check(query, raw.query), body: check(body, raw.body) }),
  }
}

interface StreamRouteSpec<Q extends z.ZodType> extends RouteHead {
  readonly query: Q
  handle(input: { readonly query: z.output<Q>; readonly body: Readable }): Promise<Reply>
}

/** A route that reads its text/plain body as it comes. */
export function streamRoute<Q extends z.ZodType>(spec: StreamRouteSpec<Q>): Route {
  return {
    ...headOf(spec),
    schemas: { query: spec.query },
    takes: 'stream',
    handle: async (raw) => spec.handle({ query: check(spec.query, raw.query), body: raw.body as Readable }),
  }
}

function headOf({ method, path, summary, answers, maxBodyBytes }: RouteHead): RouteHead {
  return { method, path, summary, answers, ...(maxBodyBytes !== undefined && { maxBodyBytes }) }
}

export function json(value: unknown): Reply {
  return { kind: 'json', value }
}

/** A change's outcome as an answer; its faults become the refusal that names them all. */
export function changed<T extends object>(outcome: Outcome<T>): Reply {
  if (!outcome.ok) throw new Refusal('FAULTS', undefined, outcome.faults)
  const { ok: _, ...value } = outcome
  return json(value)
}

/** No schema: nothing is taken from this part. */
function check<S extends z.ZodType>(schema: S | undefined, value: unknown): z.output<S> {
  if (schema === undefined) return undefined as z.output<S>
  const parsed = schema.safeParse(value ?? {})
  if (parsed.success) return parsed.data
  throw new Refusal('BAD_REQUEST', 'the request is malformed', parsed.error.issues.map(faultOf))
}

function faultOf(issue: z.core.$ZodIssue): string {
  const where = issue.path.map(String).join('.').slice(0, 128)
  return where === '' ? issue.message : `${where}: ${issue.message}`
}
