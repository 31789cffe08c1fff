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
  for (let at = 0; at < text.size; at += WINDOW_BYTES - LONG_RUN) {
    const window = text.read(at, WINDOW_BYTES)
    if (window.length < LONG_RUN) return false
    if (longRunIn(window)) return true
  }
  return false
}

function longRunIn(bytes: Buffer): boolean {
  for (let end = LONG_RUN - 1; end < bytes.length; ) {
    const from = end - LONG_RUN
    let at = end
    while (at > from && IS_LETTER[bytes[at] as number] === 1) at--
    if (at === from) return true
    end = at + LONG_RUN
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
