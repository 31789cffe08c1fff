/**
 * Hand-made matchers for thrember's expressions, all asked at one position of one printable string (`from <= at < to`). Written out
 * because RegExp over megabytes of hostile text is the slow part of the original. `\b` is the border between [A-Za-z0-9_] and others.
 */
export interface TextRange {
  readonly bytes: Buffer
  readonly from: number
  readonly to: number
}

const WORD = 1
const HEX = 2
const DIGIT = 4
const BASE58 = 8
const URL = 16

/** Class bits of each byte. */
const CLASS = Uint8Array.from({ length: 256 }, (_, code) => {
  const char = String.fromCharCode(code)
  const bit = (expression: RegExp, value: number) => (expression.test(char) ? value : 0)
  return (
    bit(/[A-Za-z0-9_]/, WORD) |
    bit(/[A-Fa-f0-9]/, HEX) |
    bit(/[0-9]/, DIGIT) |
    bit(/[a-km-zA-HJ-NP-Z1-9]/, BASE58) |
    bit(/[a-zA-Z0-9\-._~:?#[\]@!$&'()*+,;=]/, URL)
  )
})

const COLON = 0x3a
const DASH = 0x2d
const DOT = 0x2e
const SLASH = 0x2f

function has({ bytes, from, to }: TextRange, at: number, bits: number): boolean {
  return at >= from && at < to && ((CLASS[bytes[at] as number] as number) & bits) !== 0
}

function byteAt({ bytes, to }: TextRange, at: number): number {
  return at < to ? (bytes[at] as number) : -1
}

/** True where the byte before is no word character (or the string begins). */
export function startsWord(text: TextRange, at: number): boolean {
  return !has(text, at - 1, WORD)
}

/** `\b(?:http|https|ftp)://[class]+`, asked at the colon with its two slashes. */
export function isUrl(text: TextRange, colon: number): boolean {
  if (byteAt(text, colon + 1) !== SLASH || byteAt(text, colon + 2) !== SLASH || !has(text, colon + 3, URL)) return false
  return ['http', 'https', 'ftp'].some((scheme) => {
    const at = colon - scheme.length
    return at >= text.from && text.bytes.toString('latin1', at, colon) === scheme && startsWord(text, at)
  })
}

/** The dotted quad, asked at its first dot. */
export function isIpv4(text: TextRange, dot: number): boolean {
  let start = dot
  while (dot - start < 4 && has(text, start - 1, DIGIT)) start--
  if (start === dot || !startsWord(text, start)) return false
  let at = start
  for (let part = 0; part < 4; part++) {
    const end = octetEnd(text, at)
    if (end < 0) return false
    if (part < 3 && byteAt(text, end) !== DOT) return false
    at = end + 1
  }
  return !has(text, at - 1, WORD)
}

/** 25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?, all digits that are there: the end, or -1. */
function octetEnd(text: TextRange, from: number): number {
  let at = from
  let value = 0
  for (; at - from < 4 && has(text, at, DIGIT); at++) value = value * 10 + byteAt(text, at) - 0x30
  return at > from && at - from <= 3 && value <= 255 ? at : -1
}

/**
 * The three alternatives come down to two: `\bh{1,4}::\b` and `\b:h{1,4}:h{1,4}\b` (h a hexadecimal digit): whatever the longer forms
 * match holds one of these. Asked at the first colon of either.
 */
export function isIpv6(text: TextRange, colon: number): boolean {
  if (byteAt(text, colon + 1) === COLON) {
    return has(text, colon + 2, WORD) && isHexWordBefore(text, colon)
  }
  if (!has(text, colon - 1, WORD)) return false
  const middle = hexEnd(text, colon + 1)
  if (middle < 0 || byteAt(text, middle) !== COLON) return false
  const end = hexEnd(text, middle + 1)
  return end >= 0 && !has(text, end, WORD)
}

function hexEnd(text: TextRange, from: number): number {
  let at = from
  while (at - from < 5 && has(text, at, HEX)) at++
  return at > from && at - from <= 4 ? at : -1
}

function isHexWordBefore(text: TextRange, end: number): boolean {
  let at = end
  while (end - at < 5 && has(text, at - 1, HEX)) at--
  return at < end && end - at <= 4 && startsWord(text, at)
}

/** `\b(?:[h]{2}[:-]){5}[h]{2}\b`, asked at its first separator. */
export function isMac(text: TextRange, separator: number): boolean {
  const start = separator - 2
  if (!has(text, start, HEX) || !startsWord(text, start)) return false
  for (let group = 0, at = start; group < 6; group++, at += 3) {
    if (!has(text, at, HEX) || !has(text, at + 1, HEX)) return false
    if (group === 5) return !has(text, at + 2, WORD)
    const next = byteAt(text, at + 2)
    if (next !== COLON && next !== DASH) return false
  }
  return false
}

/** `\bC:/`, asked at the colon. */
export function isFilePath(text: TextRange, colon: number): boolean {
  return (
    colon > text.from &&
    text.bytes[colon - 1] === 0x43 &&
    byteAt(text, colon + 1) === SLASH &&
    startsWord(text, colon - 1)
  )
}

const BITCOIN_RUN = 26

/** `[13][base58]{25,34}` anywhere: a run of 26 covers a multiple of 26, so most bytes are never looked at. */
export function holdsBitcoinAddress(text: TextRange): boolean {
  for (let probe = text.from + BITCOIN_RUN - 1; probe < text.to; probe += BITCOIN_RUN) {
    if (!has(text, probe, BASE58)) continue
    let start = probe
    while (has(text, start - 1, BASE58)) start--
    let end = probe
    while (has(text, end, BASE58)) end++
    for (let at = start; at + BITCOIN_RUN <= end; at++) {
      if (text.bytes[at] === 0x31 || text.bytes[at] === 0x33) return true
    }
    probe = Math.max(probe, end - 1)
  }
  return false
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz012345678'

/** The alphabet with `9+/` read as an expression: one or more 9, then a slash. */
export function isBase64String(text: TextRange, at: number): boolean {
  let end = at + BASE64.length
  if (end > text.to || text.bytes.toString('latin1', at, end) !== BASE64) return false
  while (byteAt(text, end) === 0x39) end++
  return end > at + BASE64.length && byteAt(text, end) === SLASH
}
