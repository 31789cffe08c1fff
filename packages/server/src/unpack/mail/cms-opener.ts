import { inflateSync } from 'node:zlib'
import { Unscanned } from '../../domain/verdict.ts'
import type { ContentView } from '../content-view.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'

/**
 * S/MIME's CMS (RFC 5652, RFC 8551; RFC 3274 compressed): mail programs show what an opaque signature wraps like any mail, so the
 * octets inside are a member; what is enveloped is behind a key that nobody here has. No package: those that read CMS want the
 * whole in memory several times and refuse what is not strict; here every length is only believed within what is there.
 */
export function cmsOpener(): Opener {
  return { name: 'cms', version: '1', wants: wantsCms, open: openCms }
}

/** id-data and its neighbours, 1.2.840.113549.1.7.n, and id-smime id-ct-compressedData, 1.2.840.113549.1.9.16.1.9. */
const PKCS7 = Buffer.from('2a864886f70d0107', 'hex')
const COMPRESSED = Buffer.from('2a864886f70d0109100109', 'hex')
const TYPES = { signed: 2, enveloped: 3, signedEnveloped: 4, digested: 5, encrypted: 6 } as const
const LOCKED: readonly number[] = [TYPES.enveloped, TYPES.signedEnveloped, TYPES.encrypted]
const MAX_BYTES = 64 * 1024 * 1024
/** Elements that are looked at, and how deep they lie in one another. */
const MAX_ELEMENTS = 20_000
const MAX_DEPTH = 24
const MAX_PIECES = 500_000
const ARMOUR = /^\s{0,64}-----BEGIN (?:PKCS7|CMS)-----/

interface Element {
  readonly tag: number
  readonly from: number
  readonly to: number
}

function wantsCms(node: OpenerNode): 'members' | 'looks' | undefined {
  if (node.family === 'text') return ARMOUR.test(node.view.head.toString('latin1', 0, 128)) ? 'looks' : undefined
  return node.type === 'data' && kindIn(node.view.head.subarray(0, 64)) !== undefined ? 'members' : undefined
}

/** SEQUENCE, OBJECT IDENTIFIER: what the first bytes of every ContentInfo are. */
function kindIn(head: Buffer): number | 'compressed' | undefined {
  if (head[0] !== 0x30) return undefined
  const at = 2 + ((head[1] ?? 0) > 0x80 ? (head[1] ?? 0) & 0x7f : 0)
  if (head[at] !== 0x06) return undefined
  const id = head.subarray(at + 2, at + 2 + (head[at + 1] ?? 0))
  if (id.equals(COMPRESSED)) return 'compressed'
  return id.length === PKCS7.length + 1 && id.subarray(0, -1).equals(PKCS7) ? id.at(-1) : undefined
}

async function openCms(node: OpenerNode, run: OpenRun): Promise<void> {
  const bytes = node.family === 'text' ? unarmoured(node.view) : wholeOf(node)
  const kind = kindIn(bytes)
  if (kind === undefined) throw new Unscanned('malformed', 'PKCS7 in armour that holds none')
  if (typeof kind === 'number' && LOCKED.includes(kind)) throw new Unscanned('encrypted', 'a mail encrypted for a key')
  const octets = contentOf(bytes)
  run.spend(octets.length)
  if (octets.length === 0) return
  const plain = kind === 'compressed' ? inflated(octets, run) : octets
  await run.emit({ name: '(signed content)', declaredType: 'message/rfc822' }, plain)
}

function wholeOf({ view, size }: OpenerNode): Buffer {
  if (size > MAX_BYTES) throw new Unscanned('too-large', `more than ${MAX_BYTES} bytes of CMS`)
  const pieces: Buffer[] = []
  for (let at = 0; at < size; ) {
    const piece = view.read(at, size - at)
    if (piece.length === 0) break
    pieces.push(piece)
    at += piece.length
  }
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
}

function unarmoured(view: ContentView): Buffer {
  if (view.size > MAX_BYTES) throw new Unscanned('too-large', `more than ${MAX_BYTES} bytes of CMS`)
  const text = wholeOf({ view, size: view.size } as OpenerNode).toString('latin1')
  const from = text.indexOf('\n', text.indexOf('-----BEGIN ')) + 1
  const end = text.indexOf('-----END ', from)
  return Buffer.from(text.slice(from, end < 0 ? text.length : end), 'base64')
}

function inflated(octets: Buffer, run: OpenRun): Buffer {
  try {
    return inflateSync(octets, { maxOutputLength: Math.max(1, Math.min(run.left.bytes, MAX_BYTES)) })
  } catch {
    throw new Unscanned('malformed', 'compressed content that cannot be undone')
  }
}

/**
 * The wrapped octets: of all OCTET STRINGs the longest, its pieces joined where it is constructed. Which one a reader takes follows
 * from a structure that senders get wrong; keys, digests and signatures are all far shorter than a mail.
 */
function contentOf(bytes: Buffer): Buffer {
  let best: Buffer = Buffer.alloc(0)
  let left = MAX_ELEMENTS
  const visit = (range: Element, depth: number): void => {
    for (const element of elementsIn(bytes, range)) {
      if (--left < 0 || depth > MAX_DEPTH) throw new Unscanned('malformed', 'CMS of too many elements')
      const octets = octetsOf(bytes, element)
      if (octets !== undefined && octets.length > best.length) best = octets
      if ((element.tag & 0x20) !== 0 && octets === undefined) visit(element, depth + 1)
    }
  }
  visit({ tag: 0x30, from: 0, to: bytes.length }, 0)
  return best
}

/** A constructed string is its pieces, which may be constructed again (X.690 8.7.3). */
function octetsOf(bytes: Buffer, element: Element, depth = 0): Buffer | undefined {
  // [0] IMPLICIT is how some write the content.
  if (element.tag === 0x04 || element.tag === 0x80) return bytes.subarray(element.from, element.to)
  if (element.tag !== 0x24 || depth > MAX_DEPTH) return undefined
  const pieces: Buffer[] = []
  for (const piece of elementsIn(bytes, element)) {
    if (pieces.length >= MAX_PIECES) throw new Unscanned('malformed', 'CMS of too many pieces')
    pieces.push(octetsOf(bytes, piece, depth + 1) ?? Buffer.alloc(0))
  }
  return Buffer.concat(pieces)
}

/** X.690 8.1: tag, length, contents. An indefinite length reaches to the end of what holds it: its end mark is an element of its own. */
function* elementsIn(bytes: Buffer, { from, to }: Element): Generator<Element> {
  for (let at = from; at + 2 <= to; ) {
    const tag = bytes[at] as number
    const first = bytes[at + 1] as number
    if (tag === 0 && first === 0) {
      at += 2
      continue
    }
    const lengthBytes = first > 0x80 ? first & 0x7f : 0
    if (lengthBytes > 6) return
    const start = at + 2 + lengthBytes
    if (start > to) return
    const length = first < 0x80 ? first : lengthBytes === 0 ? to - start : bytes.readUIntBE(at + 2, lengthBytes)
    const end = Math.min(to, start + length)
    yield { tag, from: start, to: end }
    at = end
  }
}
