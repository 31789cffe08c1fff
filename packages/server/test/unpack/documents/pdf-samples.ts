import { deflateSync } from 'node:zlib'

export interface PdfPart {
  readonly num: number
  /** The dictionary's inside for a stream, the whole value else. */
  readonly body: string
  readonly stream?: Buffer
}

/** `stream` packed with deflate, its dictionary made to fit. */
export function flated(num: number, stream: Buffer | string, dict = ''): PdfPart {
  return { num, body: `${dict} /Filter /FlateDecode`, stream: deflateSync(stream) }
}

/** A document with a table and a trailer, the catalog being object 1. */
export function pdfOf(parts: readonly PdfPart[], trailer = ''): Buffer {
  const pieces: Buffer[] = [Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'latin1')]
  const offsets = new Map<number, number>()
  let at = (pieces[0] as Buffer).length
  const push = (piece: Buffer) => {
    pieces.push(piece)
    at += piece.length
  }
  for (const part of parts) {
    offsets.set(part.num, at)
    push(objectOf(part))
  }
  const start = at
  const rows = [...offsets].map(([num, offset]) => `${num} 1\n${String(offset).padStart(10, '0')} 00000 n \n`)
  push(Buffer.from(`xref\n${rows.join('')}trailer\n<< /Root 1 0 R ${trailer} >>\nstartxref\n${start}\n%%EOF\n`))
  return Buffer.concat(pieces)
}

export function objectOf({ num, body, stream }: PdfPart): Buffer {
  if (stream === undefined) return Buffer.from(`${num} 0 obj\n${body}\nendobj\n`, 'latin1')
  const head = `${num} 0 obj\n<< ${body} /Length ${stream.length} >>\nstream\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), stream, Buffer.from('\nendstream\nendobj\n')])
}

/** Objects inside an object stream. */
export function objectStream(num: number, objects: readonly (readonly [num: number, value: string])[]): PdfPart {
  let at = 0
  const index = objects.map(([inner, value]) => {
    const row = `${inner} ${at}`
    at += value.length + 1
    return row
  })
  const head = `${index.join(' ')} `
  const text = head + objects.map(([, value]) => `${value} `).join('')
  return flated(num, text, `/Type /ObjStm /N ${objects.length} /First ${head.length}`)
}

/** What any writer makes: a page with text, a font, metadata. */
export const PLAIN_PARTS: readonly PdfPart[] = [
  { num: 1, body: '<< /Type /Catalog /Pages 2 0 R /Metadata 6 0 R >>' },
  { num: 2, body: '<< /Type /Pages /Kids [3 0 R] /Count 1 >>' },
  { num: 3, body: '<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Annots [<< /Type /Annot /Subtype /Link /A << /S /URI /URI (https://example.org/a) >> >>] >>' },
  flated(4, 'BT /F1 12 Tf (hello page) Tj ET'),
  { num: 5, body: '/Type /XObject /Subtype /Image /Filter /DCTDecode /Width 99 /Height 99', stream: Buffer.from('\xff\xd8\xff jpeg', 'latin1') },
  { num: 6, body: '/Type /Metadata /Subtype /XML', stream: Buffer.from('<x:xmpmeta/>') },
] // biome-ignore format: one object a line
