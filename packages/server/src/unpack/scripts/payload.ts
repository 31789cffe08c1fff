import { gunzipSync, inflateRawSync } from 'node:zlib'
import { readsAsText, readsAsWideText } from './decode-text.ts'

/** Bytes that stood written out in a text. */
export interface Payload {
  readonly bytes: Buffer
  /** Where its text begins. */
  readonly index: number
  /** base64, hex, char codes, ...; with `reversed`, `xor`, `gzip`. */
  readonly how: string
  readonly kind: PayloadKind
}

export type PayloadKind = 'program' | 'archive' | 'document' | 'script' | 'media' | 'text' | 'data'

/** Shorter ones are identifiers, hashes, tokens. */
const MIN_CHARS = 64
const MAX_PAYLOADS = 64
const MAX_INFLATED = 32 * 1024 * 1024

const RUNS: readonly (readonly [how: string, pattern: RegExp, decode: (run: string) => Buffer])[] = [
  // In lines too, as here-documents and certificates have it: all but the last are long.
  [
    'base64',
    /[A-Za-z0-9+/_-]{40,}(?:[ \t]{0,8}\r?\n[ \t]{0,32}[A-Za-z0-9+/_-]{40,})*(?:[ \t]{0,8}\r?\n[ \t]{0,32}[A-Za-z0-9+/_]{1,39})?={0,2}/g,
    (run) => Buffer.from(run, 'base64'),
  ],
  // `echo ...>>a.b64`, line by line, for certutil.
  [
    'base64',
    /(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{16,2000}={0,2}(?:[ \t]{0,4}>{1,2}[^\r\n>]{1,64}\r?\n[ \t]{0,8}@?echo[ \t.:(]{0,2}[A-Za-z0-9+/]{1,2000}={0,2}){1,}/gi,
    (run) => Buffer.from(run.replace(ECHO, ''), 'base64'),
  ],
  ['hex', /(?:\\x[0-9a-fA-F]{2}){48,}/g, (run) => Buffer.from(run.replaceAll('\\x', ''), 'hex')],
  ['hex', /(?:[0-9a-fA-F]{2}[ ,:-]){48,}[0-9a-fA-F]{2}/g, (run) => Buffer.from(run.replace(/[^0-9a-f]/gi, ''), 'hex')],
  [
    'char codes',
    /(?:(?:0x[0-9a-fA-F]{1,2}|[0-9]{1,3})[ \t\r\n]{0,4},[ \t\r\n]{0,4}){48,}(?:0x[0-9a-fA-F]{1,2}|[0-9]{1,3})/g,
    codes,
  ],
  ['percent', /(?:%[0-9a-fA-F]{2}){48,}/g, (run) => Buffer.from(run.replaceAll('%', ''), 'hex')],
]

const ECHO = />{1,2}[^\r\n>]{1,64}\r?\n[ \t]{0,8}@?echo[ \t.:(]{0,2}/gi

function codes(run: string): Buffer {
  return Buffer.from(run.split(',').map((code) => Number(code) & 0xff))
}

/** Files and scripts written out in a text: long runs of base 64, hexadecimal or numbers. Each pattern is one class, so linear. */
export function* payloadsIn(text: string, spend: (bytes: number) => void): Generator<Payload> {
  let found = 0
  for (const [how, pattern, decode] of RUNS) {
    pattern.lastIndex = 0
    for (let hit = pattern.exec(text); hit !== null && found < MAX_PAYLOADS; hit = pattern.exec(text)) {
      if (hit[0].length < MIN_CHARS) continue
      const resumeAt = pattern.lastIndex
      spend(hit[0].length)
      const payload = readRun(hit[0], how, decode)
      pattern.lastIndex = resumeAt
      if (payload === undefined) continue
      found++
      yield { ...payload, index: hit.index }
    }
  }
}

/** Files among the long values that unfolding gave: `atob("...")` leaves no base 64 behind. */
export function* payloadsAmong(
  values: readonly { readonly value: string; readonly index: number }[],
): Generator<Payload> {
  for (const { value, index } of values) {
    const found = known(Buffer.from(value, 'latin1'), 'put together')
    if (found !== undefined && found.kind !== 'text') yield { ...found, index }
  }
}

type Read = Omit<Payload, 'index'>

function readRun(run: string, how: string, decode: (run: string) => Buffer): Read | undefined {
  const plain = how === 'base64' ? run.replace(ECHO, '').replace(/\s/g, '') : ''
  if (plain !== '' && /^[0-9a-fA-F]+$/.test(plain)) return known(Buffer.from(plain, 'hex'), 'hex')
  const bytes = decode(run)
  return known(bytes, how) ?? (how === 'base64' ? reversedRun(run) : undefined)
}

function reversedRun(run: string): Read | undefined {
  const straight = run.replace(/^=+/, '')
  return known(Buffer.from([...straight].reverse().join(''), 'base64'), 'base64 reversed')
}

/** undefined for what shows no kind: most long runs are integrity hashes, source maps, keys. */
export function known(bytes: Buffer, how: string): Read | undefined {
  const unpacked = inflate(bytes)
  if (unpacked !== undefined) {
    const kind = kindOf(unpacked)
    return { bytes: unpacked, how: `${how}, gzip`, kind }
  }
  const kind = kindOf(bytes)
  const plain = kind === 'data' || kind === 'text' ? unxor(bytes) : undefined
  if (plain !== undefined) return { bytes: plain, how: `${how}, xor`, kind: kindOf(plain) }
  return kind === 'data' ? undefined : { bytes, how, kind }
}

/** Gzip by its mark; raw deflate only where PowerShell's DeflateStream would take it and a text comes out. */
function inflate(bytes: Buffer): Buffer | undefined {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b
  try {
    if (isGzip) return gunzipSync(bytes, { maxOutputLength: MAX_INFLATED })
    if (bytes.length < 64 || kindOf(bytes) !== 'data') return undefined
    const text = inflateRawSync(bytes, { maxOutputLength: MAX_INFLATED })
    return text.length > bytes.length && readsAsText(text) ? text : undefined
  } catch {
    return undefined // not packed, or damaged: the bytes stand as they are
  }
}

const MAGICS: readonly (readonly [PayloadKind, string, number])[] = [
  ['program', '\x7fELF', 0],
  ['program', 'L\0\0\0\x01\x14\x02\0', 0],
  ['archive', 'PK\x03\x04', 0],
  ['archive', '7z\xbc\xaf\x27\x1c', 0],
  ['archive', 'Rar!\x1a\x07', 0],
  ['archive', 'MSCF\0\0\0\0', 0],
  ['archive', 'CD001', 0x8001],
  ['document', '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 0],
  ['document', '%PDF-', 0],
  ['document', '{\\rtf', 0],
  ['document', '\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d', 0],
  ['media', '\x89PNG', 0],
  ['media', '\xff\xd8\xff', 0],
  ['media', 'GIF8', 0],
  ['media', 'RIFF', 0],
  ['media', 'wOFF', 0],
  ['media', 'wOF2', 0],
  ['media', 'OTTO', 0],
  ['media', '\0\x01\0\0\0', 0],
  ['media', '\0asm', 0],
  ['media', 'OggS', 0],
  ['media', 'ID3', 0],
  ['media', '\0\0\x01\0\x01', 0],
]

export function kindOf(bytes: Buffer): PayloadKind {
  if (isProgram(bytes)) return 'program'
  const magic = MAGICS.find(([, mark, at]) => bytes.toString('latin1', at, at + mark.length) === mark)
  if (magic !== undefined) return magic[0]
  if (readsAsWideText(bytes))
    return isScript(bytes.toString('utf16le', 0, Math.min(8192, bytes.length & ~1))) ? 'script' : 'text'
  if (!readsAsText(bytes)) return 'data'
  return isScript(bytes.toString('latin1', 0, 8192)) ? 'script' : 'text'
}

/** MZ alone is a word in any text: the PE header must be there, or its usual message. */
function isProgram(bytes: Buffer): boolean {
  if (bytes[0] !== 0x4d || bytes[1] !== 0x5a || bytes.length < 64) return false
  const at = bytes.readUInt32LE(60)
  return (
    bytes.toString('latin1', at, at + 4) === 'PE\0\0' ||
    bytes.subarray(0, 256).includes('This program') ||
    bytes.length < 256
  )
}

const SCRIPT =
  /<script\b|<hta:|activexobject|createobject\s{0,9}\(|wscript\.|powershell|\biex\b|invoke-expression|frombase64string|new-object\b|net\.webclient|downloadstring|downloadfile|^@?echo off|cmd(?:\.exe)? \/c|#!\/bin|\beval\s{0,9}\(|<form\b|document\.write|<svg\b/im

function isScript(text: string): boolean {
  return SCRIPT.test(text)
}

/** One byte over everything, as first bytes of what is worth hiding tell: MZ, PK. */
function unxor(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 256) return undefined
  for (const mark of ['MZ', 'PK\x03\x04', '7z\xbc\xaf', 'Rar!']) {
    const key = (bytes[0] as number) ^ mark.charCodeAt(0)
    if (key === 0 || ![...mark].every((char, i) => ((bytes[i] as number) ^ key) === char.charCodeAt(0))) continue
    const plain = Buffer.from(bytes.map((byte) => byte ^ key))
    if (kindOf(plain) === 'program' || kindOf(plain) === 'archive') return plain
  }
  return undefined
}
