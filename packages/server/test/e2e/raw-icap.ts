import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** One answer, taken apart only as far as its frame needs. */
export interface RawAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>
  /** The encapsulated HTTP head; '' when there is none. */
  readonly httpHead: string
  readonly body: Buffer
}

export interface RawOptions {
  /** A loopback address of its own, to be another client: 127.0.0.2. */
  readonly from?: string
  readonly tls?: boolean
}

/** One ICAP connection by hand: what goes over it and when is the test's. */
export interface RawConnection {
  readonly socket: Socket
  send(bytes: string | Buffer): void
  /** The next answer; throws when the connection ends before it is whole. */
  answer(): Promise<RawAnswer>
  /** Whether the peer has ended the connection. */
  closed(): boolean
  close(): void
}

/** The peer ended the connection before the answer was whole. */
export class ConnectionEnded extends Error {
  override readonly name = 'ConnectionEnded'
  readonly bytesOfAnswer: number

  constructor(read: Buffer) {
    super(`the connection ended after ${JSON.stringify(read.toString('latin1', 0, 200))}`)
    this.bytesOfAnswer = read.length
  }
}

export async function connectIcap(port: number, { from, tls = false }: RawOptions = {}): Promise<RawConnection> {
  const where = { host: '127.0.0.1', port, ...(from === undefined ? {} : { localAddress: from }) }
  // The certificate is looked at by the tests that are about it.
  const socket = tls ? connectTls({ ...where, rejectUnauthorized: false }) : connectTcp(where)
  await once(socket, tls ? 'secureConnect' : 'connect')
  socket.setNoDelay(true)
  let buffered: Buffer = Buffer.alloc(0)
  let ended = false
  let wake = (): void => {}
  socket.on('data', (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk])
    wake()
  })
  for (const event of ['end', 'close', 'error'])
    socket.on(event, () => {
      ended = true
      wake()
    })
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    answer: async () => {
      for (;;) {
        const taken = takeAnswer(buffered)
        if (taken !== undefined) {
          buffered = buffered.subarray(taken.length)
          return taken.answer
        }
        if (ended) throw new ConnectionEnded(buffered)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    closed: () => ended,
    close: () => void socket.destroy(),
  }
}

export const OPTIONS = (service: string): string =>
  `OPTIONS icap://127.0.0.1/${service} ICAP/1.0\r\nHost: 127.0.0.1\r\n\r\n`

export interface RespmodOptions {
  readonly url: string
  readonly body: Buffer
  readonly service?: string
  readonly contentType?: string
  /** More ICAP header lines, each with its line end. */
  readonly icap?: string
  /** More header lines of the HTTP response, each with its line end. */
  readonly http?: string
}

/** A RESPMOD without a preview, whole in one chunk. */
export function respmod(options: RespmodOptions): Buffer {
  const {
    url,
    body,
    service = 'response',
    contentType = 'application/octet-stream',
    icap = 'Allow: 204\r\n',
    http = '',
  } = options
  const { host } = new URL(url)
  const request = `GET ${url} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
  const response = `HTTP/1.1 200 OK\r\nContent-Type: ${contentType}\r\nContent-Length: ${body.length}\r\n${http}\r\n`
  const at = request.length
  const head = `RESPMOD icap://127.0.0.1/${service} ICAP/1.0\r\nHost: 127.0.0.1\r\n${icap}Encapsulated: req-hdr=0, res-hdr=${at}, res-body=${at + response.length}\r\n\r\n`
  return Buffer.concat([
    Buffer.from(`${head}${request}${response}${body.length.toString(16)}\r\n`, 'latin1'),
    body,
    Buffer.from('\r\n0\r\n\r\n'),
  ])
}

/** One exchange on a connection of its own. */
export async function exchange(port: number, bytes: string | Buffer, options: RawOptions = {}): Promise<RawAnswer> {
  const connection = await connectIcap(port, options)
  try {
    connection.send(bytes)
    return await connection.answer()
  } finally {
    connection.close()
  }
}

function takeAnswer(bytes: Buffer): { answer: RawAnswer; length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const headers = new Map(
    lines.map((line) => [line.split(':')[0]?.toLowerCase() ?? '', line.slice(line.indexOf(':') + 1).trim()]),
  )
  const start = { status: Number(statusLine.split(' ')[1]), headers }
  const bodyStart = headEnd + 4
  const [, section, offset] = /(null-body|[a-z]+-body)=(\d+)/.exec(headers.get('encapsulated') ?? '') ?? []
  const httpEnd = bodyStart + Number(offset ?? 0)
  if (bytes.length < httpEnd) return undefined
  const httpHead = bytes.toString('latin1', bodyStart, httpEnd)
  if (section === undefined || section === 'null-body')
    return { answer: { ...start, httpHead, body: Buffer.alloc(0) }, length: httpEnd }
  const chunked = takeChunks(bytes, httpEnd)
  return chunked && { answer: { ...start, httpHead, body: chunked.body }, length: chunked.end }
}

function takeChunks(bytes: Buffer, start: number): { body: Buffer; end: number } | undefined {
  const parts: Buffer[] = []
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    const dataEnd = lineEnd + 2 + size
    if (bytes.length < dataEnd + 2) return undefined
    if (size === 0) return { body: Buffer.concat(parts), end: dataEnd + 2 }
    parts.push(bytes.subarray(lineEnd + 2, dataEnd))
    at = dataEnd + 2
  }
}
