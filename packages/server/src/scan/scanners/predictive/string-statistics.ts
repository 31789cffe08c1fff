import {
  holdsBitcoinAddress,
  isBase64String,
  isFilePath,
  isIpv4,
  isIpv6,
  isMac,
  isUrl,
  startsWord,
} from './string-matchers.ts'
import { patternIndex, REGISTRY_LITERALS, STRING_PATTERNS } from './string-patterns.ts'

/** thrember: all runs of 0x20-0x7f of five bytes or more. */
const MIN_LENGTH = 5
const BITCOIN_LENGTH = 26

export interface StringStatistics {
  readonly count: number
  /** Printable bytes in all strings together. */
  readonly printables: number
  /** Of 0x20..0x7f. */
  readonly histogram: Uint32Array
  /** Strings that match each pattern, in STRING_PATTERNS' order. */
  readonly matches: Uint32Array
}

export function countStrings(bytes: Buffer): StringStatistics {
  const counter = new StringCounter(bytes)
  counter.run()
  return counter
}

interface Literal {
  readonly pattern: number
  /** Lower case where `fold`. */
  readonly codes: Uint8Array
  readonly fold: boolean
  readonly before: 'nothing' | 'any' | 'non-word'
  /** Not a literal of its own but the beginning of the base64 alphabet. */
  readonly isBase64: boolean
}

const HASH_BITS = 12
const MULTIPLIER = 0x9e3779b1
const LITERALS = literals()
/** By the hash of the first four bytes, case bit set: literals that may begin there. */
const BUCKETS: readonly (readonly Literal[])[] = buckets()
const BUCKET_USED = Uint8Array.from(BUCKETS, (list) => (list.length > 0 ? 1 : 0))

const [URL, IPV4, IPV6] = [patternIndex('url'), patternIndex('ipv4_addr'), patternIndex('ipv6_addr')]
const [MAC, EMAIL, FILE_PATH] = [patternIndex('mac_addr'), patternIndex('email_addr'), patternIndex('file_path')]
const BITCOIN = patternIndex('btc_wallet')

/** Bytes at which an expression may be asked: `-` `.` `:`. */
function asks(code: number): boolean {
  return code < 0x3b && (code === 0x2e || code === 0x3a || code === 0x2d)
}

function bucketOf(word: number): number {
  return Math.imul(word, MULTIPLIER) >>> (32 - HASH_BITS)
}

function literals(): readonly Literal[] {
  const found: Literal[] = []
  const add = (pattern: number, text: string, rest: Partial<Literal>) =>
    found.push({
      pattern,
      codes: Buffer.from(text, 'latin1'),
      fold: false,
      before: 'nothing',
      isBase64: false,
      ...rest,
    })
  for (const [index, pattern] of STRING_PATTERNS.entries()) {
    if ('literal' in pattern) add(index, pattern.literal, { fold: pattern.fold, before: pattern.before ?? 'nothing' })
  }
  for (const text of REGISTRY_LITERALS) add(patternIndex('registry_key'), text, { before: 'non-word' })
  add(patternIndex('base64string'), 'ABCDEF', { isBase64: true })
  return found
}

function buckets(): readonly (readonly Literal[])[] {
  const lists: Literal[][] = Array.from({ length: 1 << HASH_BITS }, () => [])
  for (const literal of LITERALS) {
    const word = literal.codes.subarray(0, 4).reduce((sum, code) => (sum << 8) | code | 0x20, 0)
    lists[bucketOf(word)]?.push(literal)
  }
  return lists
}

class StringCounter implements StringStatistics {
  /** Indexed by byte while counting. */
  readonly #codes = new Uint32Array(256)
  readonly matches = new Uint32Array(STRING_PATTERNS.length)
  count = 0
  printables = 0
  readonly #bytes: Buffer
  /** Number of the string in which a pattern was last seen: a string counts once for it. */
  readonly #seenIn = new Uint32Array(STRING_PATTERNS.length)

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get histogram(): Uint32Array {
    return this.#codes.subarray(0x20, 0x80)
  }

  /** Looks at every fifth byte: a run of five covers one of them. */
  run(): void {
    const bytes = this.#bytes
    const { length } = bytes
    let done = 0
    for (let probe = MIN_LENGTH - 1; probe < length; probe += MIN_LENGTH) {
      if (PRINTABLE[bytes[probe] as number] === 0 || !holdsRun(bytes, probe)) continue
      let from = probe
      while (from > done && isPrintable(bytes[from - 1] as number)) from--
      // Only at the end of the file, where no window was looked at.
      if (!isPrintableUpTo(bytes, probe + 1, from + MIN_LENGTH)) continue
      done = this.#take(from)
      probe = done
    }
  }

  /** Takes the string that begins here; where it ends. */
  #take(from: number): number {
    this.count++
    const starts = this.#bitcoinStarts()
    const to = this.#scan(from)
    this.printables += to - from
    const mayHold = to - from >= BITCOIN_LENGTH && this.#bitcoinStarts() > starts
    if (mayHold && holdsBitcoinAddress(this.#bytes, from, to)) this.#hit(BITCOIN)
    return to
  }

  /** Ones and threes so far: a string without one needs no look for an address. */
  #bitcoinStarts(): number {
    return (this.#codes[0x31] as number) + (this.#codes[0x33] as number)
  }

  #scan(from: number): number {
    const bytes = this.#bytes
    const { length } = bytes
    const codes = this.#codes
    let word = 0
    let at = from
    for (; at < length; at++) {
      const code = bytes[at] as number
      if (!isPrintable(code)) break
      codes[code] = (codes[code] as number) + 1
      word = (word << 8) | code | 0x20
      const bucket = bucketOf(word)
      if (BUCKET_USED[bucket] === 1) this.#tryLiterals(at - 3, bucket)
      if (asks(code)) this.#ask(at, code)
    }
    return at
  }

  #tryLiterals(at: number, bucket: number): void {
    const bytes = this.#bytes
    for (const literal of BUCKETS[bucket] as readonly Literal[]) {
      if (this.#seenIn[literal.pattern] === this.count) continue
      if (literal.isBase64 ? isBase64String(bytes, at) : isLiteral(bytes, at, literal)) this.#hit(literal.pattern)
    }
  }

  #ask(at: number, code: number): void {
    const bytes = this.#bytes
    if (code === 0x2e) {
      if (this.#open(IPV4) && isIpv4(bytes, at)) this.#hit(IPV4)
      return
    }
    if (this.#open(MAC) && isMac(bytes, at)) {
      this.#hit(MAC)
      this.#hit(EMAIL)
    }
    if (code !== 0x3a) return
    if (this.#open(URL) && isUrl(bytes, at)) this.#hit(URL)
    if (this.#open(IPV6) && isIpv6(bytes, at)) this.#hit(IPV6)
    if (this.#open(FILE_PATH) && isFilePath(bytes, at)) this.#hit(FILE_PATH)
  }

  #open(pattern: number): boolean {
    return this.#seenIn[pattern] !== this.count
  }

  #hit(pattern: number): void {
    if (!this.#open(pattern)) return
    this.#seenIn[pattern] = this.count
    this.matches[pattern] = (this.matches[pattern] as number) + 1
  }
}

const PRINTABLE = Uint8Array.from({ length: 256 }, (_, code) => (isPrintable(code) ? 1 : 0))

/**
 * Whether five in a row of the nine bytes around are printable. Without a branch for each: in packed code every third byte is, and
 * guessing wrong costs more than looking.
 */
function holdsRun(bytes: Buffer, at: number): boolean {
  if (at + 4 >= bytes.length) return true
  let bits = 0
  for (let next = at - 4; next <= at + 4; next++) bits = (bits << 1) | (PRINTABLE[bytes[next] as number] as number)
  return (bits & (bits >> 1) & (bits >> 2) & (bits >> 3) & (bits >> 4)) !== 0
}

function isPrintable(code: number): boolean {
  return code >= 0x20 && code <= 0x7f
}

function isPrintableUpTo(bytes: Buffer, from: number, to: number): boolean {
  if (to > bytes.length) return false
  for (let at = from; at < to; at++) if (!isPrintable(bytes[at] as number)) return false
  return true
}

function isLiteral(bytes: Buffer, at: number, { codes, fold, before }: Literal): boolean {
  if (at < 0 || at + codes.length > bytes.length) return false
  for (let index = 0; index < codes.length; index++) {
    const code = bytes[at + index] as number
    const isUpper = fold && code >= 0x41 && code <= 0x5a
    if ((isUpper ? code + 32 : code) !== codes[index]) return false
  }
  if (before === 'any') return at > 0 && isPrintable(bytes[at - 1] as number)
  return before === 'nothing' || startsWord(bytes, at)
}
