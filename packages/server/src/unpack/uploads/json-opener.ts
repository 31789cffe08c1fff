import { passDecoded } from '../mail/hand-over.ts'
import type { TransferDecoder } from '../mail/transfer-decoder.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'
import { hasLongRun, includesAny } from './base64-search.ts'
import { type EncodedValue, passValues } from './encoded-value.ts'
import { type JsonValue, jsonValues, MAX_ESCAPED } from './json-strings.ts'
import { narrowText, type TextSource } from './narrow-text.ts'
import { JsonUnescaper } from './unescape.ts'

/**
 * Files in JSON bodies: base64 and data: URIs in string values. JSON.parse is not taken: it would hold a body of 500 MB several
 * times, and a body that is broken at its end would give nothing.
 */
export function jsonOpener(): Opener {
  return { name: 'json', version: '1', wants: wantsJson, open: openJson }
}

const DECLARED = /^(?:(?:application|text)\/(?:json|x-ndjson|jsonl)|[a-z]{1,20}\/[\w.-]{1,80}\+json)$/
/** Escapes that hide what a signature looks for: of a backslash, and of letters that need none. */
const HIDING = [Buffer.from('\\\\'), Buffer.from('\\u00')]
const PERCENT = [Buffer.from('%')]
const URI = [Buffer.from('"data:')]
const LEAST_BYTES = 40

export function isJson(node: OpenerNode): boolean {
  if (node.type === 'json') return true
  return (node.family === 'text' || node.type === 'data' || node.type === 'js') && DECLARED.test(node.declaredType)
}

function wantsJson(node: OpenerNode): 'looks' | undefined {
  if (node.size < LEAST_BYTES || !isJson(node)) return undefined
  const text = narrowText(node.view)
  const isSuspect = includesAny(text, HIDING) || hasLongRun(text) || isWrapped(text) || hasPlainUri(text)
  return isSuspect ? 'looks' : undefined
}

/** A data: URI without a run of letters has percent signs; those are found faster. */
function hasPlainUri(text: TextSource): boolean {
  return includesAny(text, PERCENT) && includesAny(text, URI)
}

/** Escaped line ends that are looked at, of the first 16 KiB. */
const MAX_LINE_ENDS = 64
const LINE_END = Buffer.from('\\n')
const LETTERS_IN_FRONT = /[A-Za-z0-9+/=_-]{16}(?:\\r)?$/

/** Base64 in lines shorter than a long run: `\n` or `\r\n` between letters, twice. */
function isWrapped(text: TextSource): boolean {
  const head = text.read(0, 16 * 1024)
  let lines = 0
  let at = head.indexOf(LINE_END)
  for (let count = 0; at >= 0 && count < MAX_LINE_ENDS; count++) {
    if (LETTERS_IN_FRONT.test(head.toString('latin1', Math.max(0, at - 18), at))) lines++
    if (lines === 2) return true
    at = head.indexOf(LINE_END, at + LINE_END.length)
  }
  return false
}

async function openJson(node: OpenerNode, run: OpenRun): Promise<void> {
  const text = narrowText(node.view)
  const values = jsonValues(text, { maxValues: run.left.members, signal: run.signal })
  const escaped = values.filter((value) => value.kind === 'escaped')
  const toValue = ({ range, name }: JsonValue) => {
    return { text, range, name: unescapedName(name), unescaper: () => new JsonUnescaper() }
  }
  await passValues(run, values.filter((value) => value.kind === 'encoded').map(toValue))
  if (escaped.length > MAX_ESCAPED) await passWhole(run, text)
  else for (const value of escaped) await passText(run, toValue(value))
}

async function passText(run: OpenRun, { text, range, name, unescaper }: EncodedValue): Promise<void> {
  await passDecoded(run, { name }, { view: text, range, decoder: unescaper() })
}

/** All strings at once, where they are too many to be members. A line in front keeps it from being taken for JSON again. */
async function passWhole(run: OpenRun, text: TextSource): Promise<void> {
  const title = Buffer.from('strings without their escapes:\n')
  const unescaper = new JsonUnescaper()
  let isFirst = true
  const decoder: TransferDecoder = {
    push(chunk) {
      const bytes = unescaper.push(chunk)
      const whole = isFirst ? Buffer.concat([title, bytes]) : bytes
      isFirst = false
      return whole
    },
    end: () => unescaper.end(),
  }
  await passDecoded(run, { name: 'strings' }, { view: text, range: { from: 0, to: text.size }, decoder })
}

function unescapedName(raw: string): string {
  const unescaper = new JsonUnescaper()
  return Buffer.concat([unescaper.push(Buffer.from(raw)), unescaper.end()]).toString()
}
