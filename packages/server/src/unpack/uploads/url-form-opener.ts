import { Unscanned } from '../../domain/verdict.ts'
import type { Range } from '../mail/byte-scanner.ts'
import { decodeText, unpercent } from '../mail/mime-words.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'
import { hasLongRun, includesAny, LONG_RUN } from './base64-search.ts'
import { type EncodedValue, passValues } from './encoded-value.ts'
import { narrowText, type TextSource } from './narrow-text.ts'
import { PercentDecoder } from './unescape.ts'

/** Files in application/x-www-form-urlencoded bodies: base64, data: URIs and percent-encoded bytes in fields. */
export function urlFormOpener(): Opener {
  return { name: 'url-form', version: '1', wants: wantsUrlForm, open: openUrlForm }
}

const DECLARED = 'application/x-www-form-urlencoded'
/** What begins with a field and has no blank is such a body, whatever it is called. */
const FIRST_FIELD = /^[\w.\-[\]%]{1,200}=[^\s"<>{}]{0,16}/
const PERCENT = [Buffer.from('%')]

export function isUrlForm(node: OpenerNode): boolean {
  if (node.declaredType === DECLARED) return node.family === 'text' || node.family === 'script'
  if (node.type !== 'text' || node.declaredType.startsWith('multipart/')) return false
  const head = node.view.head.toString('latin1', 0, 1024)
  return FIRST_FIELD.test(head) && !/[\s"<>{}]/.test(head.trimEnd())
}

function wantsUrlForm(node: OpenerNode): 'looks' | undefined {
  if (node.size < LONG_RUN || !isUrlForm(node)) return undefined
  const text = narrowText(node.view)
  return hasLongRun(text) || includesAny(text, PERCENT) ? 'looks' : undefined
}

async function openUrlForm(node: OpenerNode, run: OpenRun): Promise<void> {
  await passValues(run, fieldValues(narrowText(node.view), run))
}

function* fieldValues(text: TextSource, run: OpenRun): Generator<EncodedValue> {
  for (const { range, name } of longFields(text, run))
    yield { text, range, name, unescaper: () => new PercentDecoder() }
}

interface Field {
  readonly range: Range
  readonly name: string
}

const WINDOW_BYTES = 256 * 1024
const MAX_NAME = 200
const AND = 0x26
const EQUALS = 0x3d

/** Fields of 64 bytes and more that hold an escape or a run of base64; the rest stands in the body as it is. */
function* longFields(text: TextSource, run: OpenRun): Generator<Field> {
  let start = 0
  let equals = -1
  let hasEscape = false
  for (let at = 0; at < text.size; ) {
    if (run.signal.aborted) throw new Unscanned('timeout', 'fields were not all found')
    const window = text.read(at, WINDOW_BYTES)
    if (window.length === 0) return
    for (let i = 0; i < window.length; i++) {
      const byte = window[i]
      if (byte === EQUALS && equals < 0) equals = at + i
      else if (byte === 0x25) hasEscape = true
      else if (byte === AND) {
        yield* fieldIfLong(text, { start, equals, end: at + i, hasEscape })
        start = at + i + 1
        equals = -1
        hasEscape = false
      }
    }
    at += window.length
  }
  yield* fieldIfLong(text, { start, equals, end: text.size, hasEscape })
}

interface Place {
  readonly start: number
  readonly equals: number
  readonly end: number
  readonly hasEscape: boolean
}

function* fieldIfLong(text: TextSource, { start, equals, end, hasEscape }: Place): Generator<Field> {
  const from = equals < 0 ? start : equals + 1
  if (end - from < LONG_RUN) return
  if (!hasEscape && !hasLongRun(part(text, from, end))) return
  const raw = equals < 0 ? '' : text.read(start, Math.min(MAX_NAME, equals - start)).toString('latin1')
  yield { range: { from, to: end }, name: decodeText(Buffer.from(unpercent(raw), 'latin1')) }
}

function part(text: TextSource, from: number, to: number): TextSource {
  return { size: to - from, read: (at, length) => text.read(from + at, Math.min(length, to - from - at)) }
}
