/** A name with its #xx escapes undone; `hidden`: letters or digits were written as escapes (ISO 32000-1 7.3.5 needs none there). */
export class PdfName {
  readonly text: string
  readonly hidden: boolean

  constructor(text: string, hidden: boolean) {
    this.text = text
    this.hidden = hidden
  }
}

/** Bytes of a literal or hexadecimal string, decrypted where its object is encrypted. */
export class PdfString {
  readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }
}

export class PdfRef {
  readonly num: number

  constructor(num: number) {
    this.num = num
  }
}

export class PdfWord {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Keeps every entry, repeated keys too: readers differ in which one they take, so rules look at all. */
export class PdfDict {
  readonly entries: (readonly [key: PdfName, value: PdfValue])[] = []

  /** The last of that key, as most readers take it. */
  get(key: string): PdfValue | undefined {
    for (let i = this.entries.length - 1; i >= 0; i--) {
      const entry = this.entries[i]
      if (entry !== undefined && entry[0].text === key) return entry[1]
    }
    return undefined
  }

  name(key: string): string {
    const value = this.get(key)
    return value instanceof PdfName ? value.text : ''
  }

  number(key: string): number | undefined {
    const value = this.get(key)
    return typeof value === 'number' ? value : undefined
  }
}

export type PdfValue = null | boolean | number | PdfName | PdfString | PdfRef | PdfWord | PdfDict | readonly PdfValue[]

/** ISO 32000-2 7.9.2.2: UTF-16BE or UTF-8 with a mark, else PDFDocEncoding, of which only ASCII matters here. */
export function pdfText(bytes: Buffer): string {
  if (bytes[0] === 0xfe && bytes[1] === 0xff) {
    const units = Buffer.from(bytes.subarray(2, bytes.length & ~1))
    return units.swap16().toString('utf16le')
  }
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString('utf16le', 2, bytes.length & ~1)
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
    ? bytes.toString('utf8', 3)
    : bytes.toString('latin1')
}
