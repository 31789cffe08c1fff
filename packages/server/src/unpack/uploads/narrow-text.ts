import type { ContentView } from '../content-view.ts'

/** Text by position, one byte a character. */
export interface TextSource {
  readonly size: number
  /** At most 1 MiB from `at` on; fewer only at the end. */
  read(at: number, length: number): Buffer
}

const WINDOW = 512 * 1024

/** A text of one byte a character as it lies; UTF-16 (by its mark, or by the NUL beside its first sign) made narrow. */
export function narrowText(view: ContentView): TextSource {
  const [first, second] = view.head
  if (first === 0xff && second === 0xfe) return new NarrowText(view, 2, 0)
  if (first === 0xfe && second === 0xff) return new NarrowText(view, 2, 1)
  if (second === 0 && first !== 0 && first !== undefined && view.head[3] === 0) return new NarrowText(view, 0, 0)
  if (first === 0 && second !== 0 && second !== undefined && view.head[2] === 0) return new NarrowText(view, 0, 1)
  return view
}

/** What is not Latin-1 becomes 0xff: base64 and the signs of JSON and XML are all ASCII. */
class NarrowText implements TextSource {
  readonly size: number
  readonly #view: ContentView
  readonly #start: number
  readonly #low: number

  constructor(view: ContentView, start: number, low: 0 | 1) {
    this.#view = view
    this.#start = start
    this.#low = low
    this.size = Math.max(0, (view.size - start) >> 1)
  }

  read(at: number, length: number): Buffer {
    const wide = this.#view.read(this.#start + at * 2, Math.min(length, WINDOW) * 2)
    const narrow = Buffer.allocUnsafe(wide.length >> 1)
    for (let i = 0; i < narrow.length; i++) {
      const isLatin = wide[i * 2 + 1 - this.#low] === 0
      narrow[i] = isLatin ? (wide[i * 2 + this.#low] as number) : 0xff
    }
    return narrow
  }
}
