/**
 * Hand-made matchers for thrember's expressions, all asked at one position of a file. Written out because RegExp over megabytes of
 * hostile text is the slow part of the original. No ends of strings are needed: a string ends where a byte is not printable, and
 * no expression matches such a byte. `\b` is the border between [A-Za-z0-9_] and others.
 */

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

function has(bytes: Buffer, at: number, bits: number): boolean {
  return at >= 0 && at < bytes.length && ((CLASS[bytes[at] as number] as number) & bits) !== 0
}

/** True where the byte before is no word character (or the string begins). */
export function startsWord(bytes: Buffer, at: number): boolean {
  return !has(bytes, at - 1, WORD)
}

/** `\b(?:http|https|ftp)://[class]+`, asked at the colon with its two slashes. */
export function isUrl(bytes: Buffer, colon: number): boolean {
  if (bytes[colon + 1] !== SLASH || bytes[colon + 2] !== SLASH || !has(bytes, colon + 3, URL)) return false
  return ['http', 'https', 'ftp'].some((scheme) => {
    const at = colon - scheme.length
    return at >= 0 && bytes.toString('latin1', at, colon) === scheme && startsWord(bytes, at)
  })
}

/** The dotted quad, asked at its first dot. */
export function isIpv4(bytes: Buffer, dot: number): boolean {
  let start = dot
  while (dot - start < 4 && has(bytes, start - 1, DIGIT)) start--
  if (start === dot || !startsWord(bytes, start)) return false
  let at = start
  for (let part = 0; part < 4; part++) {
    const end = octetEnd(bytes, at)
    if (end < 0) return false
    if (part < 3 && bytes[end] !== DOT) return false
    at = end + 1
  }
  return !has(bytes, at - 1, WORD)
}

/** 25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?, all digits that are there: the end, or -1. */
function octetEnd(bytes: Buffer, from: number): number {
  let at = from
  let value = 0
  for (; at - from < 4 && has(bytes, at, DIGIT); at++) value = value * 10 + (bytes[at] as number) - 0x30
  return at > from && at - from <= 3 && value <= 255 ? at : -1
}

/**
 * The three alternatives come down to two: `\bh{1,4}::\b` and `\b:h{1,4}:h{1,4}\b` (h a hexadecimal digit): whatever the longer forms
 * match holds one of these. Asked at the first colon of either.
 */
export function isIpv6(bytes: Buffer, colon: number): boolean {
  if (bytes[colon + 1] === COLON) {
    return has(bytes, colon + 2, WORD) && isHexWordBefore(bytes, colon)
  }
  if (!has(bytes, colon - 1, WORD)) return false
  const middle = hexEnd(bytes, colon + 1)
  if (middle < 0 || bytes[middle] !== COLON) return false
  const end = hexEnd(bytes, middle + 1)
  return end >= 0 && !has(bytes, end, WORD)
}

function hexEnd(bytes: Buffer, from: number): number {
  let at = from
  while (at - from < 5 && has(bytes, at, HEX)) at++
  return at > from && at - from <= 4 ? at : -1
}

function isHexWordBefore(bytes: Buffer, end: number): boolean {
  let at = end
  while (end - at < 5 && has(bytes, at - 1, HEX)) at--
  return at < end && end - at <= 4 && startsWord(bytes, at)
}

/** `\b(?:[h]{2}[:-]){5}[h]{2}\b`, asked at its first separator. */
export function isMac(bytes: Buffer, separator: number): boolean {
  const start = separator - 2
  if (!has(bytes, start, HEX) || !startsWord(bytes, start)) return false
  for (let group = 0, at = start; group < 6; group++, at += 3) {
    if (!has(bytes, at, HEX) || !has(bytes, at + 1, HEX)) return false
    if (group === 5) return !has(bytes, at + 2, WORD)
    const next = bytes[at + 2]
    if (next !== COLON && next !== DASH) return false
  }
  return false
}

/** `\bC:/`, asked at the colon. */
export function isFilePath(bytes: Buffer, colon: number): boolean {
  return bytes[colon - 1] === 0x43 && bytes[colon + 1] === SLASH && startsWord(bytes, colon - 1)
}

const BITCOIN_RUN = 26

/** `[13][base58]{25,34}` anywhere: a run of 26 covers a multiple of 26, so most bytes are never looked at. */
export function holdsBitcoinAddress(bytes: Buffer, from: number, to: number): boolean {
  for (let probe = from + BITCOIN_RUN - 1; probe < to; probe += BITCOIN_RUN) {
    if (!has(bytes, probe, BASE58)) continue
    let start = probe
    while (has(bytes, start - 1, BASE58)) start--
    let end = probe
    while (has(bytes, end, BASE58)) end++
    for (let at = start; at + BITCOIN_RUN <= end; at++) {
      if (bytes[at] === 0x31 || bytes[at] === 0x33) return true
    }
    probe = Math.max(probe, end - 1)
  }
  return false
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz012345678'

/** The alphabet with `9+/` read as an expression: one or more 9, then a slash. */
export function isBase64String(bytes: Buffer, at: number): boolean {
  let end = at + BASE64.length
  if (at < 0 || bytes.toString('latin1', at, end) !== BASE64) return false
  while (bytes[end] === 0x39) end++
  return end > at + BASE64.length && bytes[end] === SLASH
}
