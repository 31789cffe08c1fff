import type { Range } from '../mail/byte-scanner.ts'
import { passDecoded } from '../mail/hand-over.ts'
import { Base64Decoder, type TransferDecoder } from '../mail/transfer-decoder.ts'
import type { MemberInfo, OpenRun } from '../opener.ts'
import { IS_LETTER, LONG_RUN } from './base64-search.ts'
import type { TextSource } from './narrow-text.ts'
import { chain, PercentDecoder, skipping } from './unescape.ts'

/** A value of a document that may be an encoded file. */
export interface EncodedValue {
  readonly text: TextSource
  readonly range: Range
  readonly name: string
  /** Takes the document's own escapes off. */
  readonly unescaper: () => TransferDecoder
}

/** Shorter values are mostly tokens and addresses, and a document may have any number of them. */
const SHORT = 1024
const MAX_SHORT = 256

/** Each value a member; short ones beyond the first 256 together in one. */
export async function passValues(run: OpenRun, values: Iterable<EncodedValue>): Promise<void> {
  const rest: EncodedValue[] = []
  let short = 0
  for (const value of values) {
    const reading = readingOf(value)
    if (reading === undefined) continue
    if (value.range.to - value.range.from >= SHORT || short++ < MAX_SHORT) await passReading(run, value, reading)
    else rest.push(value)
  }
  if (rest.length > 0) await passTogether(run, rest)
}

async function passReading(
  run: OpenRun,
  value: EncodedValue,
  { info, decoder, again, asText }: Reading,
): Promise<void> {
  const passing = { view: value.text, range: value.range }
  await passDecoded(run, info, { ...passing, decoder: decoder() })
  const other = again?.()
  if (other !== undefined) await passDecoded(run, info, { ...passing, decoder: other })
  if (asText !== undefined) await passDecoded(run, asText, { ...passing, decoder: value.unescaper() })
}

async function passTogether(run: OpenRun, values: readonly EncodedValue[]): Promise<void> {
  const sink = run.member({ name: 'more values' })
  for (const value of values) {
    const decoder = readingOf(value)?.decoder()
    if (decoder === undefined) continue
    const { from, to } = value.range
    await sink.write(Buffer.concat([decoder.push(value.text.read(from, to - from)), decoder.end(), Buffer.from('\n')]))
  }
  await sink.end()
}

interface Reading {
  readonly info: MemberInfo
  readonly decoder: () => TransferDecoder
  /** After the first pass: another way to read it, where readers differ. */
  readonly again?: () => TransferDecoder | undefined
  /** It may as well be a text of its own with little but letters in it: JSON in a string around one long value. */
  readonly asText?: MemberInfo
}

const LOOK_BYTES = 4096
const DATA_URI = /^\s{0,64}data:([^,;]{0,200})((?:;[^,]{0,300})?),/i
/** `base64:`, `image/png;base64,` and the like, in front of the letters. */
const PREFIX = /^[\w/+.;:= -]{0,120}?base64[,:]\s{0,8}/i

/**
 * What the value holds: the bytes behind base64 or a data: URI, else its own text without escapes (JSON in a string, a page), which
 * is then looked at for what it is. Nothing for the digits of a hash, and for short runs that no file would give.
 */
function readingOf(value: EncodedValue): Reading | undefined {
  const { from, to } = value.range
  const unescaper = value.unescaper()
  const raw = value.text.read(from, Math.min(LOOK_BYTES, to - from))
  const isWhole = raw.length === to - from
  const look = Buffer.concat(isWhole ? [unescaper.push(raw), unescaper.end()] : [unescaper.push(raw)]).toString(
    'latin1',
  )
  const uri = DATA_URI.exec(look)
  if (uri !== null) return uriReading(value, uri)
  const skipped = PREFIX.exec(look)?.[0].length ?? 0
  const letters = look.slice(skipped)
  if (!looksBase64(letters)) return { info: textInfo(value.name, look), decoder: value.unescaper }
  if (isWhole && !isPlausible(letters)) return undefined
  const reading = base64Reading(value, { name: value.name }, skipped)
  return NOT_BASE64.test(letters) ? { ...reading, asText: textInfo(value.name, look) } : reading
}

const NOT_BASE64 = /[^A-Za-z0-9+/=_%\s-]/

function textInfo(name: string, look: string): MemberInfo {
  return /^\s{0,64}[{[]/.test(look) ? { name, declaredType: 'application/json' } : { name }
}

function uriReading(value: EncodedValue, [head, type = '', rest = '']: RegExpExecArray): Reading {
  const declaredType = type.trim().toLowerCase()
  const info = declaredType === '' ? { name: value.name } : { name: value.name, declaredType }
  if (/;\s{0,8}base64\s{0,8}$/i.test(rest)) return base64Reading(value, info, head.length)
  return { info, decoder: () => chain(chain(value.unescaper(), skipping(head.length)), new PercentDecoder()) }
}

function base64Reading(value: EncodedValue, info: MemberInfo, skipped: number): Reading {
  let first: Base64Decoder | undefined
  // Letters may be percent-encoded within an address; nothing else of base64 has that sign.
  const text = () => chain(chain(value.unescaper(), skipping(skipped)), new PercentDecoder())
  return {
    info,
    decoder: () => {
      first = new Base64Decoder({ urlSafe: true })
      return chain(text(), first)
    },
    again: () =>
      first?.isAmbiguous === true ? chain(text(), new Base64Decoder({ urlSafe: true, pad: 'ignore' })) : undefined,
  }
}

/** What is base64 but for a damage here and there; prose has a blank in six characters. */
const LEAST_LETTERS = 0.95

function looksBase64(text: string): boolean {
  let letters = 0
  let others = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (IS_LETTER[code] === 1 || code === 0x3d) letters++
    else if (code !== 0x0a && code !== 0x0d && code !== 0x25) others++
  }
  return letters >= LONG_RUN / 2 && letters >= LEAST_LETTERS * (letters + others)
}

/** Digits of hashes and keys. */
const HEX = /^(?:[0-9a-f]{2}){1,256}$/i
/** Above this, no path or slug: a file of so many bytes has letters of every kind. */
const SURE_LETTERS = 512

/** A path or a slug of 64 letters is no file: base64 of one mixes cases and digits, and has the signs of one alphabet only. */
function isPlausible(letters: string): boolean {
  if (letters.length >= SURE_LETTERS) return true
  if (HEX.test(letters.trim()) || (/[+/]/.test(letters) && /[-_]/.test(letters))) return false
  return /[A-Z]/.test(letters) && /[a-z]/.test(letters) && /[0-9]/.test(letters)
}
