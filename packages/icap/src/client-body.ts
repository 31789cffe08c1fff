import type { ClientConnection } from './client-connection.ts'
import { IcapClientError } from './client-errors.ts'

/** Bounds on a chunked answer, in bytes. */
export interface ChunkLimits {
  readonly maxChunkLineBytes: number
  readonly maxTrailerBytes: number
  readonly maxBodyBytes: number
}

/** What the last chunk said: where the original goes on (206), if anywhere. */
export interface LastChunk {
  readonly useOriginalBody: number | undefined
}

const SIZE = /^[0-9a-f]{1,12}$/i
const USE_ORIGINAL = /^use-original-body=(\d{1,15})$/i

const bad = (detail: string): never => {
  throw new IcapClientError('ICAP_CLIENT_BAD_CHUNK', detail)
}

/** The size and the extensions of a chunk's line (RFC 2616 3.6.1). */
export function parseChunkLine(line: string): { size: number; useOriginalBody: number | undefined } {
  const [size = '', ...extensions] = line.split(';').map((part) => part.trim())
  if (!SIZE.test(size)) bad(JSON.stringify(line.slice(0, 40)))
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not get in
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) bad('control character in a chunk line')
  const offset = extensions.map((part) => USE_ORIGINAL.exec(part)?.[1]).find((found) => found !== undefined)
  return { size: Number.parseInt(size, 16), useOriginalBody: offset === undefined ? undefined : Number(offset) }
}

async function skipTrailers(connection: ClientConnection, maxBytes: number): Promise<void> {
  let left = maxBytes
  for (;;) {
    const line = await connection.takeLine(left)
    if (line === '') return
    left -= line.length + 2
    if (left <= 0) bad(`trailer over ${maxBytes} bytes`)
  }
}

/** Yields a chunked body as it comes and returns what its last chunk said; trailers are read and dropped. */
export async function* readChunks(
  connection: ClientConnection,
  limits: ChunkLimits,
): AsyncGenerator<Buffer, LastChunk, void> {
  let total = 0
  for (;;) {
    const { size, useOriginalBody } = parseChunkLine(await connection.takeLine(limits.maxChunkLineBytes))
    if (size === 0) {
      await skipTrailers(connection, limits.maxTrailerBytes)
      return { useOriginalBody }
    }
    total += size
    if (total > limits.maxBodyBytes) throw new IcapClientError('ICAP_CLIENT_BODY_TOO_LARGE', `${limits.maxBodyBytes}`)
    for (let left = size; left > 0; ) {
      const bytes = await connection.takeSome(left)
      left -= bytes.length
      yield bytes
    }
    if ((await connection.takeExactly(2)).toString('latin1') !== '\r\n') bad('chunk data is not followed by CRLF')
  }
}

/** Joins what is left of a body, up to a bound. */
export async function collectBody(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let total = 0
  for await (const bytes of body) {
    total += bytes.length
    if (total > maxBytes) throw new IcapClientError('ICAP_CLIENT_BODY_TOO_LARGE', `${maxBytes}`)
    parts.push(bytes)
  }
  return Buffer.concat(parts, total)
}
