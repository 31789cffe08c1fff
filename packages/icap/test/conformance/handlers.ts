import type { Transaction } from '../../src/index.ts'

export type Handler = (transaction: Transaction) => Promise<void>

/** Reads the whole body, asking for the rest where there is a preview. */
export async function readWhole(transaction: Transaction): Promise<Buffer> {
  const parts: Buffer[] = []
  const keep = (bytes: Buffer): void => void parts.push(Buffer.from(bytes))
  if ((await transaction.readBody(keep)) === 'preview') {
    transaction.continueBody()
    await transaction.readBody(keep)
  }
  return Buffer.concat(parts)
}

/** Replies with what came: 204 where that is legal, else the message byte for byte. */
export const echo: Handler = async (transaction) => {
  const body = await readWhole(transaction)
  if (transaction.allows204) return transaction.reply({ status: 204 })
  await replyOriginal(transaction, body)
}

/** Always the message byte for byte. */
export const echoWhole: Handler = async (transaction) => replyOriginal(transaction, await readWhole(transaction))

/** Decides on the preview, never asks for more: 204 where legal. */
export const decideOnPreview: Handler = async (transaction) => {
  const parts: Buffer[] = []
  await transaction.readBody((bytes) => void parts.push(Buffer.from(bytes)))
  if (transaction.allows204) return transaction.reply({ status: 204 })
  await replyOriginal(transaction, Buffer.concat(parts))
}

const PAGE = Buffer.from('<h1>Blocked</h1>')
const BLOCK_HEAD = Buffer.from(
  `HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: ${PAGE.length}\r\nCache-Control: no-store\r\n\r\n`,
)

export const block: Handler = (transaction) =>
  transaction.reply({ status: 200, section: 'res-hdr', head: BLOCK_HEAD, body: PAGE })

export async function replyOriginal(transaction: Transaction, body: Buffer): Promise<void> {
  const section = transaction.method === 'REQMOD' ? 'req-hdr' : 'res-hdr'
  const head = section === 'req-hdr' ? transaction.requestHead : transaction.responseHead
  await transaction.reply({
    status: 200,
    section,
    head: head ?? Buffer.from(section === 'req-hdr' ? 'GET / HTTP/1.1\r\n\r\n' : 'HTTP/1.1 200 OK\r\n\r\n'),
    ...(transaction.hasBody && { body }),
  })
}

/** Writes the answer while the body is still being read (RFC 3507 errata). */
export const echoWhileReading: Handler = async (transaction) => {
  const head = transaction.responseHead ?? Buffer.alloc(0)
  await transaction.reply({ status: 200, section: 'res-hdr', head, body: bodyStream(transaction) })
}

/** The body as an iterable: the sink waits until its piece was taken, so the peer is held back. */
export async function* bodyStream(transaction: Transaction): AsyncGenerator<Buffer> {
  let wake = (): void => {}
  const queue: { bytes: Buffer; taken: () => void }[] = []
  let over = false
  const reading = transaction
    .readBody((bytes) => {
      wake()
      return new Promise<void>((taken) => queue.push({ bytes, taken }))
    })
    .finally(() => {
      over = true
      wake()
    })
  for (;;) {
    const next = queue.shift()
    if (next !== undefined) {
      yield next.bytes
      next.taken()
    } else if (over) break
    else {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  await reading
}
