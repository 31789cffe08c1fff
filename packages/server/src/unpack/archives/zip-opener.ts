import { Unscanned } from '../../domain/verdict.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'
import { ByteWindow } from './byte-window.ts'
import type { OtherMethods } from './zip-decode.ts'
import { CENTRAL_MARK, END_BYTES, endRecord, markAt } from './zip-records.ts'
import { ZipWalk } from './zip-walk.ts'

export interface ZipOpenerOptions {
  /** Undoes the methods that are not ours; absent: members packed by them are unscanned(engine-down). */
  readonly otherMethods?: OtherMethods
}

const ZIP_TYPES = ['zip', 'jar', 'apk', 'ooxml', 'odf', 'epub', 'crx']
/** Whatever lies in them is handed over by their own openers: a ZIP at their end is met there. */
const WALKED_TYPES = ['tar', 'form', 'eml', 'mbox']

/**
 * ZIP and all that is one: Java, Android, Office, OpenDocument, EPUB, browser extensions, self-extractors, anything with an archive
 * behind other bytes.
 *
 * Our own reader, because every library reads one way and a sender may mean another reader: zip.js and yauzl see the central
 * directory only and refuse or skip what contradicts it; streaming readers see the local headers only. What any of them would
 * take out must be scanned. So: the entries of every directory, and every local header that no directory names, in each reading
 * of sizes, methods and names that their headers allow; and what belongs to no structure is handed over as it is.
 */
export function zipOpener({ otherMethods }: ZipOpenerOptions = {}): Opener {
  return {
    name: 'zip',
    version: otherMethods === undefined ? '1' : '1+',
    wants: wantsZip,
    open: (node, run) => openZip(node, run, otherMethods),
  }
}

function wantsZip(node: OpenerNode): ReturnType<Opener['wants']> {
  if (ZIP_TYPES.includes(node.type)) return 'members'
  if (node.size < END_BYTES || WALKED_TYPES.includes(node.type) || !endsAsZip(node)) return undefined
  // What holds files of its own kind too is opened whole only by whoever knows that kind.
  return node.packed ? 'looks' : 'members'
}

/** The end record and the longest comment behind it. */
const TAIL_BYTES = END_BYTES + 65_535
const END_MARK = Buffer.from('PK\x05\x06')
const MAX_ENDS = 64

/** Where end records lie, the last first, as readers look for it. */
function* endsIn({ view }: OpenerNode): Generator<number> {
  const tail = view.tail(TAIL_BYTES)
  const start = view.size - tail.length
  let found = tail.lastIndexOf(END_MARK)
  for (let count = 0; found >= 0 && count < MAX_ENDS; count++) {
    yield start + found
    found = found === 0 ? -1 : tail.lastIndexOf(END_MARK, found - 1)
  }
}

/** Four bytes alone do not make one: a directory must stand where one of the records says. */
function endsAsZip(node: OpenerNode): boolean {
  for (const at of endsIn(node)) {
    const end = endRecord(node.view, at)
    if (end?.places.some((place) => place.at < at && markAt(node.view, place.at) === CENTRAL_MARK)) return true
  }
  return false
}

async function openZip(node: OpenerNode, run: OpenRun, otherMethods: OtherMethods | undefined): Promise<void> {
  const window = new ByteWindow(node.view, node.content)
  const walk = new ZipWalk(window, node, { run, otherMethods })
  if (node.type === 'crx') walk.skip(0, crxHeaderBytes(window))
  for (const at of endsIn(node)) await walk.end(at)
  const isWhole = walk.hasDirectory
  await walk.rest()
  if (walk.isEmpty) throw new Unscanned('malformed', 'no member and no directory can be read')
  if (!isWhole) run.unscanned({ reason: 'malformed', detail: 'it has no end: cut short, or damaged there' })
}

/** CRX 2: magic version keyLength signatureLength; CRX 3: magic version headerLength; then the ZIP. */
function crxHeaderBytes(window: ByteWindow): number {
  const head = window.read(0, 16)
  if (head.length < 16) return 0
  const version = head.readUInt32LE(4)
  const bytes = version === 2 ? 16 + head.readUInt32LE(8) + head.readUInt32LE(12) : 12 + head.readUInt32LE(8)
  return bytes <= MAX_CRX_HEADER ? Math.min(bytes, window.size) : 0
}

/** Keys and signatures take a few KiB; what is longer is looked at like anything in front of an archive. */
const MAX_CRX_HEADER = 64 * 1024
