import { inflateSync } from 'node:zlib'
import { Unscanned } from '../../domain/verdict.ts'
import type { OpenRun } from '../opener.ts'
import { xmlTokens } from './ooxml-xml.ts'

const MAX_INFLATED = 64 * 1024 * 1024

/** Roots of documents that are one XML file: Word 2003 and "flat OPC"; their binary parts are Base64 text. */
export const FLAT_ROOTS: readonly string[] = ['package', 'wordDocument', 'Workbook']

/**
 * Parts of a flat document as members: `pkg:part` with XML or `pkg:binaryData` ([MS-DOCX] flat OPC), `w:binData` of Word 2003 XML
 * (an ActiveMime that holds the macros).
 */
export async function openFlat(xml: string, run: OpenRun): Promise<void> {
  let part = ''
  let from = ''
  for (const token of xmlTokens(xml)) {
    if (run.signal.aborted) throw new Unscanned('timeout', 'stopped among the parts of a document')
    if (token.kind === 'open' && token.name === 'part') part = token.attributes.get('name') ?? ''
    if (token.kind === 'open' && (token.name === 'binaryData' || token.name === 'binData')) {
      from = token.attributes.get('name') ?? part
      if (from === '') from = 'part'
      if (token.closed) from = ''
    } else if (token.kind === 'text' && from !== '') {
      await run.emit({ name: from.replace(/^\//, '') }, Buffer.from(token.text, 'base64'))
      from = ''
    } else if (token.kind === 'close') from = ''
  }
}

const ACTIVE_MIME = Buffer.from('ActiveMime')

export function isActiveMime(head: Buffer): boolean {
  return head.subarray(0, ACTIVE_MIME.length).equals(ACTIVE_MIME)
}

/** `editdata.mso`: a deflated compound file behind a header whose size differs; the zlib stream is looked for. */
export async function openActiveMime(bytes: Buffer, run: OpenRun): Promise<void> {
  for (let at = 0x20; at < Math.min(bytes.length, 0x400); at++) {
    if (bytes[at] !== 0x78 || bytes.readUInt16BE(Math.min(at, bytes.length - 2)) % 31 !== 0) continue
    const inner = inflate(bytes.subarray(at), run)
    if (inner !== undefined) return run.emit({ name: 'macros.ole' }, inner)
  }
  throw new Unscanned('malformed', 'ActiveMime without deflated content')
}

function inflate(bytes: Buffer, run: OpenRun): Buffer | undefined {
  try {
    return inflateSync(bytes, { maxOutputLength: Math.min(MAX_INFLATED, Math.max(1, run.left.bytes)) })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Unscanned('bomb', 'ActiveMime inflates to too much', { cause: error })
    }
    return undefined
  }
}
