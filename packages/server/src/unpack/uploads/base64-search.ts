import type { TextSource } from './narrow-text.ts'

/** Shorter ones are names, hashes and numbers. */
export const LONG_RUN = 64

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_'
/** 1 for a letter of either base64 alphabet. */
export const IS_LETTER = Uint8Array.from({ length: 256 }, (_, byte) =>
  LETTERS.includes(String.fromCharCode(byte)) ? 1 : 0,
)

const WINDOW_BYTES = 64 * 1024

/**
 * Whether 64 letters of base64 stand in a row. Only every 64th byte is looked at, and from it backwards to the first that is no
 * letter: of plain text six bytes in 64.
 */
export function hasLongRun(text: TextSource): boolean {
  for (const window of windowsOf(text)) if (longRunEnd(window, LONG_RUN, 0) >= 0) return true
  return false
}

function* windowsOf(text: TextSource): Generator<Buffer> {
  for (let at = 0; at < text.size; at += WINDOW_BYTES - LONG_RUN) {
    const window = text.read(at, WINDOW_BYTES)
    if (window.length < LONG_RUN) return
    yield window
  }
}

/** Where a run of so many letters has one of its last ones; -1. */
function longRunEnd(bytes: Buffer, run: number, start: number): number {
  for (let end = start + run - 1; end < bytes.length; ) {
    const from = end - run
    let at = end
    while (at > from && IS_LETTER[bytes[at] as number] === 1) at--
    if (at === from) return end
    end = at + run
  }
  return -1
}

/** Shorter lines than a long run, as some wrap them (property lists: 60 and 68 letters, a tab in front). */
const SHORT_LINE = 40
const NEXT_LINE = /^[A-Za-z0-9+/_-]{0,63}\r?\n[ \t]{0,32}[A-Za-z0-9+/_-]{16}/
const MAX_LOOKS = 256

/** Whether two lines of base64 stand one under the other, the first of 40 letters and more. */
export function hasWrappedLines(text: TextSource): boolean {
  let looks = 0
  for (const window of windowsOf(text)) {
    for (let end = longRunEnd(window, SHORT_LINE, 0); end >= 0; end = longRunEnd(window, SHORT_LINE, end + 1)) {
      if (NEXT_LINE.test(window.toString('latin1', end + 1, end + 160))) return true
      if (++looks >= MAX_LOOKS) return true
    }
  }
  return false
}

/** Whether any of these stands in the text. */
export function includesAny(text: TextSource, marks: readonly Buffer[]): boolean {
  const overlap = Math.max(...marks.map((mark) => mark.length))
  for (let at = 0; at < text.size; at += WINDOW_BYTES - overlap) {
    const window = text.read(at, WINDOW_BYTES)
    if (marks.some((mark) => window.includes(mark))) return true
    if (window.length <= overlap) return false
  }
  return false
}
