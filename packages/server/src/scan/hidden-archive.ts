import type { ContentView } from '../unpack/content-view.ts'
import type { TextHints } from './script-language.ts'
import { startsPacked } from './true-file-type.ts'

/** The end record of a ZIP and the longest comment behind it: readers look for it from the end, whatever stands in front. */
const ZIP_TAIL_BYTES = 22 + 65_535
const ZIP_END = Buffer.from('PK\x05\x06')

/** Names and types that open as an archive at a click; their programs search for the archive's mark behind other bytes. */
const NAMED_ARCHIVE =
  /\.(?:zip|zipx|jar|7z|rar|r\d\d|cab|iso|img|vhdx?|tar|tgz|gz|bz2|xz|zst|lzma|lz|lz4|z|t[bx]z2?|cpio|rpm|deb|dmg|lzh|lha|arj|ace|wim)$/i
const DECLARED_ARCHIVE =
  /^application\/(?:zip|x-zip-compressed|java-archive|x-7z-compressed|vnd\.rar|x-rar(?:-compressed)?|vnd\.ms-cab-compressed|x-iso9660-image|x-tar|gzip|x-gzip|x-bzip2?|x-xz|zstd)$/

/** A form is looked through in steps of 1 MiB up to here; what is longer is not called looked through. */
const WINDOW_BYTES = 1024 * 1024
const MAX_FORM_BYTES = 8 * WINDOW_BYTES
/** Empty lines of a form: parts and paragraphs of text fields. A form of empty lines only must not hold up everybody else. */
const MAX_PARTS = 10_000
/** Longer than the longest mark of an archive that `startsPacked` knows. */
const OVERLAP_BYTES = 512
const ENCODED_PART = /content-transfer-encoding:[ \t]{0,16}(?:base64|quoted-printable)/i

/**
 * An archive that does not stand at the first byte: put behind a picture, carried in a form's field, or only named as one.
 * Says in words what was seen; undefined where nothing was. The members of what begins as an archive are not its question.
 */
export function hiddenArchive(view: ContentView, { declaredType, fileName }: TextHints): string | undefined {
  if (view.tail(ZIP_TAIL_BYTES).includes(ZIP_END)) return 'a ZIP behind other bytes'
  if (NAMED_ARCHIVE.test(fileName) || DECLARED_ARCHIVE.test(declaredType))
    return view.size === 0 ? undefined : 'called an archive, which its first bytes are not'
  return declaredType.startsWith('multipart/') ? archiveInForm(view) : undefined
}

function archiveInForm(view: ContentView): string | undefined {
  if (view.size > MAX_FORM_BYTES) return 'a form too large to be looked through'
  let left = MAX_PARTS
  for (let at = 0; at < view.size; at += WINDOW_BYTES - OVERLAP_BYTES) {
    const window = view.read(at, WINDOW_BYTES)
    if (ENCODED_PART.test(window.toString('latin1'))) return 'an encoded part of a form'
    const starts = partStarts(window, left)
    if (starts.some((start) => startsPacked(window, start))) return 'an archive in a form'
    left -= starts.length
    if (left <= 0) return 'a form of too many parts to be looked through'
  }
  return undefined
}

const LF = 0x0a
const CR = 0x0d

/** Every part begins behind an empty line. Where parts really begin is the boundary's to say, and the boundary the sender's. */
function partStarts(bytes: Buffer, most: number): number[] {
  const starts: number[] = []
  for (let at = 1; at + 1 < bytes.length && starts.length < most; at++) {
    if (bytes[at] !== LF) continue
    const isEmptyLine = bytes[at - 1] === LF || (bytes[at - 1] === CR && bytes[at - 2] === LF)
    if (isEmptyLine) starts.push(at + 1)
  }
  return starts
}
