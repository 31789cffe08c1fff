/** POSIX.1-2001 pax: `LENGTH KEY=VALUE\n` again and again. What does not fit that form ends it. */
export function paxRecords(bytes: Buffer): { readonly records: Map<string, string>; readonly isWhole: boolean } {
  const records = new Map<string, string>()
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const length = space < 0 || space - at > 10 ? 0 : Number(bytes.toString('latin1', at, space))
    const end = at + length
    const equals = space < 0 ? -1 : bytes.indexOf(0x3d, space)
    // Some writers fill the rest of the block with zeros.
    if (bytes[at] === 0) return { records, isWhole: true }
    if (!Number.isSafeInteger(length) || length <= 0 || end > bytes.length || equals < 0 || equals >= end)
      return { records, isWhole: false }
    if (records.size < MAX_RECORDS)
      records.set(bytes.toString('utf8', space + 1, equals), bytes.toString('utf8', equals + 1, end - 1))
    at = end
  }
  return { records, isWhole: true }
}

const MAX_RECORDS = 10_000

/** A decimal number of a record; undefined where there is none. */
export function paxNumber(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : undefined
}
