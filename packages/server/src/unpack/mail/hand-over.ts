import { setImmediate as nextTurn } from 'node:timers/promises'
import { Unscanned } from '../../domain/verdict.ts'
import type { ContentView } from '../content-view.ts'
import type { Damage, MemberInfo, OpenRun } from '../opener.ts'
import { nameFindings, tellingName } from './attachment-names.ts'
import type { Range } from './byte-scanner.ts'
import { UuDecoder } from './line-codecs.ts'
import type { Leaf } from './mime-tree.ts'
import type { TransferEncoding } from './part-head.ts'
import { Base64Decoder, identityDecoder, QuotedPrintableDecoder, type TransferDecoder } from './transfer-decoder.ts'

const PIECE_BYTES = 256 * 1024
/** Others on this thread get a turn after so many bytes. */
const PIECES_A_TURN = 16

export interface Passing {
  readonly view: Pick<ContentView, 'read'>
  readonly range: Range
  readonly decoder: TransferDecoder
}

/** Hands a range's decoded bytes over as one member, in pieces. */
export async function passDecoded(run: OpenRun, info: MemberInfo, passing: Passing): Promise<void> {
  const { view, range, decoder } = passing
  const sink = run.member(info)
  let pieces = 0
  for (let at = range.from; at < range.to && decoder.isDone !== true; ) {
    if (run.signal.aborted) throw new Unscanned('timeout', 'a part was not read to its end')
    const bytes = view.read(at, Math.min(PIECE_BYTES, range.to - at))
    if (bytes.length === 0) return sink.end({ reason: 'malformed', detail: 'the content ends early' } satisfies Damage)
    const decoded = decoder.push(bytes)
    if (decoded.length > 0) await sink.write(decoded)
    at += bytes.length
    if (++pieces % PIECES_A_TURN === 0) await nextTurn()
  }
  const rest = decoder.end()
  if (rest.length > 0) await sink.write(rest)
  await sink.end()
}

/** A part with every encoding that its head names, and every reading of an ambiguous one. */
export async function passLeaf(run: OpenRun, view: ContentView, leaf: Leaf): Promise<void> {
  const names = leaf.head?.names ?? []
  for (const finding of nameFindings(names)) run.finding(finding)
  for (const encoding of leaf.kind === 'part' ? (leaf.head?.encodings ?? []) : ['identity' as const]) {
    const info = infoOf(leaf, encoding)
    const decoder = decoderFor(encoding)
    await passDecoded(run, info, { view, range: leaf.range, decoder })
    if (!(decoder instanceof Base64Decoder) || !decoder.isAmbiguous) continue
    const other = new Base64Decoder({ pad: 'ignore', urlSafe: true })
    await passDecoded(run, info, { view, range: leaf.range, decoder: other })
  }
}

function infoOf({ kind, head }: Leaf, encoding: TransferEncoding): MemberInfo {
  // A multipart too deep to be laid flat keeps its head: as a mail it is opened by whoever opens mails, one layer further down.
  if (kind === 'too-deep') return { name: '', declaredType: 'message/rfc822' }
  if (kind !== 'part' || head === undefined) return { name: kind }
  const name = tellingName(head.names) || head.fieldName
  const declaredType = head.types.find((type) => type !== 'text/plain') ?? head.types[0]
  if (declaredType === undefined) return { name }
  // A multipart that nothing cuts is its text; one that was encoded is still to be cut.
  const isText = declaredType.startsWith('multipart/') && encoding === 'identity'
  return { name, declaredType: isText ? 'text/plain' : declaredType }
}

export function decoderFor(encoding: TransferEncoding): TransferDecoder {
  switch (encoding) {
    case 'base64':
      return new Base64Decoder()
    case 'quoted-printable':
      return new QuotedPrintableDecoder()
    case 'uuencode':
      return new UuDecoder(false)
    case 'identity':
      return identityDecoder
  }
}
