/** Code pages that writers on Windows took for passwords, besides UTF-8. */
const CODE_PAGES = ['windows-1252', 'windows-1251', 'ibm866'] as const

const tables = new Map<string, ReadonlyMap<string, number>>()

/** A password's bytes in every encoding that can say it: the formats never said which. */
export function passwordBytes(password: string): Buffer[] {
  const utf8 = Buffer.from(password, 'utf8')
  if (utf8.length === password.length) return [utf8]
  const others = CODE_PAGES.flatMap((page) => encoded(password, page) ?? [])
  return [utf8, ...others.filter((one, index) => others.findIndex((other) => other.equals(one)) === index)]
}

/** TextDecoder knows the code pages, and nothing turns them round. */
function encoded(text: string, page: string): Buffer | undefined {
  let table = tables.get(page)
  if (table === undefined) {
    const decoder = new TextDecoder(page)
    table = new Map(Array.from({ length: 256 }, (_, byte) => [decoder.decode(Uint8Array.of(byte)), byte]))
    tables.set(page, table)
  }
  const bytes: number[] = []
  for (const character of text) {
    const byte = table.get(character)
    if (byte === undefined) return undefined
    bytes.push(byte)
  }
  return Buffer.from(bytes)
}
