import { decodeScript } from '../../../src/unpack/scripts/script-encoder.ts'

/**
 * Windows Script Encoder, by asking the decoder which character stands for which at each place. That the decoder's alphabets are
 * the real ones is what `script-encoder.test.ts` proves with text that Microsoft's own tool has encoded.
 */
export function encodeScript(text: string): string {
  const encoded = [...text].map((char, place) => encodedOf(char, place)).join('')
  return `#@~^AAAAAA==${encoded}AAAAAA==^#~@`
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '@&', '\r': '@#', '>': '@*', '<': '@!', '@': '@$' }
const PLACES = 64

function encodedOf(char: string, place: number): string {
  const pair = ESCAPES[char]
  if (pair !== undefined) return pair
  for (let code = 9; code < 128; code = code === 9 ? 32 : code + 1) {
    if (code === 0x3c || code === 0x3e || code === 0x40) continue
    const candidate = String.fromCharCode(code)
    if (plainAt(candidate, place % PLACES) === char) return candidate
  }
  throw new Error(`no character stands for ${JSON.stringify(char)}`)
}

function plainAt(candidate: string, place: number): string | undefined {
  return decodeScript(`#@~^AAAAAA==${'a'.repeat(place)}${candidate}AAAAAA==^#~@`)?.[place]
}
