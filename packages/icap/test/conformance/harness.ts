import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import {
  type Admission,
  createIcapServer,
  type IcapFault,
  type IcapLimits,
  type IcapServer,
  type IcapService,
  type IcapStrictness,
} from '../../src/index.ts'
import { echo, type Handler } from './handlers.ts'
import { RawPeer, type RawReply } from './raw-peer.ts'

export interface StartOptions {
  /** Default: `echo`. */
  readonly handler?: Handler
  readonly limits?: Partial<IcapLimits>
  readonly strictness?: Partial<IcapStrictness>
  readonly allow206?: boolean
  readonly preview?: number
  readonly admit?: () => Admission | Promise<Admission>
  /** Listens with TLS. */
  readonly tls?: TlsOptions
  readonly isTag?: () => string
}

export interface Started {
  readonly port: number
  readonly icap: IcapServer
  readonly faults: IcapFault[]
  close(): Promise<void>
}

const SERVICES: readonly IcapService[] = [
  { name: 'both', methods: ['REQMOD', 'RESPMOD'] },
  { name: 'req', methods: ['REQMOD'] },
  { name: 'reqmod', methods: ['REQMOD'] },
  { name: 'resp', methods: ['RESPMOD'] },
  { name: 'respmod', methods: ['RESPMOD'] },
  { name: 'echo', methods: ['REQMOD', 'RESPMOD'] },
]

/** A real server on loopback. `close` fails when connections outlive it. */
export async function startServer(options: StartOptions): Promise<Started> {
  const faults: IcapFault[] = []
  const isTag = options.isTag ?? (() => 'conformance-1')
  const icap = createIcapServer({
    serverHeader: 'Assay/test',
    ...(options.limits && { limits: options.limits }),
    ...(options.strictness && { strictness: options.strictness }),
    findService: (path) => SERVICES.find(({ name }) => name === path),
    isTag,
    optionsFor: ({ methods }) => ({
      status: 200,
      methods,
      isTag: isTag(),
      ...(options.preview !== undefined && { preview: options.preview }),
      optionsTtlS: 3600,
      maxConnections: 100,
      serviceText: 'Assay conformance',
      serviceId: 'assay-test',
      xInclude: ['X-Client-IP', 'X-Server-IP'],
      allow206: options.allow206 ?? false,
    }),
    admit: options.admit ?? (() => 'ok'),
    handle: options.handler ?? echo,
    onFault: (fault) => faults.push(fault),
  })
  const listener = listenerFor(icap, options.tls)
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  return { port, icap, faults, close: () => stop(listener, icap) }
}

function listenerFor(icap: IcapServer, tls: TlsOptions | undefined): Server {
  const take = icap.handleSocket.bind(icap)
  if (tls === undefined) return createServer({ allowHalfOpen: true, noDelay: true }, take)
  const listener = createTlsServer({ allowHalfOpen: true, noDelay: true, ...tls }, take)
  // Node only tells of a handshake that fails or stalls; the socket is the listener's to close.
  return listener.on('tlsClientError', (_error, socket) => socket.destroy())
}

async function stop(listener: Server, icap: IcapServer): Promise<void> {
  listener.close()
  await icap.drain(10)
}

/** Polls, with a deadline: a condition that never comes true is a failed test, not a stuck one. */
export async function until(isTrue: () => boolean, deadlineMs = 10_000): Promise<void> {
  for (const end = Date.now() + deadlineMs; !isTrue(); await sleep(5)) {
    if (Date.now() > end) throw new Error(`never came true: ${isTrue}`)
  }
}

/** One request on a connection of its own. */
export async function ask(port: number, bytes: string): Promise<RawReply> {
  const peer = await RawPeer.connect(port)
  try {
    peer.send(bytes)
    return await peer.reply()
  } finally {
    peer.destroy()
  }
}

/** An answer without what changes with the clock. */
export const timeless = (raw: string): string => raw.replace(/^Date: .*\r\n/m, '')

/** Sends the request cut in two at every place, on one kept connection; every answer must be the expected one. */
export async function everyCut(port: number, bytes: string, expected: string): Promise<void> {
  let peer = await RawPeer.connect(port)
  for (let at = 1; at < bytes.length; at++) {
    await peer.sendCut(bytes, at)
    const reply = await peer.reply()
    assert.equal(timeless(reply.raw), expected, `cut at ${at}`)
    if (reply.header('connection')?.toLowerCase() !== 'close') continue
    peer.destroy()
    peer = await RawPeer.connect(port)
  }
  assert.equal(peer.unread, '')
  peer.destroy()
}
