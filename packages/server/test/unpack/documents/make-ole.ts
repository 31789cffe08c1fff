import { Buffer } from 'node:buffer'

/** A storage is an object, a stream its bytes. */
export interface Storage {
  readonly [name: string]: Buffer | Storage
}

export interface OleOptions {
  /** 3 (512-byte sectors) by default. */
  readonly version?: 3 | 4
  /** Class ids by path ('' = the root): `{0002CE02-0000-0000-C000-000000000046}`. */
  readonly classIds?: Readonly<Record<string, string>>
  /** Bytes in sectors that belong to nobody. */
  readonly leftover?: Buffer
  /** Names of entries that the tree shall not reach. */
  readonly orphans?: Readonly<Record<string, Buffer>>
}

interface Row {
  name: string
  type: number
  left: number
  right: number
  child: number
  path: string
  start: number
  size: number
  bytes: Buffer | undefined
}

const END = 0xfffffffe
const FREE = 0xffffffff
const FAT = 0xfffffffd
const DIFAT = 0xfffffffc

/** Writes a compound file ([MS-CFB]); siblings hang to the right of each other, which every reader takes. */
export function makeOle(tree: Storage, options: OleOptions = {}): Buffer {
  const sectorBytes = options.version === 4 ? 4096 : 512
  const rows = rowsOf(tree)
  for (const [name, bytes] of Object.entries(options.orphans ?? {})) rows.push(row(name, 2, name, bytes))
  const sectors: Buffer[] = []
  const fat: number[] = []
  const addChain = (bytes: Buffer): number => {
    if (bytes.length === 0) return END
    const start = sectors.length
    for (let at = 0; at < bytes.length; at += sectorBytes) {
      const sector = Buffer.alloc(sectorBytes)
      bytes.copy(sector, 0, at)
      sectors.push(sector)
      fat.push(at + sectorBytes < bytes.length ? sectors.length : END)
    }
    return start
  }
  const mini: Buffer[] = []
  const miniFat: number[] = []
  for (const entry of rows) {
    if (entry.bytes === undefined) continue
    entry.size = entry.bytes.length
    if (entry.bytes.length >= 4096) entry.start = addChain(entry.bytes)
    else if (entry.bytes.length === 0) entry.start = END
    else {
      entry.start = mini.length
      for (let at = 0; at < entry.bytes.length; at += 64) {
        const sector = Buffer.alloc(64)
        entry.bytes.copy(sector, 0, at)
        mini.push(sector)
        miniFat.push(at + 64 < entry.bytes.length ? mini.length : END)
      }
    }
  }
  const root = rows[0] as Row
  const miniStream = Buffer.concat(mini)
  root.start = addChain(miniStream)
  root.size = miniStream.length
  const miniFatStart = addChain(words(miniFat, sectorBytes))
  const directoryStart = addChain(directory(rows, sectorBytes, options.classIds ?? {}))
  if (options.leftover !== undefined) {
    const start = addChain(options.leftover)
    for (let at = start; at < sectors.length; at++) fat[at] = FREE
  }
  return finish({ sectors, fat, sectorBytes, directoryStart, miniFatStart, miniSectors: miniFat.length })
}

function row(name: string, type: number, path: string, bytes?: Buffer): Row {
  return { name, type, left: FREE, right: FREE, child: FREE, path, start: 0, size: 0, bytes }
}

function rowsOf(tree: Storage): Row[] {
  const rows: Row[] = [row('Root Entry', 5, '')]
  const fill = (storage: Storage, parent: Row, path: string) => {
    let before: Row | undefined
    for (const [name, value] of Object.entries(storage)) {
      const own = path === '' ? name : `${path}/${name}`
      const entry = row(name, Buffer.isBuffer(value) ? 2 : 1, own, Buffer.isBuffer(value) ? value : undefined)
      rows.push(entry)
      if (before === undefined) parent.child = rows.length - 1
      else before.right = rows.length - 1
      before = entry
      if (!Buffer.isBuffer(value)) fill(value, entry, own)
    }
  }
  fill(tree, rows[0] as Row, '')
  return rows
}

function directory(rows: readonly Row[], sectorBytes: number, classIds: Readonly<Record<string, string>>): Buffer {
  const bytes = Buffer.alloc(Math.ceil((rows.length * 128) / sectorBytes) * sectorBytes)
  for (const [index, entry] of rows.entries()) {
    const at = index * 128
    bytes.write(entry.name, at, 62, 'utf16le')
    bytes.writeUInt16LE((entry.name.length + 1) * 2, at + 64)
    bytes.writeUInt8(entry.type, at + 66)
    bytes.writeUInt8(1, at + 67)
    bytes.writeUInt32LE(entry.left, at + 68)
    bytes.writeUInt32LE(entry.right, at + 72)
    bytes.writeUInt32LE(entry.child, at + 76)
    const classId = classIds[entry.path]
    if (classId !== undefined) guidBytes(classId).copy(bytes, at + 80)
    bytes.writeUInt32LE(entry.start, at + 116)
    bytes.writeUInt32LE(entry.size, at + 120)
  }
  return bytes
}

/** The 16 bytes of `{0002CE02-0000-0000-C000-000000000046}`. */
export function guidBytes(guid: string): Buffer {
  const hex = guid.replace(/[^0-9a-f]/gi, '')
  const bytes = Buffer.from(hex, 'hex')
  return Buffer.concat([
    bytes.subarray(0, 4).reverse(),
    bytes.subarray(4, 6).reverse(),
    bytes.subarray(6, 8).reverse(),
    bytes.subarray(8),
  ])
}

function words(values: readonly number[], multiple: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil((values.length * 4) / multiple) * multiple, 0xff)
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4)
  return bytes
}

interface Parts {
  readonly sectors: Buffer[]
  readonly fat: number[]
  readonly sectorBytes: number
  readonly directoryStart: number
  readonly miniFatStart: number
  readonly miniSectors: number
}

function finish({ sectors, fat, sectorBytes, directoryStart, miniFatStart, miniSectors }: Parts): Buffer {
  const perSector = sectorBytes / 4
  let fatCount = 1
  let difatCount = 0
  for (;;) {
    difatCount = Math.ceil(Math.max(0, fatCount - 109) / (perSector - 1))
    if (fatCount * perSector >= sectors.length + fatCount + difatCount) break
    fatCount++
  }
  const firstFat = sectors.length
  const firstDifat = firstFat + fatCount
  for (let at = 0; at < fatCount; at++) fat.push(FAT)
  for (let at = 0; at < difatCount; at++) fat.push(DIFAT)
  const table = words(fat, sectorBytes)
  const named = Array.from({ length: fatCount }, (_, at) => firstFat + at)
  const difat: Buffer[] = []
  for (let at = 0; at < difatCount; at++) {
    const part = named.slice(109 + at * (perSector - 1), 109 + (at + 1) * (perSector - 1))
    const sector = words(part, sectorBytes)
    sector.writeUInt32LE(at + 1 < difatCount ? firstDifat + at + 1 : END, sectorBytes - 4)
    difat.push(sector)
  }
  const header = Buffer.alloc(sectorBytes)
  header.write('d0cf11e0a1b11ae1', 'hex')
  header.writeUInt16LE(0x3e, 0x18)
  header.writeUInt16LE(sectorBytes === 4096 ? 4 : 3, 0x1a)
  header.writeUInt16LE(0xfffe, 0x1c)
  header.writeUInt16LE(sectorBytes === 4096 ? 12 : 9, 0x1e)
  header.writeUInt16LE(6, 0x20)
  header.writeUInt32LE(fatCount, 0x2c)
  header.writeUInt32LE(directoryStart, 0x30)
  header.writeUInt32LE(4096, 0x38)
  header.writeUInt32LE(miniSectors > 0 ? miniFatStart : END, 0x3c)
  header.writeUInt32LE(miniSectors > 0 ? Math.ceil((miniSectors * 4) / sectorBytes) : 0, 0x40)
  header.writeUInt32LE(difatCount > 0 ? firstDifat : END, 0x44)
  header.writeUInt32LE(difatCount, 0x48)
  words(named.slice(0, 109), 4).copy(header, 0x4c)
  header.fill(0xff, 0x4c + Math.min(109, fatCount) * 4, 512)
  return Buffer.concat([header, ...sectors, table, ...difat])
}
