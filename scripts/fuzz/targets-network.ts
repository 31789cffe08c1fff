import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { canonicalObject, parentsOf, urlKeys } from '../../packages/server/src/domain/object-value.ts'
import { OBJECT_TYPES } from '../../packages/server/src/domain/suspicious-object.ts'
import type { HandlerConfig } from '../../packages/server/src/icap-service/handler-deps.ts'
import { readMessage } from '../../packages/server/src/icap-service/message.ts'
import { recordedName, recordedUrl } from '../../packages/server/src/icap-service/message-url.ts'
import { originalHead } from '../../packages/server/src/icap-service/original-head.ts'
import {
  coveredBytes,
  decodeIndex,
  encodeRecord,
  PartsCheck,
  sumOfParts,
} from '../../packages/server/src/icap-service/range-index.ts'
import { readRange } from '../../packages/server/src/icap-service/range-part.ts'
import { AnswerLines } from '../../packages/server/src/scan/scanners/clamav/answer-lines.ts'
import { readAnswer } from '../../packages/server/src/scan/scanners/clamav/clamd-answer.ts'
import { NotClamd } from '../../packages/server/src/scan/scanners/clamav/clamd-errors.ts'
import { createUrlRater } from '../../packages/server/src/scan/urls/signal-rating.ts'
import { type ListedItem, ListingReader } from '../../packages/server/src/unpack/archives/seven-zip-listing.ts'
import { ItemStream } from '../../packages/server/src/unpack/archives/seven-zip-stream.ts'
import { complaintIn } from '../../packages/server/src/unpack/archives/seven-zip-words.ts'
import { DECODE_LIMITS, decodeContent } from '../../packages/server/src/unpack/content-encoding.ts'
import { type Input, plainSeed, type Seed, seedsOf, type Target } from './target.ts'

const TEXT = Buffer.from('<html><body>a page that is sent packed</body></html>'.repeat(8))
const CODINGS = ['gzip', 'deflate', 'br', 'zstd', 'x-gzip']

/** The coding is named by the seed; stacked ones are named outermost last. */
const codingSeeds = (): Seed[] => [
  plainSeed('gzip', gzipSync(TEXT), { declaredType: 'gzip' }),
  plainSeed('gzip twice', Buffer.concat([gzipSync(TEXT), gzipSync(TEXT)]), { declaredType: 'x-gzip' }),
  plainSeed('zlib', deflateSync(TEXT), { declaredType: 'deflate' }),
  plainSeed('raw', deflateRawSync(TEXT), { declaredType: 'deflate' }),
  plainSeed('br', brotliCompressSync(TEXT), { declaredType: 'br' }),
  plainSeed('zstd', zstdCompressSync(TEXT), { declaredType: 'zstd' }),
  plainSeed('stacked', zstdCompressSync(gzipSync(TEXT)), { declaredType: 'gzip,zstd' }),
  { name: 'bomb', parts: [Buffer.alloc(100_000), Buffer.alloc(0)], build: ([a = TEXT, b = TEXT]) => Buffer.concat([gzipSync(a), b]), declaredType: 'gzip' },
] // biome-ignore format: one body a line

const DECODING = { ...DECODE_LIMITS, maxBytes: 1024 * 1024, ratioFreeBytes: 256 * 1024 }
const { signal } = new AbortController()

async function runCoding({ bytes, declaredType }: Input): Promise<void> {
  const encodings = declaredType.split(',').filter((name) => CODINGS.includes(name))
  await decodeContent({ kind: 'memory', bytes }, encodings, () => {}, { signal }, DECODING)
}

const URLS = [
  'http://www.paypal.com.secure-login.a.example/%2e%2e/signin?cmd=_login&token=abc#frag',
  'https://user:pw@xn--pypal-4ve.example:8443/a/b/c.exe?x=eyJhbGciOiJIUzI1NiJ9.e30.x',
  'http://3232235777/x', 'http://0x7f.1/', 'http://[::ffff:192.0.2.1]/a', 'hxxp://a[.]example/x', 'data:text/html;base64,PHNjcmlwdD4=', '//a.example/..//x', 'http://аррӏе.example/', 'http://a.b.c.d.e.f.g.h.i.j.k.example/wp-content/plugins/x.php?id=1', 'ftp://a.example', 'https://sites.google.com/view/a', 'http://a.example:99999/%zz%00%ff',
] // biome-ignore format: a list
const URL_TOKENS = ['http://', 'https://', '@', ':', '/', '..', '%2e', '%00', '%', 'xn--', '.', '-', '*', '?', '&', '=', '#', '[::1]', '0x7f', 'paypal', 'login', '\u00e9', '\xd0\xb0', '.com', '.zip', 'eyJhbGci', 'access_token=', ' ', '\t', '\\'] // biome-ignore format: one list

function urlRun(): (input: Input) => void {
  const rate = createUrlRater()
  return ({ bytes }) => {
    for (const text of [bytes.toString('latin1'), bytes.toString('utf8')]) {
      rate(text)
      recordedUrl(text)
      recordedName(text)
      const keys = urlKeys(text)
      if (keys !== undefined) parentsOf(keys.host)
      for (const type of OBJECT_TYPES) canonicalObject(type, text)
    }
  }
}

const HEADS = [
  'GET http://user@www.a.example:8080/a/b%20c.exe?token=abc HTTP/1.1\r\nHost: www.a.example\r\nContent-Length: 5\r\n\r\n',
  'POST /upload HTTP/1.1\r\nHost: a.example\r\nContent-Type: multipart/form-data;\r\n boundary=x\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip, br\r\n\r\n',
  'CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n',
  "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-9/100\r\nETag: \"x\"\r\nContent-Disposition: attachment; filename*=utf-8''a%20b.exe; filename=\"a\\\"b\"\r\nContent-Type: application/octet-stream\r\n\r\n",
  'HTTP/1.1 206 OK\r\nContent-Type: multipart/byteranges; boundary=zz\r\nContent-Length: 100\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n',
  'ICY 200 OK\nContent-Type: audio/mpeg\n\n',
] // biome-ignore format: one head a line
const HEAD_TOKENS = ['\r\n', '\n', '\r', '\r\n ', '\r\n\r\n', ': ', 'Host: ', 'Content-Length: ', 'Content-Range: bytes 0-1/2\r\n', 'Content-Type: ', 'Content-Encoding: gzip\r\n', 'Transfer-Encoding: chunked\r\n', "filename*=utf-8''%41", 'filename="', 'HTTP/1.1', ' ', '\t', '\0', '\x80', 'bytes 0-/*', ';', ','] // biome-ignore format: one list
const ICAP_VALUES = [
  'X-Client-IP',
  'X-Server-IP',
  'X-Authenticated-User',
  'X-Authenticated-Groups',
  'X-Client-Username',
]
const SAVE = {
  clientIp: true,
  serverIp: true,
  authenticatedUser: true,
  authenticatedGroups: true,
  clientUsername: true,
}

const INDEX = Buffer.concat([0, 5, 3].map((start) => encodeRecord({ start, end: start + 9, sha256: Buffer.alloc(32) })))

/** The head as that of a request and of a response; its lines as ICAP headers too. */
function runHead({ bytes }: Input): void {
  for (const method of ['REQMOD', 'RESPMOD'] as const) {
    const values = bytes.toString('latin1').split('\n')
    const headers = { entries: () => ICAP_VALUES.map((name, at) => [name, values[at] ?? ''] as const) }
    const heads = method === 'REQMOD' ? { requestHead: bytes } : { requestHead: bytes, responseHead: bytes }
    const transaction = { method, ...heads, headers, service: 'response', peer: { address: '192.0.2.1' } }
    const config = { save: SAVE, scanSettings: '' }
    const message = readMessage(transaction as never, { group: '' } as never, config as never as HandlerConfig)
    readRange({ message, head: bytes, size: 10 })
    const facts = { mode: method, ...heads, hasBody: true, size: 10, transferEncoding: undefined }
    originalHead(facts as never)
  }
  const parts = decodeIndex(bytes.length % 2 === 0 ? bytes : INDEX, 1_000_000) ?? []
  coveredBytes(parts)
  sumOfParts(parts)
  const check = new PartsCheck(parts)
  for (const piece of cutUp(bytes.subarray(0, 4096), 61)) check.update(piece)
}

const ANSWERS = ['1: stream: OK\0', '2: stream: Win.Test.EICAR_HDB-1(44d88612fea8a8f36de82e1278abb02f:68) FOUND\0', '3: INSTREAM size limit exceeded. ERROR\0', 'ClamAV 1.4.6/27400/Tue Nov 25 2026| COMMANDS: SCAN INSTREAM IDSESSION\0', '4: stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0'] // biome-ignore format: one list

function runAnswer({ bytes }: Input): void {
  const lines = new AnswerLines()
  const half = bytes.length >> 1
  try {
    for (const piece of [bytes.subarray(0, half), bytes.subarray(half)])
      for (const answer of lines.push(piece)) readAnswer(answer.replace(/^\d{1,9}: /, ''))
  } catch (error) {
    if (!(error instanceof NotClamd)) throw error
  }
}

const LISTING =
  'Path = /sample\nType = 7z\nPhysical Size = 300\nOffset = 0\n\n----------\nPath = a.js\nSize = 16\nPacked Size = 20\nAttributes = A\nEncrypted = -\nMethod = LZMA2:12\n\nPath = b\nSize = \nFolder = -\nEncrypted = +\nSymbolic Link = \n\nWarnings: 1\nERROR: Data Error : a.js\n'
const OUTPUT =
  '\n7-Zip (z) 26.03\n\nExtracting archive: /sample\n--\nPath = /sample\nType = 7z\n\n- a.js\n0123456789abcdef- b\nxyz\nEverything is Ok\n\nSize: 19\nCompressed: 300\n'
const LOG_TOKENS = ['\n', '- a.js\n', '- b\n', 'ERROR: ', 'WARNING: ', '----------\n', 'Path = ', 'Size = ', 'Folder = +\n', 'Encrypted = +\n', 'Enter password:', 'Everything is Ok\n', 'Sub items Errors: 1\n', '\0', '\xff', '_'] // biome-ignore format: one list

const ITEMS: readonly ListedItem[] = ['a.js', 'b', ''].map((name, index) => ({
  index,
  name,
  printed: name,
  size: index === 1 ? undefined : 16,
  isFolder: false,
  isLink: false,
  isEncrypted: index === 1,
  method: 'LZMA2',
}))

/** Cut here and there at the beginning; pipes give far more than this at once. */
function* cutUp(bytes: Buffer, small: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const size = at < 4096 ? small : 8192
    yield bytes.subarray(at, at + size)
    at += size
  }
}

/** Reads the list, then the output by that list and by one that stands. */
async function runLog({ bytes }: Input): Promise<void> {
  const reader = new ListingReader(1000)
  for (const piece of cutUp(bytes, 97)) reader.write(piece)
  const { items } = reader.end()
  complaintIn(bytes.toString('latin1'))
  const target = { begin: () => {}, write: () => {}, end: () => Promise.resolve() }
  for (const listed of [items, ITEMS]) {
    const stream = new ItemStream(listed, target)
    for (const piece of cutUp(bytes, 61)) await stream.write(Buffer.from(piece))
    await stream.end()
  }
}

interface NetworkTarget {
  readonly seeds: () => Seed[]
  readonly tokens: readonly string[]
  readonly share: number
  readonly run: () => (input: Input) => void | Promise<void>
}

function network(name: string, about: string, { seeds, tokens, share, run }: NetworkTarget): Target {
  return { name, about, share, prepare: () => ({ seeds: seeds(), tokens, keptBytes: 2, run: run() }) }
}

const lines = (texts: readonly string[]): Seed[] =>
  texts.map((text, at) => plainSeed(String(at), Buffer.from(text, 'utf8')))

export const NETWORK_TARGETS: readonly Target[] = [
  network('codings', 'HTTP content codings, stacked and damaged', { seeds: codingSeeds, tokens: ['\x1f\x8b\x08\0', '\x28\xb5\x2f\xfd', '\x78\x9c', '\0\0\xff\xff'], share: 100, run: () => runCoding }),
  network('urls', 'URL signals, list keys, canonical objects, masking', { seeds: () => lines(URLS), tokens: URL_TOKENS, share: 700, run: urlRun }),
  network('http', 'HTTP heads, URLs, file names, ranges, ICAP header values, range index', { seeds: () => [...lines(HEADS), plainSeed('index', INDEX)], tokens: HEAD_TOKENS, share: 700, run: () => runHead }),
  network('clamd', 'answers of clamd', { seeds: () => lines(ANSWERS), tokens: ['\0', ' FOUND\0', ' ERROR\0', 'stream: ', '1: ', 'OK', 'Heuristics.'], share: 300, run: () => runAnswer }),
  network('seven-zip-log', 'listing and output of 7-Zip', { seeds: () => [...lines([LISTING, OUTPUT]), ...seedsOf({ both: () => `${LISTING}${OUTPUT}`})], tokens: LOG_TOKENS, share: 60, run: () => runLog }),
] // biome-ignore format: one target a line
