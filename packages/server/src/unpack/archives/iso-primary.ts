import { Unscanned } from '../../domain/verdict.ts'
import type { ContentView } from '../content-view.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'

/**
 * Files of a CD's primary directory (ECMA-119 6.8, 9.1) that its Joliet directory does not have. 7-Zip and Windows take Joliet where
 * there is one, Linux takes Rock Ridge, which is the primary one: a sender may show each of them another disc. Files lie in one
 * piece and unpacked, so what is left out is handed over as it lies.
 */
export function isoPrimaryOpener(): Opener {
  return {
    name: 'iso-primary',
    version: '1',
    wants: (node) => (rootsOf(node.view)?.joliet === undefined ? undefined : 'looks'),
    open: openPrimary,
  }
}

const SECTOR_BYTES = 2048
const FIRST_DESCRIPTOR = 16
const MAX_DESCRIPTORS = 32
const ROOT_RECORD_AT = 156
/** ECMA-119 8.5.6: UCS-2 levels 1 to 3, as Joliet has it. */
const ESCAPES_AT = 88
const JOLIET = ['%/@', '%/C', '%/E']
const RECORD_BYTES = 33
const MAX_RECORDS = 200_000
const PIECE_BYTES = 256 * 1024

interface Extent {
  readonly at: number
  readonly size: number
  readonly name: string
}

interface Roots {
  readonly primary: Extent
  readonly joliet: Extent | undefined
}

function rootsOf(view: ContentView): Roots | undefined {
  if (view.size < (FIRST_DESCRIPTOR + 1) * SECTOR_BYTES) return undefined
  let primary: Extent | undefined
  let joliet: Extent | undefined
  for (let i = 0; i < MAX_DESCRIPTORS; i++) {
    const sector = view.read((FIRST_DESCRIPTOR + i) * SECTOR_BYTES, SECTOR_BYTES)
    if (sector.length < SECTOR_BYTES || sector.toString('latin1', 1, 6) !== 'CD001' || sector[0] === 255) break
    const root = recordAt(sector, ROOT_RECORD_AT)
    if (root === undefined) continue
    if (sector[0] === 1) primary ??= root
    if (sector[0] === 2 && JOLIET.includes(sector.toString('latin1', ESCAPES_AT, ESCAPES_AT + 3))) joliet ??= root
  }
  return primary && { primary, joliet }
}

interface DirectoryRecord extends Extent {
  readonly isDirectory: boolean
  readonly length: number
}

function recordAt(bytes: Buffer, at: number): DirectoryRecord | undefined {
  const length = bytes[at] ?? 0
  if (length < RECORD_BYTES || at + length > bytes.length) return undefined
  const nameBytes = bytes[at + 32] ?? 0
  return {
    length,
    at: (bytes.readUInt32LE(at + 2) + (bytes[at + 1] ?? 0)) * SECTOR_BYTES,
    size: bytes.readUInt32LE(at + 10),
    isDirectory: ((bytes[at + 25] ?? 0) & 2) !== 0,
    name: bytes.toString('latin1', at + RECORD_BYTES, Math.min(at + length, at + RECORD_BYTES + nameBytes)),
  }
}

/** Every file below a root, each directory once. */
function* filesBelow(view: ContentView, root: Extent, signal: AbortSignal): Generator<Extent> {
  const todo = [root]
  const seen = new Set<number>([root.at])
  let left = MAX_RECORDS
  for (let directory = todo.pop(); directory !== undefined; directory = todo.pop()) {
    if (signal.aborted) throw new Unscanned('timeout', 'the directory of the disc was not read to its end')
    for (let from = 0; from < directory.size; from += SECTOR_BYTES) {
      const sector = view.read(directory.at + from, SECTOR_BYTES)
      if (sector.length === 0) break
      let record = recordAt(sector, 0)
      for (let at = 0; record !== undefined; record = recordAt(sector, at)) {
        at += record.length
        if (--left < 0) throw new Unscanned('bomb', `more than ${MAX_RECORDS} entries in the disc's directory`)
        if (!record.isDirectory) yield record
        else if (!seen.has(record.at)) {
          seen.add(record.at)
          todo.push(record)
        }
      }
    }
  }
}

async function openPrimary(node: OpenerNode, run: OpenRun): Promise<void> {
  const roots = rootsOf(node.view)
  if (roots?.joliet === undefined) return
  const keyOf = ({ at, size }: Extent) => `${at} ${size}`
  const shown = new Set<string>()
  for (const file of filesBelow(node.view, roots.joliet, run.signal)) shown.add(keyOf(file))
  for (const file of filesBelow(node.view, roots.primary, run.signal)) {
    if (file.size === 0 || shown.has(keyOf(file))) continue
    shown.add(keyOf(file))
    await passFile(node, file, run)
  }
}

async function passFile({ view }: OpenerNode, { at, size, name }: Extent, run: OpenRun): Promise<void> {
  const sink = run.member({ name: name.replace(/;\d{1,5}$/, '') })
  let done = 0
  while (done < size) {
    if (run.signal.aborted) throw new Unscanned('timeout', 'a file of the disc was not read to its end')
    const piece = view.read(at + done, Math.min(PIECE_BYTES, size - done))
    if (piece.length === 0) break
    done += piece.length
    await sink.write(piece)
  }
  await sink.end(done < size ? { reason: 'malformed', detail: 'the disc ends inside it' } : undefined)
}
