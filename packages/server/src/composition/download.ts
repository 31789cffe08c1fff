import type { Egress } from '../egress.ts'

const TIMEOUT_MS = 10 * 60_000

/** A whole answer in memory. Rejects with one sentence where it is no 200. */
export async function downloadWhole(egress: Egress, url: string, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  const { status } = await egress({ url, maxBytes, timeoutMs: TIMEOUT_MS }, (chunk) => void pieces.push(chunk))
  if (status !== 200) throw new Error(`${url} answers ${status}`)
  return Buffer.concat(pieces)
}
