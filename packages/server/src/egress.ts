import { lookup as systemLookup } from 'node:dns/promises'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** Why a request did not succeed; each a stable word. */
export type EgressFault =
  | 'bad-url'
  | 'refused-address'
  | 'name-not-found'
  | 'too-many-redirects'
  | 'downgrade'
  | 'too-large'
  | 'timeout'
  | 'cut-short'
  | 'aborted'
  | 'connection'

export class EgressError extends Error {
  override readonly name = 'EgressError'
  readonly fault: EgressFault

  constructor(fault: EgressFault, text: string, options?: ErrorOptions) {
    super(text, options)
    this.fault = fault
  }
}

export interface HostAddress {
  readonly address: string
  readonly family: 4 | 6
}

export interface EgressOptions {
  /** Hosts as an administrator typed them (name or address): only these may be loopback or private. */
  readonly namedHosts?: readonly string[]
  /** The system's resolver by default. */
  readonly resolve?: (host: string) => Promise<readonly HostAddress[]>
  /** Certificates (PEM) to trust beside the system's. */
  readonly ca?: string
}

export interface EgressRequest {
  readonly url: string
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** Authorization, Cookie and the like do not follow a redirect to another origin. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** Of the answer's body as it comes. */
  readonly maxBytes: number
  /** From the look-up to the last byte, redirects included. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

export interface EgressReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Body bytes handed to the sink. */
  readonly bytes: number
  /** The last URL, after redirects. */
  readonly url: string
}

/** Takes the final answer's body; the peer waits until it settles, a rejection ends the request. */
export type EgressSink = (chunk: Buffer) => void | Promise<void>

/** Rejects with EgressError; HTTP error statuses are answers. Bytes given to the sink before a rejection are not the whole. */
export type Egress = (request: EgressRequest, sink: EgressSink) => Promise<EgressReply>

const MAX_REDIRECTS = 5
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308]
const MAX_HEADER_BYTES = 32 * 1024

/** Credentials by any usual name (RFC 9110 15.4: remove them when the origin changes). */
const CREDENTIALS = /^(authorization|cookie|proxy-authorization|www-authenticate|.*(token|secret|api-?key).*)$/i

/**
 * The one client for outgoing requests. The host is resolved once and that address is the one connected to, so that a second
 * answer of the name server cannot lead inside; no proxy variable is read; nothing is kept alive.
 */
export function createEgress(options: EgressOptions = {}): Egress {
  const named = new Set((options.namedHosts ?? []).map(canonicalHost))
  return async (request, sink) => {
    const deadline = AbortSignal.timeout(request.timeoutMs)
    const signal = AbortSignal.any([deadline, ...(request.signal ? [request.signal] : [])])
    try {
      return await follow({ request, sink, signal, options, named })
    } catch (error) {
      throw asEgressError(error, deadline, request.signal)
    }
  }
}

interface Trip {
  readonly request: EgressRequest
  readonly sink: EgressSink
  readonly signal: AbortSignal
  readonly options: EgressOptions
  readonly named: ReadonlySet<string>
}

type Hop = Pick<EgressRequest, 'body'> & {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
}

async function follow(trip: Trip): Promise<EgressReply> {
  const { method = 'GET', headers = {}, body, url } = trip.request
  let hop: Hop = { url: parseUrl(url), method, headers, ...(body && { body }) }
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await send(trip, hop)
    const next = redirectOf(response, hop)
    if (next === undefined) return receive(trip, hop, response)
    response.destroy()
    hop = next
  }
  throw new EgressError('too-many-redirects', `more than ${MAX_REDIRECTS} redirects`)
}

function parseUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base?.href)
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw new EgressError('bad-url', 'not an http or https URL')
  if (url.username !== '' || url.password !== '') throw new EgressError('bad-url', 'the URL holds credentials')
  return url
}

/** Connects to the one address that was checked; resolves with the answer's head. */
async function send(trip: Trip, hop: Hop): Promise<IncomingMessage> {
  const address = await permittedAddress(hop.url, trip)
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const request = openRequest(trip, hop, address)
  request.on('response', resolve)
  request.on('error', reject)
  // A 101 that nobody asked for closes the request without an error.
  request.on('close', () => reject(new EgressError('connection', 'closed without an answer')))
  request.end(hop.body)
  return abortable(promise, trip.signal)
}

function openRequest({ signal, options }: Trip, { url, method, headers }: Hop, pinned: HostAddress): ClientRequest {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  return send(url, {
    method,
    headers: { 'accept-encoding': 'identity', ...headers },
    agent: false,
    signal,
    maxHeaderSize: MAX_HEADER_BYTES,
    lookup: pinnedLookup(pinned),
    ...(options.ca !== undefined && { ca: options.ca }),
  })
}

function pinnedLookup({ address, family }: HostAddress): LookupFunction {
  return (_host, { all }, callback) => {
    if (all) callback(null, [{ address, family }])
    else callback(null, address, family)
  }
}

/** One forbidden address among a name's answers refuses the name: choosing the others would let its owner probe. */
async function permittedAddress(url: URL, { options, named, signal }: Trip): Promise<HostAddress> {
  const host = canonicalHost(url.hostname)
  const addresses = await abortable(resolveHost(host, options), signal)
  const [first] = addresses
  if (first === undefined) throw new EgressError('name-not-found', `${host} has no address`)
  for (const { address } of addresses) {
    const kind = addressKind(address)
    if (kind === 'never' || (kind === 'inside' && !named.has(host)))
      throw new EgressError(
        'refused-address',
        `${host} is at ${address}, which is ${kind === 'never' ? 'never asked' : 'asked only where an administrator names that host'}`,
      )
  }
  return first
}

async function resolveHost(
  host: string,
  { resolve = resolveBySystem }: EgressOptions,
): Promise<readonly HostAddress[]> {
  const family = isIP(host)
  if (family === 4 || family === 6) return [{ address: host, family }]
  try {
    return await resolve(host)
  } catch (error) {
    throw new EgressError('name-not-found', `${host} was not resolved`, { cause: error })
  }
}

async function resolveBySystem(host: string): Promise<readonly HostAddress[]> {
  const answers = await systemLookup(host, { all: true })
  return answers.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
}

function canonicalHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
}

function redirectOf({ statusCode = 0, headers }: IncomingMessage, hop: Hop): Hop | undefined {
  if (!REDIRECTS.includes(statusCode) || headers.location === undefined) return undefined
  const url = parseUrl(headers.location, hop.url)
  if (hop.url.protocol === 'https:' && url.protocol === 'http:')
    throw new EgressError('downgrade', `${hop.url.host} redirects from https to http`)
  const kept = url.origin === hop.url.origin ? hop.headers : withoutCredentials(hop.headers)
  // RFC 9110 15.4.4: 303, and by custom 301 and 302 after POST, are asked with GET and no body.
  const becomesGet = statusCode === 303 || (statusCode < 303 && hop.method === 'POST')
  if (becomesGet && hop.method !== 'HEAD') return { url, method: 'GET', headers: kept }
  return { ...hop, url, headers: kept }
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !CREDENTIALS.test(name)))
}

async function receive({ request, sink, signal }: Trip, hop: Hop, response: IncomingMessage): Promise<EgressReply> {
  let bytes = 0
  try {
    const declared = Number(response.headers['content-length'] ?? 0)
    if (hop.method !== 'HEAD' && declared > request.maxBytes) throw tooLarge(request.maxBytes)
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > request.maxBytes) throw tooLarge(request.maxBytes)
      await abortable(Promise.resolve(sink(chunk)), signal)
    }
  } finally {
    response.destroy()
  }
  // Node ends a body of less than Content-Length with an error by itself ("aborted"); this is for what it may let through.
  if (!response.complete) throw new EgressError('cut-short', 'the answer ended early')
  return { status: response.statusCode ?? 0, headers: response.headers, bytes, url: hop.url.href }
}

function tooLarge(maxBytes: number): EgressError {
  return new EgressError('too-large', `the answer is larger than ${maxBytes} bytes`)
}

async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // Whoever loses the race may still reject later.
  promise.catch(() => {})
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort))
}

function asEgressError(error: unknown, deadline: AbortSignal, caller: AbortSignal | undefined): EgressError {
  if (error instanceof EgressError) return error
  if (deadline.aborted) return new EgressError('timeout', 'no whole answer in time', { cause: error })
  if (caller?.aborted) return new EgressError('aborted', 'given up by the caller', { cause: error })
  const text = error instanceof Error ? error.message : 'the connection failed'
  return new EgressError(text === 'aborted' ? 'cut-short' : 'connection', text, { cause: error })
}

/** Metadata services, link-local, multicast, unspecified and reserved: nothing there is a service of anybody's. */
const NEVER = blockListOf([
  '0.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '192.0.0.0/24',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '::/128',
  'fe80::/10',
  'ff00::/8',
  'fd00:ec2::254/128',
])

const INSIDE = blockListOf([
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '198.18.0.0/15',
  '::1/128',
  'fc00::/7',
  'fec0::/10',
])

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix = ''] = network.split('/')
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

/** IPv6 forms that carry an IPv4 address are judged by that one: mapped (::ffff:), compatible, NAT64 (64:ff9b::), 6to4 (2002:). */
export function addressKind(address: string): 'never' | 'inside' | 'outside' {
  const family = isIP(address)
  if (family === 0) return 'never'
  const inner = family === 6 ? innerIpv4(address) : undefined
  const checked = inner ?? address
  const word = isIP(checked) === 6 ? 'ipv6' : 'ipv4'
  if (NEVER.check(checked, word)) return 'never'
  return INSIDE.check(checked, word) ? 'inside' : 'outside'
}

function innerIpv4(address: string): string | undefined {
  const words = ipv6Words(address)
  const at = (index: number) => words[index] ?? 0
  const ipv4 = (index: number) => [at(index) >> 8, at(index) & 255, at(index + 1) >> 8, at(index + 1) & 255].join('.')
  const leading = (count: number) => words.slice(0, count).every((word) => word === 0)
  if (leading(5) && at(5) === 0xffff) return ipv4(6)
  if (leading(6) && (at(6) !== 0 || at(7) > 1)) return ipv4(6)
  if (at(0) === 0x64 && at(1) === 0xff9b) return ipv4(6)
  if (at(0) === 0x2002) return ipv4(1)
  return undefined
}

/** The eight 16-bit words; the URL parser writes an IPv6 address in its one short form. */
function ipv6Words(address: string): number[] {
  const canonical = new URL(`http://[${address.split('%')[0] ?? ''}]/`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const wordsOf = (part: string) =>
    part
      .split(':')
      .filter((word) => word !== '')
      .map((word) => Number.parseInt(word, 16))
  const left = wordsOf(head)
  const right = tail === undefined ? [] : wordsOf(tail)
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
}
