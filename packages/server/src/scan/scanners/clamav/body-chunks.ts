import { read } from 'node:fs'
import { promisify } from 'node:util'
import type { Content } from '../../../domain/sample.ts'
import { Unscanned } from '../../../domain/verdict.ts'

const readFd = promisify(read)

/** Between 64 and 256 KiB: clamd writes to its temporary file what one read gave it, so that larger chunks gain nothing. */
const CHUNK_BYTES = 128 * 1024

export function contentBytes(content: Content): number {
  return content.kind === 'memory' ? content.bytes.length : content.size
}

/**
 * The bytes in pieces that fit one INSTREAM chunk, read only as they are asked for. Positions are absolute: the same file may be
 * read by several engines at once. Throws Unscanned('engine-down') where the file ends early or cannot be read.
 */
export async function* bodyChunks(content: Content): AsyncGenerator<Buffer> {
  if (content.kind === 'memory') {
    for (let at = 0; at < content.bytes.length; at += CHUNK_BYTES) yield content.bytes.subarray(at, at + CHUNK_BYTES)
    return
  }
  for (let at = 0; at < content.size; ) {
    const chunk = await readAt(content.fd, at, Math.min(CHUNK_BYTES, content.size - at))
    at += chunk.length
    yield chunk
  }
}

/** A buffer of its own each time: the socket keeps the last one until it is written. */
async function readAt(fd: number, at: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(bytes)
  const { bytesRead } = await readFd(fd, buffer, 0, bytes, at).catch((error: unknown) => {
    throw new Unscanned('engine-down', 'the spooled body cannot be read', { cause: error })
  })
  if (bytesRead === 0) throw new Unscanned('engine-down', 'the spooled body ended early')
  return buffer.subarray(0, bytesRead)
}
