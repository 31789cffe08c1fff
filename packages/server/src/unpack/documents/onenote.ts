import { Unscanned } from '../../domain/verdict.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'
import { utf16Text } from './compound-file.ts'
import { attachedFileFinding } from './ole-embedded.ts'

/** [MS-ONESTORE] 2.6.13 FileDataStoreObject: guidHeader, cbLength, 12 bytes, the file itself. */
const HEADER = Buffer.from('e716e3bd65261145a4c48d4d0b7a9eac', 'hex')
const FIXED = 16 + 8 + 4 + 8
const WINDOW = 1024 * 1024
const PIECE = 64 * 1024
/** More than any walk has members for. */
const MAX_FILES = 100_000
const HEAD = 64 * 1024

/**
 * OneNote sections (.one, .onepkg's parts): every file and picture in them is a member. The store is not read as a whole: attached
 * files stand in it under a GUID of their own, whole and plain, and a damaged store hides none of them from this.
 */
export function onenoteOpener(): Opener {
  return {
    name: 'onenote',
    version: '1',
    wants: (node) => (node.type === 'onenote' ? 'members' : undefined),
    open: openNotes,
  }
}

interface StoredFile {
  readonly offset: number
  readonly size: number
  /** Fewer bytes are there than it says. */
  readonly cut: boolean
}

async function openNotes(node: OpenerNode, run: OpenRun): Promise<void> {
  const { files, names } = findFiles(node, run)
  let anonymous = 0
  let next = 0
  for (const file of files) {
    const head = node.view.read(file.offset, Math.min(file.size, HEAD))
    // Pictures on the page are kept in the same way, without a name.
    const isPicture = /^(?:\x89PNG|\xff\xd8\xff|GIF8|BM|RIFF)/.test(head.toString('latin1', 0, 8))
    const name = isPicture ? `picture-${++anonymous}` : (names[next++] ?? `attachment-${next}`)
    const finding = attachedFileFinding(isPicture ? '' : name, head, 'OneNote page')
    if (finding !== undefined) run.finding({ ...finding, attack: 'T1566.001', offset: file.offset })
    await emitFile(node, { ...file, name }, run)
  }
  // A name that stands in the store without a file that fits it: told all the same.
  for (const name of names.slice(next)) {
    const finding = attachedFileFinding(name, Buffer.alloc(0), 'OneNote page')
    if (finding !== undefined) run.finding({ ...finding, attack: 'T1566.001', risk: 'medium' })
  }
}

function findFiles(node: OpenerNode, run: OpenRun): { files: StoredFile[]; names: string[] } {
  const files: StoredFile[] = []
  const names = new Set<string>()
  let skipTo = 0
  for (let from = 0; from < node.size; from += WINDOW - PIECE) {
    if (run.signal.aborted) throw new Unscanned('timeout', 'stopped while looking for attached files')
    const window = node.view.read(from, WINDOW)
    for (let at = window.indexOf(HEADER); at >= 0; at = window.indexOf(HEADER, at + 1)) {
      const offset = from + at
      // What lies inside a file that was found is part of it; the overlap of two windows is seen once.
      if (offset < skipTo) continue
      const file = storedFile(node, offset)
      if (file === undefined) continue
      if (files.length >= MAX_FILES) throw new Unscanned('bomb', `more than ${MAX_FILES} attached files`)
      files.push(file)
      skipTo = file.cut ? offset + 1 : file.offset + file.size
    }
    collectNames(window, names)
  }
  return { files, names: [...names].filter((name) => !PICTURE_NAME.test(name)) }
}

function storedFile(node: OpenerNode, offset: number): StoredFile | undefined {
  const head = node.view.read(offset + 16, 8)
  if (head.length < 8) return undefined
  const wanted = Number(head.readBigUInt64LE(0))
  const size = Math.min(wanted, Math.max(0, node.size - offset - FIXED))
  return { offset: offset + FIXED, size, cut: size < wanted }
}

const PICTURE_NAME = /\.(?:png|jpe?g|gif|bmp|emf|wmf|tiff?)$/i
const MAX_NAME = 200
/** A window full of dots: names only help to tell what is found anyway. */
const MAX_DOTS = 20_000

/** EmbeddedFileName (2.3.74 of [MS-ONE]) is a length in bytes, then UTF-16 ended by a zero: looked for by its extension's dot. */
function collectNames(window: Buffer, names: Set<string>): void {
  let at = window.indexOf('.\0', 0, 'latin1')
  for (let count = 0; at >= 0 && count < MAX_DOTS && names.size < MAX_FILES; count++) {
    const name = nameAround(window, at)
    if (name !== undefined) names.add(name)
    at = window.indexOf('.\0', at + 1, 'latin1')
  }
}

function nameAround(window: Buffer, dot: number): string | undefined {
  const start = runStart(window, dot)
  let end = dot
  while (end + 1 < window.length && end - dot < 40 && window[end + 1] === 0 && isNameByte(window[end] ?? 0)) end += 2
  if (start < 4 || end - dot < 4) return undefined
  const size = window.readUInt32LE(start - 4)
  // With or without its closing zero.
  if (size !== end - start && size !== end - start + 2) return undefined
  const name = utf16Text(window, start, end)
  return /^[^\\/:*?"<>|]{1,200}\.[A-Za-z0-9]{1,12}$/.test(name) ? name : undefined
}

/** Where the text before the dot begins: its length stands there, so that names of any script are found. */
function runStart(window: Buffer, dot: number): number {
  for (let start = dot - 2; start >= 4 && dot - start <= MAX_NAME * 2; start -= 2) {
    const size = window.readUInt32LE(start - 4)
    if (size > dot - start && size < MAX_NAME * 2 && size - (dot - start) <= 28) return start
  }
  return -1
}

function isNameByte(byte: number): boolean {
  return byte >= 0x20 && byte < 0x7f
}

async function emitFile(node: OpenerNode, file: StoredFile & { readonly name: string }, run: OpenRun): Promise<void> {
  const sink = run.member({ name: file.name })
  for (let at = 0; at < file.size; at += PIECE) {
    if (run.signal.aborted) throw new Unscanned('timeout', 'stopped in an attached file')
    await sink.write(node.view.read(file.offset + at, Math.min(PIECE, file.size - at)))
  }
  await sink.end(file.cut ? { reason: 'malformed', detail: 'the attached file is cut short' } : undefined)
}
