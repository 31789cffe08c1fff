import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { findProgram, type Needs, needs } from '../e2e/needs.ts'
import {
  ARCHIVE_FORMATS,
  type ArchiveFormatName,
  archiveFormat,
  makeArchive,
  needsFor,
  type PlainFile,
  SEVEN_ZIP,
} from '../unpack/archives/make-archive.ts'
import { makeTar } from '../unpack/archives/make-tar.ts'
import { makeZip, type ZipSpec } from '../unpack/archives/make-zip.ts'
import { makeOle } from '../unpack/documents/make-ole.ts'
import { makeOneNote } from '../unpack/documents/make-onenote.ts'
import { packageBytes } from '../unpack/documents/make-package.ts'
import { flated, PLAIN_PARTS, pdfOf } from '../unpack/documents/pdf-samples.ts'
import { tnef, wide } from '../unpack/mail/outlook.ts'

/** One way to hide a file in another. */
export interface Container {
  readonly name: string
  readonly extension: string
  /** The member's name comes out of it. */
  readonly keepsName: boolean
  readonly takesPassword: boolean
  /** What HTTP says of it. */
  readonly contentType?: string
  /** Options for `it`. */
  readonly needs: Needs
  make(file: PlainFile, password: string | undefined): Buffer
}

interface Plain {
  readonly keepsName?: boolean
  readonly takesPassword?: boolean
  readonly contentType?: string
  readonly programs?: readonly string[]
}

function plain(name: string, extension: string, make: Container['make'], more: Plain = {}): Container {
  const { keepsName = true, takesPassword = false, contentType, programs = [] } = more
  return {
    name,
    extension,
    keepsName,
    takesPassword,
    needs: needs(...programs),
    make,
    ...(contentType === undefined ? {} : { contentType }),
  }
}

function archive(name: ArchiveFormatName): Container {
  const { extension, isStream = false, takesPassword = false, renames = false } = archiveFormat(name)
  return {
    name,
    extension,
    keepsName: !isStream && !renames,
    takesPassword,
    needs: needsFor(name),
    make: (file, password) => makeArchive(name, [file], password === undefined ? {} : { password }),
  }
}

const zip =
  (how: ZipSpec['how'], lock?: 'zipcrypto' | 'ae1' | 'ae2', bits?: 128 | 192 | 256): Container['make'] =>
  (file, password) => {
    const locked = { text: password ?? '', how: lock ?? 'zipcrypto', ...(bits === undefined ? {} : { bits }) }
    const spec = { name: file.name, data: file.bytes, ...(how === undefined ? {} : { how }) }
    return makeZip([password === undefined ? spec : { ...spec, password: locked }])
  }

/** ZIP by methods that only 7-Zip packs. */
const sevenZipMethod =
  (method: string): Container['make'] =>
  (file, password) => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-matrix-'))
    try {
      writeFileSync(join(folder, file.name), file.bytes)
      const lock = password === undefined ? [] : [`-p${password}`, '-mem=AES256']
      execFileSync(SEVEN_ZIP, ['a', '-bd', '-tzip', `-mm=${method}`, ...lock, 'out.zip', file.name], {
        cwd: folder,
        stdio: 'ignore',
      })
      return readFileSync(join(folder, 'out.zip'))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

const base64 = (bytes: Buffer) => (bytes.toString('base64').match(/.{1,76}/g) ?? []).join('\r\n')

function mail({ name, bytes }: PlainFile): Buffer {
  const head = 'From: a@example.test\r\nTo: b@example.test\r\nSubject: a file\r\nMIME-Version: 1.0\r\n'
  const text = '--zz\r\nContent-Type: text/plain\r\n\r\nSee what is attached.\r\n'
  const part = `--zz\r\nContent-Type: application/octet-stream; name="${name}"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="${name}"\r\n\r\n${base64(bytes)}\r\n`
  return Buffer.from(`${head}Content-Type: multipart/mixed; boundary="zz"\r\n\r\n${text}${part}--zz--\r\n`)
}

/** `boundary`: another for each level, as browsers make them. */
export function form({ name, bytes }: PlainFile, boundary = FORM_BOUNDARY): Buffer {
  const field = `--${boundary}\r\nContent-Disposition: form-data; name="comment"\r\n\r\nhello\r\n`
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: application/octet-stream\r\n\r\n`
  return Buffer.concat([Buffer.from(field + head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)])
}
const FORM_BOUNDARY = 'assayform'
export const FORM_TYPE = `multipart/form-data; boundary=${FORM_BOUNDARY}`

function outlook({ name, bytes }: PlainFile): Buffer {
  const table = Buffer.alloc(1024)
  return makeOle({
    '__properties_version1.0': table,
    '__nameid_version1.0': { '__substg1.0_00020102': Buffer.alloc(16) },
    '__substg1.0_1000001F': wide('See what is attached.'),
    '__attach_version1.0_#00000000': {
      '__properties_version1.0': table,
      '__substg1.0_3704001E': Buffer.from('SHORT~1'),
      '__substg1.0_3707001F': wide(name),
      '__substg1.0_37010102': bytes,
    },
  })
}

function winmail({ name, bytes }: PlainFile): Buffer {
  return tnef([
    { id: 0x00069002, data: Buffer.alloc(14) },
    { id: 0x00018010, data: Buffer.from(`${name}\0`) },
    { id: 0x0006800f, data: bytes },
  ])
}

const TYPES =
  '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="bin" ContentType="application/octet-stream"/></Types>'
const DOCUMENT =
  '<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p/></w:body></w:document>'

function word({ name, bytes }: PlainFile): Buffer {
  return makeZip([
    { name: '[Content_Types].xml', data: TYPES, how: 'deflate' },
    { name: 'word/document.xml', data: DOCUMENT, how: 'deflate' },
    { name: `word/embeddings/${name}`, data: bytes, how: 'deflate' },
  ])
}

function writer({ name, bytes }: PlainFile): Buffer {
  return makeZip([
    { name: 'mimetype', data: 'application/vnd.oasis.opendocument.text' },
    { name: 'content.xml', data: '<?xml version="1.0"?><office:document-content/>', how: 'deflate' },
    { name: `Objects/${name}`, data: bytes, how: 'deflate' },
  ])
}

function rtf({ name, bytes }: PlainFile): Buffer {
  const native = packageBytes(name, bytes).subarray(4)
  const u32 = (value: number) => {
    const buffer = Buffer.alloc(4)
    buffer.writeUInt32LE(value)
    return buffer
  }
  // [MS-OLEDS] 2.2.5: version, embedded, class name, topic, item, size, data.
  const className = Buffer.from('Package\0')
  const object = Buffer.concat([
    u32(0x501),
    u32(2),
    u32(className.length),
    className,
    u32(0),
    u32(0),
    u32(native.length),
    native,
  ])
  return Buffer.from(
    `{\\rtf1\\ansi hello {\\object\\objemb{\\*\\objclass Package}{\\*\\objdata ${object.toString('hex')}}}}`,
  )
}

function pdf({ name, bytes }: PlainFile): Buffer {
  return pdfOf([
    ...PLAIN_PARTS,
    { num: 20, body: `<< /Type /Filespec /F (${name}) /EF << /F 21 0 R >> >>` },
    flated(21, bytes, '/Type /EmbeddedFile'),
  ])
}

function page({ bytes }: PlainFile): Buffer {
  return Buffer.from(
    `<!doctype html><html><body><p>hello</p><a href="data:application/octet-stream;base64,${bytes.toString('base64')}">x</a></body></html>`,
  )
}

function ole({ name, bytes }: PlainFile): Buffer {
  return makeOle({ [name]: bytes, Contents: Buffer.from('hello') })
}

const command = (program: string, args: readonly string[]) => (file: PlainFile) =>
  execFileSync(findProgram(program) ?? program, args, { input: file.bytes, maxBuffer: 1 << 28 })

const json = ({ name, bytes }: PlainFile) =>
  Buffer.from(JSON.stringify({ id: 7, filename: name, content: bytes.toString('base64') }))

const OWN: readonly Container[] = [
  plain('zip stored, ZipCrypto', 'zip', zip('stored', 'zipcrypto'), { takesPassword: true }),
  plain('zip deflate, AES-256', 'zip', zip('deflate', 'ae2', 256), { takesPassword: true }),
  plain('zip deflate, AES-128 (AE-1)', 'zip', zip('deflate', 'ae1', 128), { takesPassword: true }),
  plain('zip zstd', 'zip', zip('zstd')),
  ...['Deflate64', 'BZip2', 'LZMA', 'PPMd', 'XZ'].map((method) =>
    plain(`zip ${method}`, 'zip', sevenZipMethod(method), { takesPassword: true }),
  ),
  plain('jar', 'jar', (file) =>
    makeZip([
      { name: 'META-INF/MANIFEST.MF', data: 'Manifest-Version: 1.0\n' },
      { name: file.name, data: file.bytes, how: 'deflate' },
    ]),
  ),
  plain('tar', 'tar', (file) => makeTar([{ name: file.name, data: file.bytes }])),
  plain('gz', 'gz', ({ bytes }) => gzipSync(bytes), { keepsName: false }),
  plain('tar.gz', 'tgz', (file) => gzipSync(makeTar([{ name: file.name, data: file.bytes }]))),
  plain('zst', 'zst', ({ bytes }) => zstdCompressSync(bytes), { keepsName: false }),
  plain('lz4', 'lz4', command('lz4', ['-c', '-z', '-q']), { keepsName: false, programs: ['lz4'] }),
  plain('eml', 'eml', mail, { contentType: 'message/rfc822' }),
  plain('mbox', 'mbox', (file) =>
    Buffer.concat([Buffer.from('From a@example.test Thu Jan  1 00:00:00 2026\n'), mail(file), Buffer.from('\n')]),
  ),
  plain('msg', 'msg', outlook),
  plain('tnef', 'dat', winmail),
  plain('form', 'bin', (file) => form(file, `inner${file.bytes.length}`), {
    contentType: 'multipart/form-data',
  }),
  plain('json', 'json', json, { contentType: 'application/json' }),
  plain('base64 text', 'txt', ({ bytes }) => Buffer.from(base64(bytes)), {
    keepsName: false,
    contentType: 'text/plain',
  }),
  plain('url form', 'txt', ({ bytes }) => Buffer.from(`id=7&file=${encodeURIComponent(bytes.toString('base64'))}`), {
    keepsName: false,
    contentType: 'application/x-www-form-urlencoded',
  }),
  plain('ole', 'doc', ole),
  plain('docx', 'docx', word),
  plain('odt', 'odt', writer),
  plain('rtf', 'rtf', rtf),
  plain('pdf', 'pdf', pdf),
  plain('onenote', 'one', (file) => makeOneNote([{ name: file.name, bytes: file.bytes }])),
  plain('html', 'html', page, { keepsName: false, contentType: 'text/html' }),
]

/** Every container that the product opens. */
export function containers(): readonly Container[] {
  return [...OWN, ...(Object.keys(ARCHIVE_FORMATS) as ArchiveFormatName[]).map(archive)]
}

/** `depth` of these one in another, the file innermost. */
export function nest(
  container: Container,
  file: PlainFile,
  { depth, password }: { depth: number; password: string | undefined },
): PlainFile {
  let inner = file
  for (let level = 1; level <= depth; level++) {
    const bytes = container.make(inner, password)
    // Programs that pack one stream refuse what is called packed already.
    inner = { name: `level${level}${container.keepsName ? '.' : '-'}${container.extension}`, bytes }
  }
  return inner
}
