import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, open, readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Content } from '../domain/sample.ts'
import type { Detection } from '../domain/verdict.ts'
import {
  CONFLICT,
  coveredBytes,
  decodeIndex,
  encodeRecord,
  type PartRecord,
  RECORD_BYTES,
  sumOfParts,
} from './range-index.ts'
import { readDetections, rememberedText } from './range-memory.ts'
import type { RangePart } from './range-part.ts'
import { contentBytes } from './spool.ts'

export interface RangeLimits {
  /** Off: nothing is joined, and what was kept goes. */
  readonly enabled: boolean
  /** Of one object. */
  readonly maxBytes: number
  /** Of all objects of the node together. */
  readonly maxTotalBytes: number
  /** An object that no part came for in so long is dropped; what is blocked is remembered so long. */
  readonly idleMs: number
}

/** What became of a part. `complete`: all of the object is there, in `object`, which the caller closes. */
export type Added =
  | { readonly state: 'kept'; readonly why: string }
  | { readonly state: 'refused'; readonly why: string }
  | { readonly state: 'complete'; readonly object: RangeObject }

/** All bytes of an object whose parts have come. They are another process's to overwrite: copy them, and check the copy. */
export interface RangeObject {
  readonly parts: readonly PartRecord[]
  bytes(): AsyncGenerator<Buffer>
  /** Its parts do not fit together: no more is taken for it until it is dropped. */
  spoil(): Promise<void>
  /** It was settled: its file goes. */
  remove(): Promise<void>
  close(): Promise<void>
}

/**
 * The parts of objects that come in ranges, shared by all workers of a node through a folder that they own. One sparse file an
 * object: its bytes at their places, and behind them, appended after the bytes are written, a record a part. Nothing needs a
 * lock: a file appears with its full size (link), appends do not mix (O_APPEND), and what is joined is checked against the
 * records. After a crash of the machine a record may stand for bytes that are not there: the check finds that as well.
 */
export interface RangeStore {
  /** Never throws. `sha256` of the content, in hex. */
  add(part: RangePart, content: Content, sha256: string): Promise<Added>
  /** What a part of that object was blocked for, of late; undefined: it was not. */
  blockedFor(key: string): Promise<readonly Detection[] | undefined>
  /** Never throws: what cannot be remembered is scanned again. */
  block(key: string, detections: readonly Detection[]): Promise<void>
  /** Drops what has expired, leftovers of a crash among it. */
  sweep(): Promise<void>
}

export interface RangeStoreOptions {
  readonly directory: string
  limits(): RangeLimits
  /** Bytes that the disk can still take. */
  freeBytes?(): number
}

const MAX_OBJECTS = 1_000
const MAX_REMEMBERED = 5_000
/** Of one object; more are a client's way to make work. */
export const MAX_PARTS = 4_096
/** Parts that overlap are hashed again and again: at most so many times the whole. */
const MAX_OVERLAP = 4
const LOOK_MS = 1_000
const READ_BYTES = 256 * 1024

const FULL: Added = { state: 'refused', why: 'no room for more ranges' }

export function createRangeStore(options: RangeStoreOptions): RangeStore {
  const { directory } = options
  const seen = { bytes: 0, objects: 0, remembered: 0, atMs: Number.NEGATIVE_INFINITY }

  const pathOf = (key: string, kind: 'part' | 'blocked') => join(directory, `${key}.${kind}`)

  /** One look at the folder: what is there, without what has expired. */
  async function sweep(): Promise<void> {
    const { enabled, idleMs } = options.limits()
    const oldestMs = enabled ? Date.now() - idleMs : Number.POSITIVE_INFINITY
    const now = { bytes: 0, objects: 0, remembered: 0 }
    seen.atMs = performance.now()
    for (const name of await readdir(directory)) {
      const path = join(directory, name)
      const found = await stat(path).catch(() => undefined) // another worker's sweep was faster
      if (found === undefined) continue
      if (found.mtimeMs < oldestMs) await unlink(path).catch(() => undefined)
      else if (name.endsWith('.blocked')) now.remembered++
      else {
        now.objects++
        now.bytes += found.blocks * 512
      }
    }
    Object.assign(seen, now)
  }

  async function look(): Promise<void> {
    if (performance.now() - seen.atMs >= LOOK_MS) await sweep()
  }

  function hasRoom(bytes: number): boolean {
    const free = options.freeBytes?.() ?? Number.POSITIVE_INFINITY
    return seen.bytes + bytes <= options.limits().maxTotalBytes && bytes <= free
  }

  async function tryAdd(part: RangePart, content: Content, sha256: string): Promise<Added> {
    const { maxBytes } = options.limits()
    if (part.total > maxBytes) return { state: 'refused', why: `the whole has more than ${maxBytes} bytes` }
    await look()
    if (!hasRoom(part.end - part.start)) return FULL
    const files = await openObject(pathOf(part.key, 'part'), part.total, seen.objects < MAX_OBJECTS)
    if (files === undefined) return FULL
    let isHandedOver = false
    try {
      const added = await addTo(files, part, { content, sha256 })
      isHandedOver = added.state === 'complete'
      return added
    } finally {
      if (!isHandedOver) await closeBoth(files)
    }
  }

  async function addTo(files: ObjectFiles, part: RangePart, given: Given): Promise<Added> {
    const before = await readIndex(files.data, part.total)
    if (before === undefined) return { state: 'refused', why: 'its parts do not fit together' }
    if (before.length >= MAX_PARTS) return { state: 'refused', why: `more than ${MAX_PARTS} parts` }
    await writeContent(files.data, given.content, part.start)
    seen.bytes += part.end - part.start
    await files.index.write(
      encodeRecord({ start: part.start, end: part.end, sha256: Buffer.from(given.sha256, 'hex') }),
    )
    const parts = await readIndex(files.data, part.total)
    if (parts === undefined) return { state: 'refused', why: 'its parts do not fit together' }
    const covered = coveredBytes(parts)
    if (covered < part.total)
      return { state: 'kept', why: `${covered} of ${part.total} bytes in ${parts.length} parts` }
    if (sumOfParts(parts) > MAX_OVERLAP * part.total) return { state: 'refused', why: 'its parts overlap too much' }
    return { state: 'complete', object: objectIn(files, { parts, total: part.total, path: pathOf(part.key, 'part') }) }
  }

  return {
    sweep,
    async add(part, content, sha256) {
      if (!options.limits().enabled) return { state: 'refused', why: 'ranges are not joined' }
      try {
        return await tryAdd(part, content, sha256)
      } catch (error) {
        return { state: 'refused', why: (error as NodeJS.ErrnoException).code ?? 'it could not be kept' }
      }
    },
    async blockedFor(key) {
      const path = pathOf(key, 'blocked')
      const found = await stat(path).catch(() => undefined)
      if (found === undefined || found.mtimeMs < Date.now() - options.limits().idleMs) return undefined
      return readDetections(await readFile(path, 'utf8').catch(() => ''))
    },
    async block(key, detections) {
      try {
        await look()
        if (!options.limits().enabled || seen.remembered >= MAX_REMEMBERED) return
        const temporary = temporaryIn(directory)
        await writeFile(temporary, rememberedText(detections), { mode: 0o600, flag: 'wx' })
        await rename(temporary, pathOf(key, 'blocked'))
      } catch {
        // The next part is scanned for itself, as this one was.
      }
    },
  }
}

interface Given {
  readonly content: Content
  readonly sha256: string
}

/** The same file twice: a write at a place through a handle that appends would append (Linux, pwrite(2), "BUGS"). */
interface ObjectFiles {
  readonly data: FileHandle
  readonly index: FileHandle
}

const ATTEMPTS = 3

/** undefined: there is none, and no new one may be made. */
async function openObject(path: string, total: number, mayMake: boolean): Promise<ObjectFiles | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const files = await openBoth(path)
    if (files !== undefined) return files
    if (!mayMake) return undefined
    await makeObject(path, total)
  }
  return undefined
}

async function openBoth(path: string): Promise<ObjectFiles | undefined> {
  const data = await openedOrAbsent(path, constants.O_RDWR)
  if (data === undefined) return undefined
  const index = await openedOrAbsent(path, constants.O_WRONLY | constants.O_APPEND)
  if (index !== undefined && (await isSame(data, index))) return { data, index }
  // It was dropped, or made anew, in between.
  await data.close()
  await index?.close()
  return undefined
}

async function openedOrAbsent(path: string, flags: number): Promise<FileHandle | undefined> {
  try {
    return await open(path, flags | constants.O_NOFOLLOW)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function isSame(a: FileHandle, b: FileHandle): Promise<boolean> {
  const [one, other] = await Promise.all([a.stat(), b.stat()])
  return one.ino === other.ino && one.dev === other.dev
}

/** A link, not a rename: of two workers that make it at once the second takes the first one's. */
async function makeObject(path: string, total: number): Promise<void> {
  const temporary = temporaryIn(join(path, '..'))
  const made = await open(temporary, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await made.truncate(total)
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  } finally {
    await made.close()
    await unlink(temporary)
  }
}

function temporaryIn(directory: string): string {
  return join(directory, `.${randomBytes(16).toString('hex')}`)
}

async function writeContent(data: FileHandle, content: Content, start: number): Promise<void> {
  let at = start
  for await (const bytes of contentBytes(content)) {
    for (let sent = 0; sent < bytes.length; ) {
      const { bytesWritten } = await data.write(bytes, sent, bytes.length - sent, at + sent)
      sent += bytesWritten
    }
    at += bytes.length
  }
}

async function readIndex(data: FileHandle, total: number): Promise<readonly PartRecord[] | undefined> {
  const { size } = await data.stat()
  const length = size - total
  // Other workers may add while this one does.
  if (length < 0 || length > 2 * MAX_PARTS * RECORD_BYTES) return undefined
  const bytes = Buffer.alloc(length)
  const { bytesRead } = await data.read(bytes, 0, length, total)
  return bytesRead === length ? decodeIndex(bytes, total) : undefined
}

function objectIn(
  files: ObjectFiles,
  { parts, total, path }: { readonly parts: readonly PartRecord[]; readonly total: number; readonly path: string },
): RangeObject {
  return {
    parts,
    bytes: () => bytesOf(files.data, total),
    async spoil() {
      await files.index.write(encodeRecord(CONFLICT)).catch(() => undefined)
    },
    async remove() {
      await unlink(path).catch(() => undefined)
    },
    close: () => closeBoth(files),
  }
}

async function* bytesOf(data: FileHandle, total: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < total; ) {
    const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, total - at))
    const { bytesRead } = await data.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) throw new Error('the file of a joined object is shorter than it was')
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}

async function closeBoth({ data, index }: ObjectFiles): Promise<void> {
  await data.close()
  await index.close()
}
