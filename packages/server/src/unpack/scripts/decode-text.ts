/** `%41`, `%u0041`; what is no escape stays. */
export function percentText(text: string): string {
  return text.replace(/%u([0-9a-f]{4})|%([0-9a-f]{2})/gi, (_, wide: string | undefined, narrow: string) =>
    String.fromCharCode(Number.parseInt(wide ?? narrow, 16)),
  )
}

/** The bytes as Latin-1; undefined where it is not base 64. */
export function base64Text(text: string): string | undefined {
  return isBase64(text) ? Buffer.from(text, 'base64').toString('latin1') : undefined
}

function isBase64(text: string): boolean {
  return text.length >= 4 && /^[\w+/\s-]*={0,2}\s*$/.test(text)
}

/** Whether these bytes read as a text: few control characters. Looks at the first 4 KiB. */
export function readsAsText(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, 4096)
  let odd = 0
  for (let i = 0; i < length; i++) {
    const byte = bytes[i] as number
    if ((byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13) || byte >= 0x7f) odd++
  }
  return length > 0 && odd * 20 <= length
}

/** UTF-16LE of mostly ASCII, as PowerShell's encoded commands are. */
export function readsAsWideText(bytes: Buffer): boolean {
  const length = Math.min(bytes.length & ~1, 4096)
  let plain = 0
  for (let i = 0; i < length; i += 2) {
    const byte = bytes[i] as number
    if (bytes[i + 1] === 0 && (byte >= 0x20 || byte === 9 || byte === 10 || byte === 13)) plain++
  }
  return length >= 8 && plain * 20 >= (length / 2) * 19
}
