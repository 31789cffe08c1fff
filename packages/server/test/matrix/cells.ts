import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import type { PlainFile } from '../unpack/archives/make-archive.ts'
import { type Container, FORM_TYPE, form } from './containers.ts'

/** How the outermost body comes over HTTP. */
export interface Carriage {
  readonly encoding: '' | 'gzip' | 'deflate' | 'br' | 'zstd'
  readonly inForm: boolean
}

export interface Cell extends Carriage {
  readonly container: Container
  readonly depth: number
  readonly password: string | undefined
}

const ENCODERS = {
  '': (bytes: Buffer) => bytes,
  gzip: (bytes: Buffer) => gzipSync(bytes),
  deflate: (bytes: Buffer) => deflateSync(bytes),
  br: (bytes: Buffer) => brotliCompressSync(bytes),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes),
}

const ENCODINGS = Object.keys(ENCODERS) as Carriage['encoding'][]

const CARRIAGES: readonly Carriage[] = ENCODINGS.flatMap((encoding) =>
  [false, true].map((inForm) => ({ encoding, inForm })),
)

/** A listed password, not the first. */
const PASSWORD = 'malware'

/**
 * All of one container: depth 1 to 4, with and without a password, and each carriage. The whole product with `isFull`; else every
 * depth and password by one carriage in turn, and the first depth by all of them.
 */
export function cellsOf(container: Container, turn: number, isFull: boolean): readonly Cell[] {
  const passwords = container.takesPassword ? [undefined, PASSWORD] : [undefined]
  return [1, 2, 3, 4].flatMap((depth) =>
    passwords.flatMap((password, index) => {
      const one = CARRIAGES[(turn + depth * 3 + index * 5) % CARRIAGES.length] as Carriage
      const carriages = isFull || (depth === 1 && password === undefined) ? CARRIAGES : [one]
      return carriages.map((carriage) => ({ container, depth, password, ...carriage }))
    }),
  )
}

export function nameOf({ container, depth, password, encoding, inForm }: Cell): string {
  const words = [`${container.name} x ${depth}`]
  if (password !== undefined) words.push('locked')
  if (inForm) words.push('in a form')
  if (encoding !== '') words.push(encoding)
  return words.join(', ')
}

/** What goes over the wire: the body, its type and coding. */
export function carried(file: PlainFile, { container, encoding, inForm }: Cell) {
  const body = inForm ? form(file) : file.bytes
  const contentType = inForm ? FORM_TYPE : (container.contentType ?? 'application/octet-stream')
  return {
    body: ENCODERS[encoding](body),
    contentType,
    http: encoding === '' ? '' : `Content-Encoding: ${encoding}\r\n`,
  }
}
