import { passDecoded } from '../mail/hand-over.ts'
import { decodeText } from '../mail/mime-words.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'
import { hasLongRun, hasWrappedLines, includesAny } from './base64-search.ts'
import { base64Blocks } from './encoded-blocks.ts'
import { encodedFiles, UU_MARKS, YENC_MARK } from './encoded-files.ts'
import { type EncodedValue, passValues } from './encoded-value.ts'
import { isJson } from './json-opener.ts'
import { narrowText, type TextSource } from './narrow-text.ts'
import { XmlLineEnds } from './unescape.ts'
import { isUrlForm } from './url-form-opener.ts'

/**
 * Files inside plain text and XML: base64 (a whole body of it, PEM, SOAP's xs:base64Binary, text somewhere), uuencode, yEnc. Scripts
 * and pages are other openers' business: there the language says what is decoded.
 */
export function encodedTextOpener(): Opener {
  return { name: 'encoded-text', version: '1', wants: wantsText, open: openText }
}

const LEAST_BYTES = 32
const SCRIPTS = new Set(['sh', 'perl', 'py', 'bat', 'vbs'])
const YENC_HEAD_BYTES = 4096
const MARKS = [...UU_MARKS, YENC_MARK]

function wantsText(node: OpenerNode): 'looks' | undefined {
  if (node.size < LEAST_BYTES) return undefined
  // yEnc is 8-bit: its bytes make it data. It begins with its head, behind a few lines of a post: not all of every body is searched for it.
  if (node.type === 'data') return node.view.head.subarray(0, YENC_HEAD_BYTES).includes(YENC_MARK) ? 'looks' : undefined
  // Shell archives carry uuencoded files; base64 in scripts is the scripts' opener's.
  if (SCRIPTS.has(node.type)) return includesAny(narrowText(node.view), UU_MARKS) ? 'looks' : undefined
  if ((node.type !== 'text' && node.type !== 'xml') || isJson(node) || isUrlForm(node)) return undefined
  const text = narrowText(node.view)
  return hasLongRun(text) || hasWrappedLines(text) || isShortLines(text) || includesAny(text, MARKS)
    ? 'looks'
    : undefined
}

/** Lines of letters only, one length, from the first byte on: base64 in short lines. */
function isShortLines(text: TextSource): boolean {
  const lines = text
    .read(0, 2048)
    .toString('latin1')
    .trimStart()
    .split(/\s{1,8}/)
  const [first = '', second = ''] = lines
  const isLetters = (line: string) => /^[A-Za-z0-9+/=_-]{4,63}$/.test(line)
  return isLetters(first) && isLetters(second) && (first.length === second.length || lines.length === 2)
}

async function openText(node: OpenerNode, run: OpenRun): Promise<void> {
  const text = narrowText(node.view)
  for (const { range, name, decoder } of encodedFiles(text, run.left.members, run.signal)) {
    const info = { name: decodeText(Buffer.from(name, 'latin1')) }
    await passDecoded(run, info, { view: text, range, decoder: decoder() })
  }
  if (node.type === 'text' || node.type === 'xml') await passValues(run, blockValues(text, run))
}

function* blockValues(text: TextSource, { signal }: OpenRun): Generator<EncodedValue> {
  for (const range of base64Blocks(text, signal)) yield { text, range, name: '', unescaper: () => new XmlLineEnds() }
}
