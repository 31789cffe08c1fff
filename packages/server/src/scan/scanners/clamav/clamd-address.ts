import { connect, type Socket } from 'node:net'

/** Where a clamd listens. */
export type ClamdAddress =
  | { readonly kind: 'unix'; readonly name: string; readonly path: string }
  | { readonly kind: 'tcp'; readonly name: string; readonly host: string; readonly port: number }

/** sockaddr_un.sun_path holds 108 bytes with its NUL (unix(7)). */
const MAX_PATH_BYTES = 107
const TCP = /^tcp:(?:\[([0-9a-fA-F:.]{2,45})\]|([^[\]:\s]{1,253})):(\d{1,5})$/

/** Reads `unix:/path` or `tcp:host:port` (IPv6 in brackets). Throws an Error that says what is wrong with it. */
export function clamdAddress(text: string): ClamdAddress {
  if (text.startsWith('unix:')) return unixAddress(text)
  const [, v6, name, digits] = TCP.exec(text) ?? []
  const host = v6 ?? name
  const port = Number(digits)
  if (host === undefined || port < 1 || port > 65_535)
    throw new Error(`not an address of a clamd: ${JSON.stringify(text)} (unix:/path or tcp:host:port)`)
  return { kind: 'tcp', name: text, host, port }
}

function unixAddress(text: string): ClamdAddress {
  const path = text.slice('unix:'.length)
  if (!path.startsWith('/') || path.includes('\0')) throw new Error(`not an absolute path: ${JSON.stringify(path)}`)
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new Error(`longer than a socket's path may be: ${path}`)
  return { kind: 'unix', name: text, path }
}

/** A socket that is on its way there; clamd reads nothing but commands, so waiting to fill packets only costs time. */
export function connectTo(address: ClamdAddress): Socket {
  if (address.kind === 'unix') return connect({ path: address.path })
  return connect({ host: address.host, port: address.port, noDelay: true })
}
