import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** One message off the wire, parsed by this file alone, so that a fault of the code under test cannot hide itself. */
export interface RawReply {
  readonly status: number
  /** Status line and headers, without the empty line. */
  readonly head: string
  /** The first value of that header. */
  header(name: string): string | undefined
  /** The encapsulated HTTP head; '' without one. */
  readonly httpHead: string
  /** The decoded body; undefined when the answer has none. */
  readonly body: string | undefined
  /** Extensions of the last chunk, with their semicolon. */
  readonly lastChunkExtensions: string
  /** Every byte as it came, latin1. */
  readonly raw: string
}

const DEADLINE_MS = 5000

/** A client of bytes. Every wait has a deadline: a hang is a failed test, not a stuck one. */
export class RawPeer {
  readonly socket: Socket
  #seen = ''
  #closed = false
  #wake = (): void => {}

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (bytes) => {
      this.#seen += bytes.toString('latin1')
      this.#wake()
    })
    socket.on('error', () => {})
    for (const event of ['end', 'close'] as const) {
      socket.on(event, () => {
        this.#closed = true
        this.#wake()
      })
    }
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<RawPeer> {
    const socket = connectTcp({ port, host, noDelay: true, allowHalfOpen: true })
    await new Promise((resolve, reject) => socket.once('connect', () => resolve(undefined)).once('error', reject))
    return new RawPeer(socket)
  }

  static async connectTls(port: number, options: object = {}): Promise<RawPeer> {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options })
    await new Promise((resolve, reject) => socket.once('secureConnect', () => resolve(undefined)).once('error', reject))
    return new RawPeer(socket)
  }

  send(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Sends in two segments: the server, in the same process, reads the first before the second is written. */
  async sendCut(bytes: string, at: number): Promise<void> {
    this.send(bytes.slice(0, at))
    await turn()
    this.send(bytes.slice(at))
  }

  /** The client's FIN. */
  end(): void {
    this.socket.end()
  }

  destroy(): void {
    this.socket.destroy()
  }

  get unread(): string {
    return this.#seen
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** The next whole answer (100 Continue counts as one). */
  async reply(deadlineMs = DEADLINE_MS): Promise<RawReply> {
    const deadline = Date.now() + deadlineMs
    for (;;) {
      const reply = parseReply(this.#seen)
      if (reply !== undefined) {
        this.#seen = this.#seen.slice(reply.raw.length)
        return reply
      }
      if (this.#closed) throw new Error(`closed before an answer; seen ${JSON.stringify(this.#seen.slice(0, 300))}`)
      await this.#more(deadline, 'no answer')
    }
  }

  /** Waits for the server's close; gives whatever came before it and was not read. */
  async closed(deadlineMs = DEADLINE_MS): Promise<string> {
    const deadline = Date.now() + deadlineMs
    while (!this.#closed) await this.#more(deadline, 'not closed')
    return this.#seen
  }

  /** Waits that long and gives what came; for "nothing may come yet". */
  async quiet(ms: number): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, ms))
    return this.#seen
  }

  async #more(deadline: number, what: string): Promise<void> {
    const left = deadline - Date.now()
    if (left <= 0) throw new Error(`${what} within the deadline; seen ${JSON.stringify(this.#seen.slice(0, 300))}`)
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, left)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** Lets everything that is ready in this process happen. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Undefined while bytes are missing. */
export function parseReply(text: string): RawReply | undefined {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const head = text.slice(0, headEnd)
  const header = (name: string): string | undefined => new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1]?.trim()
  const status = Number(/^ICAP\/1\.0 (\d{3}) /.exec(`${head.split('\r\n')[0]} `)?.[1] ?? Number.NaN)
  const sections = (header('encapsulated') ?? 'null-body=0').split(',').map((part) => part.trim().split('='))
  const [lastName = '', lastOffset = '0'] = sections.at(-1) ?? []
  const bodyAt = headEnd + 4 + Number(lastOffset)
  if (text.length < bodyAt) return undefined
  const httpHead = text.slice(headEnd + 4, bodyAt)
  const base = { status, head, header, httpHead }
  if (lastName === 'null-body') {
    return { ...base, body: undefined, lastChunkExtensions: '', raw: text.slice(0, bodyAt) }
  }
  const chunks = parseChunks(text, bodyAt)
  return (
    chunks && { ...base, body: chunks.body, lastChunkExtensions: chunks.extensions, raw: text.slice(0, chunks.end) }
  )
}

function parseChunks(text: string, start: number): { body: string; extensions: string; end: number } | undefined {
  const parts: string[] = []
  for (let at = start; ; ) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const [, hex = '', extensions = ''] = /^([0-9a-fA-F]+)(.*)$/.exec(text.slice(at, lineEnd)) ?? []
    if (hex === '') throw new Error(`bad chunk line from the server: ${JSON.stringify(text.slice(at, lineEnd))}`)
    const size = Number.parseInt(hex, 16)
    if (size === 0) return endOfChunks(text, { lineEnd, parts, extensions })
    if (text.length < lineEnd + 2 + size + 2) return undefined
    if (text.slice(lineEnd + 2 + size, lineEnd + 4 + size) !== '\r\n') throw new Error('chunk data without CRLF')
    parts.push(text.slice(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 4 + size
  }
}

function endOfChunks(
  text: string,
  { lineEnd, parts, extensions }: { lineEnd: number; parts: string[]; extensions: string },
) {
  if (text.length < lineEnd + 4) return undefined
  if (text.slice(lineEnd + 2, lineEnd + 4) !== '\r\n') throw new Error('unexpected trailers from the server')
  return { body: parts.join(''), extensions, end: lineEnd + 4 }
}
