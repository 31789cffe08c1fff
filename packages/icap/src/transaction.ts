import type { IcapHeaders } from './headers.ts'

/** The two methods that carry a message (RFC 3507 3.1, 3.2); OPTIONS is answered by the server itself. */
export type IcapMethod = 'REQMOD' | 'RESPMOD'

/** The TCP peer, as the socket names it. IPv4-mapped IPv6 addresses are given as IPv4. */
export interface Peer {
  readonly address: string
  readonly port: number
  readonly localPort: number
  readonly tls: boolean
}

/** Takes body bytes. A promise holds the peer back (the socket is paused) until it settles; a rejection fails the read. */
export type BodySink = (chunk: Buffer) => void | Promise<void>

/**
 * How far a read came: `whole`, the body is complete (ieof, or its last chunk after 100 Continue or without a preview);
 * `preview`, the preview's last chunk came without ieof: nothing follows before `continueBody()` (RFC 3507 4.5).
 */
export type BodyState = 'whole' | 'preview'

/** Bytes of a reply's body: known whole, or streamed (a throw in the iterable cuts the connection without a last chunk). */
export type ReplyBody = Buffer | AsyncIterable<Buffer>

/**
 * Extra ICAP header lines of a reply, ready for the wire: the writer refuses CR, LF and NUL in values. A list is one value
 * folded over lines (RFC 2616 2.2), for headers that clients know only so (`X-Violations-Found`).
 */
export type ReplyHeaders = Readonly<Record<string, string | readonly string[]>>

/**
 * A reply's shape. `head` is a whole HTTP head with its final empty line, sent as it stands.
 * 204 is legal only where `allows204` says so; the writer refuses it elsewhere (RFC 3507 4.6).
 */
export type IcapReply =
  | { readonly status: 204; readonly headers?: ReplyHeaders }
  | {
      readonly status: 200
      readonly headers?: ReplyHeaders
      /** `req-hdr`: an adapted request; `res-hdr`: a response (RESPMOD, or a REQMOD answered for the origin). */
      readonly section: 'req-hdr' | 'res-hdr'
      readonly head: Buffer
      /** Absent: `null-body`. */
      readonly body?: ReplyBody
    }
  /** 206 (draft-icap-ext-partial-content): new head and leading bytes, then the original from `useOriginalBody` on. */
  | {
      readonly status: 206
      readonly headers?: ReplyHeaders
      readonly section: 'req-hdr' | 'res-hdr'
      readonly head: Buffer
      readonly body?: ReplyBody
      readonly useOriginalBody: number
    }
  /** No message: an error of ours (400-505). `close` ends the connection after it. */
  | { readonly status: number; readonly error: true; readonly headers?: ReplyHeaders; readonly close?: boolean }

/** One REQMOD or RESPMOD. The handler reads what it needs, then replies exactly once. */
export interface Transaction {
  readonly method: IcapMethod
  /** The service path without slashes at its ends: `respmod`. */
  readonly service: string
  /** The ICAP URI's query, without `?`; '' when there is none. */
  readonly query: string
  readonly headers: IcapHeaders
  readonly peer: Peer
  /** Unix ms when the ICAP head was complete. */
  readonly startedMs: number
  /** Encapsulated HTTP heads, byte-equal, with their final empty line; absent where the client sent none. */
  readonly requestHead: Buffer | undefined
  readonly responseHead: Buffer | undefined
  /** By the Encapsulated header only (errata e1): null-body is false. */
  readonly hasBody: boolean
  /** The announced preview size; undefined when there is no preview. */
  readonly preview: number | undefined
  /** Whether a 204 is legal now: Allow: 204, or inside a preview that was not continued (RFC 3507 4.6). */
  readonly allows204: boolean
  readonly allows206: boolean
  /** Aborted when the client goes away or the connection fails; made on first use. */
  readonly signal: AbortSignal
  /**
   * Feeds body bytes into the sink until the preview or the body ends. Bytes that stand in the buffer already are fed before it
   * returns. Call it again after `continueBody()`. Without a body: `whole` at once. Rejects with IcapError (bad chunk, deadline, peer gone).
   * May run while a streamed reply is being written (RFC 3507 errata: read and write concurrently).
   */
  readBody(sink: BodySink): Promise<BodyState>
  /** Sends `100 Continue`; legal only after `readBody` said `preview`. The final reply goes out only after the next body byte (Squid). */
  continueBody(): void
  /** Settles when the reply is handed to the kernel or the connection is gone (no throw: `signal` tells). Throws IcapError on misuse. */
  reply(reply: IcapReply): Promise<void>
}
