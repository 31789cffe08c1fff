/** Wire bytes of requests, built plainly so that a test can bend any part. */

export const GET_HEAD = 'GET http://h.example/p HTTP/1.1\r\nHost: h.example\r\n\r\n'
export const POST_HEAD = 'POST http://h.example/up HTTP/1.1\r\nHost: h.example\r\nContent-Length: 5\r\n\r\n'
export const OK_HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'
export const HELLO = '5\r\nhello\r\n0\r\n\r\n'
export const HELLO_IEOF = '5\r\nhello\r\n0; ieof\r\n\r\n'

interface Parts {
  readonly service?: string
  /** More ICAP header lines. */
  readonly lines?: readonly string[]
  readonly req?: string
  readonly res?: string
  /** Raw chunked bytes; absent: null-body. */
  readonly body?: string
  /** Instead of the computed value. */
  readonly encapsulated?: string
}

export function options(service = 'both', lines: readonly string[] = []): string {
  return icapHead(`OPTIONS icap://icap.example/${service} ICAP/1.0`, lines)
}

/** An ICAP head with Host and those lines. */
export function icapHead(startLine: string, lines: readonly string[] = []): string {
  return [startLine, 'Host: icap.example', ...lines, '', ''].join('\r\n')
}

export function reqmod(parts: Parts = {}): string {
  return message('REQMOD', { req: GET_HEAD, ...parts })
}

export function respmod(parts: Parts = {}): string {
  return message('RESPMOD', { res: OK_HEAD, body: HELLO, ...parts })
}

export function respmodWithoutBody(res: string, lines: readonly string[] = []): string {
  return message('RESPMOD', { res, lines })
}

function message(
  method: 'REQMOD' | 'RESPMOD',
  { service = 'both', lines = [], req = '', res = '', ...rest }: Parts,
): string {
  const bodyName = rest.body === undefined ? 'null-body' : method === 'REQMOD' ? 'req-body' : 'res-body'
  const sections = [req && 'req-hdr=0', res && `res-hdr=${req.length}`, `${bodyName}=${req.length + res.length}`]
  const encapsulated = rest.encapsulated ?? sections.filter(Boolean).join(', ')
  const head = icapHead(`${method} icap://icap.example/${service} ICAP/1.0`, [
    `Encapsulated: ${encapsulated}`,
    ...lines,
  ])
  return `${head}${req}${res}${rest.body ?? ''}`
}

/** Chunked bytes of a body, cut into chunks of that size. */
export function chunked(body: string, size = 65_536): string {
  let text = ''
  for (let at = 0; at < body.length; at += size) {
    const piece = body.slice(at, at + size)
    text += `${piece.length.toString(16)}\r\n${piece}\r\n`
  }
  return `${text}0\r\n\r\n`
}
