/** What a terminal would obey or hide: URLs and file names come from outside. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Hostile text as one harmless line. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`)
}

// JSON.stringify leaves DEL and the C1 controls (0x9b begins a terminal sequence) as they are.
const RAW_IN_JSON = /[\u007f-\u009f\u2028\u2029]/g

function escapeUnicode(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** One JSON object, one line. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value).replace(RAW_IN_JSON, escapeUnicode)}\n`
}

/** JSON for a program that takes the whole output. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2).replace(RAW_IN_JSON, escapeUnicode)}\n`
}

const MAX_PADDING = 48

/** Aligned columns, two spaces apart; cells may be hostile. */
export function columns(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(printable))
  const widths: number[] = []
  for (const row of cells)
    for (const [index, cell] of row.entries())
      widths[index] = Math.max(widths[index] ?? 0, Math.min(cell.length, MAX_PADDING))
  const lines = cells.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return lines.map((line) => `${line}\n`).join('')
}

export function utcTime(unixMs: number): string {
  return new Date(unixMs).toISOString()
}
