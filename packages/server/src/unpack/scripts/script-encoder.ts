/**
 * Windows Script Encoder (`#@~^`): JSE, VBE and `language="JScript.Encode"`: a substitution by three alphabets, taken by place.
 * The constants are those of the format, public since 2003 (A. Marx, full-disclosure, September 16th 2003).
 */
export const ENCODED_START = '#@~^'

/** Behind the mark: the length as 6 characters of base 64 and `==`. */
const HEAD = 12
/** Before the end mark: a check sum as 6 characters and `==`. */
const TAIL = 8
const END = '^#~@'

/** What a character from space to DEL stands for: two hexadecimal digits for each of the three alphabets. */
const ALPHABETS = Buffer.from(
  [
    '2e2d32 477530 7a5221 566029 42715b 6a5e38 2f4933 265c3d 496258 417d3a 342935 323665 5b2039 767c5c 727a56 437f73',
    '386b66 39634e 703345 452b6b 686862 715159 4f6678 09765e 62317d 44644a 23546d 754371 4a4c41 7e3a60 4a4c41 5e7e53',
    '404c40 774542 4a2c27 612a48 5d7472 222775 4b3731 6f4437 4e794d 3b5952 4c2f22 506f54 67266a 2a7247 7d6a64 74392d',
    '547b20 2b3f7f 2d382e 2c774c 30675d 6e537e 6b476c 66346f 357879 255d74 213043 642326 4d5a76 525b25 636c24 3f482b',
    '7b5528 787023 296941 282e34 734c09 59212a 332444 7f4e3f 6d5077 55093b 535655 7c7369 3a3561 5f6163 654b50 465867',
    '583b51 315749 69224f 6c6d46 5a4d68 48257c 272836 5c4670 3d4a6e 24327a 79412f 373d5f 605f4b 514f5a 20422c 366557',
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
)
const TAB = [0x57, 0x6e, 0x7b]
const ORDER = '0120121221210212021200122102122100212120200120210212001220012021'
const ESCAPES: Readonly<Record<string, string>> = { '@&': '\n', '@#': '\r', '@*': '>', '@!': '<', '@$': '@' }

/** The plain text of every encoded part, the rest as it is; undefined where there is none. A part without its end goes to the text's. */
export function decodeScript(text: string): string | undefined {
  let at = text.indexOf(ENCODED_START)
  if (at < 0) return undefined
  const out: string[] = []
  let copied = 0
  while (at >= 0) {
    const end = text.indexOf(END, at + HEAD)
    out.push(
      text.slice(copied, at),
      decodePart(text.slice(at + HEAD, end < 0 ? undefined : Math.max(at + HEAD, end - TAIL))),
    )
    copied = end < 0 ? text.length : end + END.length
    at = text.indexOf(ENCODED_START, copied)
  }
  return [...out, text.slice(copied)].join('')
}

function decodePart(encoded: string): string {
  const bytes = Buffer.from(
    encoded.replace(/@[&#*!$]/g, (pair) => ESCAPES[pair] ?? pair),
    'latin1',
  )
  for (let i = 0, place = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    if (byte < 128) bytes[i] = plainOf(byte, Number(ORDER[place++ % ORDER.length]))
  }
  return bytes.toString('latin1')
}

/** `<`, `>` and `@` never stand for themselves in what is encoded: they came of an escape. */
function plainOf(byte: number, alphabet: number): number {
  if (byte === 9) return TAB[alphabet] as number
  if (byte < 0x20 || byte === 0x3c || byte === 0x3e || byte === 0x40) return byte
  return ALPHABETS[(byte - 0x20) * 3 + alphabet] as number
}
