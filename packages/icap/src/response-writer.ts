import type { Socket } from 'node:net'
import { chunkHead, LAST_CHUNK, useOriginalBodyChunk } from './chunked-encoder.ts'
import { reasonPhrase } from './errors.ts'
import { latin1 } from './latin1.ts'
import { headerLines } from './reply-heads.ts'
import type { IcapReply, ReplyHeaders } from './transaction.ts'

/** A reply with an HTTP message: 200 or 206. */
export type MessageReply = Extract<IcapReply, { head: Buffer }>

/** Below this a reply goes out as one latin1 string: Node writes it from the stack, without a buffer or a request object. */
const ONE_STRING_BYTES = 8_192
/** Above this a body is written piece by piece, each when the one before it was taken: bounded copies (TLS), visible progress. */
const PIECE_BYTES = 262_144

const CONTINUE = 'ICAP/1.0 100 Continue\r\n\r\n'
const KEEP_ALIVE = 'Connection: keep-alive\r\n'
const CLOSE = 'Connection: close\r\n'

/** Errata e1: no Encapsulated, no ISTag: some clients stumble over them. */
export function writeContinue(socket: Socket): void {
  socket.write(CONTINUE, 'latin1')
}

/** A head that ends a reply without a message: 204 (no Encapsulated, errata e1) and errors. */
export function bodilessReply(status: number, commonLines: string, keepAlive: boolean, headers?: ReplyHeaders): string {
  const encapsulated = status === 204 ? '' : 'Encapsulated: null-body=0\r\n'
  return `${statusLine(status)}${commonLines}${headerLines(headers)}${keepAlive ? KEEP_ALIVE : CLOSE}${encapsulated}\r\n`
}

/** The ICAP head of a 200 or 206, its offsets exact (RFC 3507 4.4.1). */
export function messageHead(reply: MessageReply, commonLines: string, keepAlive: boolean): string {
  const body = reply.body === undefined && reply.status === 200 ? 'null-body' : bodySection(reply.section)
  return (
    statusLine(reply.status) +
    commonLines +
    headerLines(reply.headers) +
    (keepAlive ? KEEP_ALIVE : CLOSE) +
    `Encapsulated: ${reply.section}=0, ${body}=${reply.head.length}\r\n\r\n`
  )
}

function statusLine(status: number): string {
  return status === 200 ? 'ICAP/1.0 200 OK\r\n' : `ICAP/1.0 ${status} ${reasonPhrase(status)}\r\n`
}

function bodySection(section: MessageReply['section']): string {
  return section === 'req-hdr' ? 'req-body' : 'res-body'
}

/** The last chunk of a reply. */
export function lastChunkOf(reply: MessageReply): string {
  return reply.status === 206 ? useOriginalBodyChunk(reply.useOriginalBody) : LAST_CHUNK
}

/** A message whose body is there: true when it was all handed to the socket, false when `writePieces` must send the body's rest. */
export function writeWholeMessage(socket: Socket, icapHead: string, reply: MessageReply, body: Buffer): boolean {
  const total = icapHead.length + reply.head.length + body.length
  if (total <= ONE_STRING_BYTES) {
    socket.write(icapHead + latin1(reply.head) + wholeBodyText(reply, body), 'latin1')
    return true
  }
  const first = body.length <= PIECE_BYTES ? body : body.subarray(0, PIECE_BYTES)
  socket.cork()
  socket.write(icapHead + latin1(reply.head) + (body.length === 0 ? '' : chunkHead(body.length)), 'latin1')
  if (body.length > 0) socket.write(first)
  const end = endOf(reply, body)
  if (first.length === body.length && end !== '') socket.write(end, 'latin1')
  socket.uncork()
  return first.length === body.length
}

function wholeBodyText(reply: MessageReply, body: Buffer): string {
  if (reply.status === 200 && reply.body === undefined) return ''
  return body.length === 0 ? lastChunkOf(reply) : chunkHead(body.length) + latin1(body) + endOf(reply, body)
}

function endOf(reply: MessageReply, body: Buffer): string {
  if (reply.status === 200 && reply.body === undefined) return ''
  return (body.length > 0 ? '\r\n' : '') + lastChunkOf(reply)
}

/** The slow half of a reply: waits for the peer between pieces. `waitWritable` says false when the connection is gone. */
export interface PatientWriter {
  readonly socket: Socket
  waitWritable(): Promise<boolean>
}

/** The rest of a large body whose chunk was begun by `writeWholeMessage`. False: the connection is gone. */
export async function writePieces(writer: PatientWriter, reply: MessageReply, body: Buffer): Promise<boolean> {
  for (let at = PIECE_BYTES; at < body.length; at += PIECE_BYTES) {
    if (!(await writer.waitWritable())) return false
    writer.socket.write(body.subarray(at, at + PIECE_BYTES))
  }
  if (!(await writer.waitWritable())) return false
  writer.socket.write(endOf(reply, body), 'latin1')
  return true
}

/**
 * A streamed message. The heads go out at once, joined with the first piece when that is ready within this turn of the loop:
 * Squid 5 stalls when it waits for them (its bug 5352). Throws what the iterable throws. False: the connection is gone.
 */
export async function writeStream(
  writer: PatientWriter,
  icapHead: string,
  reply: MessageReply,
  body: AsyncIterable<Buffer>,
): Promise<boolean> {
  const { socket } = writer
  socket.cork()
  setImmediate(() => socket.uncork())
  socket.write(icapHead + latin1(reply.head), 'latin1')
  for await (const piece of body) {
    // An empty piece would be the last chunk.
    if (piece.length > 0 && !(await writeChunk(writer, piece))) return false
  }
  socket.write(lastChunkOf(reply), 'latin1')
  return true
}

async function writeChunk(writer: PatientWriter, piece: Buffer): Promise<boolean> {
  const { socket } = writer
  if (socket.writableNeedDrain && !(await writer.waitWritable())) return false
  if (socket.destroyed) return false
  socket.cork()
  socket.write(chunkHead(piece.length), 'latin1')
  for (let at = 0; ; at += PIECE_BYTES) {
    socket.write(piece.length <= PIECE_BYTES ? piece : piece.subarray(at, at + PIECE_BYTES))
    if (at + PIECE_BYTES >= piece.length) break
    socket.uncork()
    if (!(await writer.waitWritable())) return false
    socket.cork()
  }
  socket.write('\r\n', 'latin1')
  socket.uncork()
  return true
}
