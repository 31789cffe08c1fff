import { ChunkedDecoder, type ChunkedLimits } from './chunked-decoder.ts'
import type { ClientConnection } from './client-connection.ts'
import { IcapClientError } from './client-errors.ts'
import { named } from './client-reply-head.ts'

/** Bounds on a chunked answer, in bytes. */
export interface ClientBodyLimits extends ChunkedLimits {
  readonly maxBodyBytes: number
}

const READ_BYTES = 65_536

/** Yields a chunked body as it comes; returns where its last chunk says the original goes on (206), if anywhere. */
export async function* readChunks(
  connection: ClientConnection,
  limits: ClientBodyLimits,
): AsyncGenerator<Buffer, number | undefined, void> {
  const decoder = new ChunkedDecoder(limits)
  const next = (): Buffer | undefined => named('ICAP_CLIENT_BAD_CHUNK', () => decoder.read())
  while (!decoder.done) {
    decoder.push(await connection.takeSome(READ_BYTES))
    for (let bytes = next(); bytes !== undefined; bytes = next()) {
      if (decoder.bodyBytes > limits.maxBodyBytes) throw tooLarge(limits.maxBodyBytes)
      yield bytes
    }
  }
  connection.putBack(decoder.takeRest())
  return decoder.useOriginalBody
}

/** Joins what is left of a body, up to a bound. */
export async function collectBody(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let total = 0
  for await (const bytes of body) {
    total += bytes.length
    if (total > maxBytes) throw tooLarge(maxBytes)
    parts.push(bytes)
  }
  return Buffer.concat(parts, total)
}

function tooLarge(maxBytes: number): IcapClientError {
  return new IcapClientError('ICAP_CLIENT_BODY_TOO_LARGE', `${maxBytes} bytes allowed`)
}
