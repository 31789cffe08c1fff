/** A generator of numbers in [0, 1) that gives the same row for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Makes hostile variants of good messages. Text is latin1: one character is one byte. */
export class Mutator {
  readonly #random: () => number
  readonly #corpus: readonly string[]

  constructor(seed: number, corpus: readonly string[]) {
    this.#random = seededRandom(seed)
    this.#corpus = corpus
  }

  /** A whole number in [0, below). */
  below(below: number): number {
    return Math.floor(this.#random() * below)
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }

  /** A message of the corpus with up to four changes; one in sixteen has none. */
  next(): string {
    let text = this.pick(this.#corpus)
    for (let changes = this.below(16) === 0 ? 0 : 1 + this.below(4); changes > 0; changes--) {
      text = this.pick(this.#changes)(text)
    }
    return text
  }

  /** Cuts a message into one to four pieces. */
  pieces(text: string): string[] {
    const cuts = Array.from({ length: this.below(4) }, () => this.below(text.length + 1)).sort((a, b) => a - b)
    return [...cuts, text.length].map((cut, at) => text.slice(at === 0 ? 0 : cuts[at - 1], cut))
  }

  readonly #changes: readonly ((text: string) => string)[] = [
    (text) =>
      this.#replace(
        text,
        1,
        String.fromCharCode((text.charCodeAt(this.below(text.length)) ^ (1 << this.below(8))) & 0xff),
      ),
    (text) => this.#replace(text, 1, String.fromCharCode(this.below(256))),
    (text) => this.#replace(text, 1 + this.below(40), ''),
    (text) => this.#replace(text, 0, this.pick(FRAGMENTS)),
    (text) => this.#splice(text),
    (text) => this.#repeat(text),
    (text) => text.slice(0, this.below(text.length + 1)),
    (text) => text + this.pick(this.#corpus),
    (text) => text + Array.from({ length: this.below(60) }, () => String.fromCharCode(this.below(256))).join(''),
    (text) => this.#lie(text, /\d+/g, LENGTHS),
    (text) => this.#lie(text, /^[0-9a-f]+(?=\r\n|;)/gim, SIZES),
    (text) => this.#lie(text, /\r\n/g, ['\n', '\r', '\r\n\r\n', ' \r\n', '\r\n ', '\0\r\n']),
    (text) =>
      this.#lie(text, /[a-z]+-(hdr|body)=/g, [
        'req-hdr=',
        'res-hdr=',
        'req-body=',
        'res-body=',
        'null-body=',
        'opt-body=',
      ]),
    (text) => this.#lie(text, /^\w+ icap/gi, ['OPTIONS icap', 'REQMOD icap', 'RESPMOD icap', 'FOO icap', ' icap']),
    (text) =>
      this.#lie(text, /\/(req|resp|echo|reqmod|respmod|both) /g, ['/req ', '/resp ', '/echo ', '/both ', '/ ', '/no ']),
  ]

  #replace(text: string, length: number, by: string): string {
    const at = this.below(text.length)
    return text.slice(0, at) + by + text.slice(at + length)
  }

  #splice(text: string): string {
    const other = this.pick(this.#corpus)
    const from = this.below(other.length)
    return this.#replace(text, this.below(80), other.slice(from, from + this.below(200)))
  }

  #repeat(text: string): string {
    const at = this.below(text.length)
    const part = text.slice(at, at + 1 + this.below(30))
    return text.slice(0, at) + part.repeat(1 + this.below(200)) + text.slice(at)
  }

  /** Changes one match of the pattern: the lengths and names that frame a message. */
  #lie(text: string, pattern: RegExp, lies: readonly string[]): string {
    const matches = [...text.matchAll(pattern)]
    if (matches.length === 0) return text
    const match = this.pick(matches)
    return text.slice(0, match.index) + this.pick(lies) + text.slice(match.index + match[0].length)
  }
}

const FRAGMENTS = [
  '\r\n',
  '\r\n\r\n',
  '0\r\n\r\n',
  '0; ieof\r\n\r\n',
  'Preview: 0\r\n',
  'Allow: 204, 206\r\n',
  'Connection: close\r\n',
  ' ',
  '\t',
  '\0',
  ';',
  ':',
  ',',
]
const LENGTHS = [
  '0',
  '1',
  '-1',
  '00',
  '4',
  '65535',
  '65537',
  '2147483648',
  '4294967296',
  '9007199254740993',
  '1e3',
  '0x10',
  '',
]
const SIZES = [
  '0',
  '1',
  '00000000',
  'ffffffff',
  'fffffffffffff',
  '7fffffffffffffff',
  'ffffffffffffffffff',
  '-1',
  '+1',
  'g',
  '',
  '5 ',
  '2;a="\\"',
]
