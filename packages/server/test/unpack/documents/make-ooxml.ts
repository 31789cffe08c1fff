import { Buffer } from 'node:buffer'
import { deflateRawSync } from 'node:zlib'

const DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
const WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
const OFFICE = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'

export interface Relation {
  /** Last segment of the type: `hyperlink`. */
  readonly type: string
  readonly target: string
  readonly external?: boolean
}

export function makeRelations(relations: readonly Relation[]): string {
  const rows = relations.map(
    ({ type, target, external }, at) =>
      `<Relationship Id="rId${at + 1}" Type="${OFFICE}/${type}" Target="${target.replaceAll('&', '&amp;')}"${external ? ' TargetMode="External"' : ''}/>`,
  )
  return `${DECLARATION}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${rows.join('')}</Relationships>`
}

/** A main document part around these runs and paragraphs. */
export function makeDocument(body: string): string {
  return `${DECLARATION}<w:document ${WORD}><w:body><w:p>${body}</w:p></w:body></w:document>`
}

/** A complex field whose instruction is cut into these pieces, one a run. */
export function makeField(pieces: readonly string[], result = 'x'): string {
  const mark = (type: string) => `<w:r><w:fldChar w:fldCharType="${type}"/></w:r>`
  const runs = pieces.map((piece) =>
    piece.startsWith('<') ? piece : `<w:r><w:instrText xml:space="preserve">${piece}</w:instrText></w:r>`,
  )
  return `${mark('begin')}${runs.join('')}${mark('separate')}<w:r><w:t>${result}</w:t></w:r>${mark('end')}`
}

export function makeTypes(main: string): string {
  return `${DECLARATION}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml" ContentType="${main}"/></Types>`
}

export function makeMacroSheet(cells: Readonly<Record<string, string>>): string {
  const rows = Object.entries(cells).map(
    ([ref, formula]) => `<c r="${ref}"><f>${formula.replaceAll('&', '&amp;')}</f></c>`,
  )
  return `${DECLARATION}<xm:macrosheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"><sheetData><row r="1">${rows.join('')}</row></sheetData></xm:macrosheet>`
}

export interface ZipPart {
  readonly name: string
  readonly bytes: Buffer
  /** Stored where it is already encrypted. */
  readonly store?: boolean
}

/** A plain zip archive, as office programs write it. */
export function makeZip(parts: readonly ZipPart[]): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const { name, bytes, store } of parts) {
    const packed = store ? bytes : deflateRawSync(bytes)
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(store ? 0 : 8, 4)
    fields.writeUInt32LE(packed.length, 14)
    fields.writeUInt32LE(bytes.length, 18)
    fields.writeUInt16LE(Buffer.byteLength(name), 22)
    locals.push(Buffer.from('PK\u0003\u0004'), fields, Buffer.from(name), packed)
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    central.push(Buffer.from('PK\u0001\u0002'), Buffer.from([20, 0]), fields, rest, Buffer.from(name))
    offset += 30 + Buffer.byteLength(name) + packed.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(parts.length, 4)
  end.writeUInt16LE(parts.length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...locals, directory, Buffer.from('PK\u0005\u0006'), end])
}
