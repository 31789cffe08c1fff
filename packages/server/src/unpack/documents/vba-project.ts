import type { Damage } from '../opener.ts'
import type { CompoundEntry, CompoundFile } from './compound-file.ts'
import { utf16Text } from './compound-file.ts'
import { decompressVba } from './vba-compression.ts'

/** One module of a VBA project. */
export interface VbaModule {
  /** As the project calls it, or its stream's name. */
  readonly name: string
  /** Decoded by the project's code page; '' where there is none. */
  readonly source: string
  /** What stands before the source in its stream: compiled p-code and its string literals. */
  readonly cache: Buffer
}

export interface VbaProject {
  /** The storage that holds `VBA`: `Macros`, `_VBA_PROJECT_CUR`, '' in a vbaProject.bin. */
  readonly path: string
  readonly modules: readonly VbaModule[]
  /** The stream `_VBA_PROJECT`: names that compiled code uses. */
  readonly identifiers: Buffer
  readonly faults: readonly Damage[]
}

const MAX_STREAM = 16 * 1024 * 1024
const MAX_SOURCE = 8 * 1024 * 1024
const MAX_DIR = 4 * 1024 * 1024
const MAX_MODULES = 2000
/** Of all modules' streams together: chains may cross, so that many entries share the same bytes. */
const MAX_TOTAL = 128 * 1024 * 1024
const MARK = Buffer.from('\0Attribut', 'latin1')

/** Every VBA project of a compound file: storages called `VBA`, wherever they lie ([MS-OVBA] 2.2.1). */
export function* vbaProjectsIn(file: CompoundFile): Generator<VbaProject, void, undefined> {
  const budget = { bytes: MAX_TOTAL }
  for (const entry of file.entries) {
    if (entry.kind === 'storage' && entry.name.toUpperCase() === 'VBA') yield readProject(file, entry, budget)
  }
}

interface ModulePlace {
  name: string
  stream: string
  offset: number
}

function readProject(file: CompoundFile, storage: CompoundEntry, budget: { bytes: number }): VbaProject {
  const faults: Damage[] = []
  const streams = file.children(storage).filter((entry) => entry.kind === 'stream')
  const named = (name: string) => streams.find((entry) => entry.name.toUpperCase() === name)
  const dir = readDir(file, named('DIR'), faults)
  const places = new Map(dir.places.map((place) => [place.stream.toUpperCase(), place]))
  const modules: VbaModule[] = []
  for (const entry of streams) {
    if (/^(?:dir|_VBA_PROJECT|__SRP_\w{1,8})$/i.test(entry.name) || modules.length >= MAX_MODULES) continue
    budget.bytes -= Math.min(entry.size, MAX_STREAM)
    if (budget.bytes < 0) {
      faults.push({ reason: 'too-large', detail: 'more VBA modules than are read' })
      break
    }
    const place = places.get(entry.name.toUpperCase())
    const module = readModule(file.read(entry, MAX_STREAM), { entry, place, codePage: dir.codePage, faults })
    if (module !== undefined) modules.push(module)
  }
  const names = named('_VBA_PROJECT')
  const identifiers = names === undefined ? Buffer.alloc(0) : file.read(names, MAX_DIR)
  return { path: storage.path.split('/').slice(0, -1).join('/'), modules, identifiers, faults }
}

interface ModuleContext {
  readonly entry: CompoundEntry
  readonly place: ModulePlace | undefined
  readonly codePage: number
  readonly faults: Damage[]
}

/** Offsets in `dir` are hostile: where none leads to source, the source is looked for by what every module begins with. */
function readModule(bytes: Buffer, { entry, place, codePage, faults }: ModuleContext): VbaModule | undefined {
  const named = place?.offset ?? -1
  const offset = named >= 0 && bytes[named] === 1 ? named : findSource(bytes)
  if (offset < 0) {
    if (place === undefined) return undefined
    faults.push({ reason: 'malformed', detail: `VBA module ${entry.name} has no source where the project says` })
    return { name: place.name, source: '', cache: bytes }
  }
  const text = decompressVba(bytes.subarray(offset), MAX_SOURCE)
  if (!text.whole) faults.push({ reason: 'malformed', detail: `VBA module ${entry.name} is damaged` })
  const source = decodeCodePage(text.bytes, codePage)
  return { name: place?.name ?? entry.name, source, cache: bytes.subarray(0, offset) }
}

/** A container's first chunk: 0x01, two bytes of header, a flag byte of zero, `Attribut` as literals. */
function findSource(bytes: Buffer): number {
  for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + 1)) {
    if (at >= 3 && bytes[at - 3] === 1) return at - 3
  }
  return -1
}

/** 2.3.4.2: records of id, size, data. Only what leads to the modules is taken. */
function readDir(
  file: CompoundFile,
  entry: CompoundEntry | undefined,
  faults: Damage[],
): { codePage: number; places: ModulePlace[] } {
  const found = { codePage: 1252, places: [] as ModulePlace[] }
  if (entry === undefined) return found
  const { bytes, whole } = decompressVba(file.read(entry, MAX_DIR), MAX_DIR)
  if (!whole) faults.push({ reason: 'malformed', detail: 'the VBA project directory is damaged' })
  let module: ModulePlace | undefined
  for (let at = 0; at + 6 <= bytes.length; ) {
    const id = bytes.readUInt16LE(at)
    // PROJECTVERSION says 4 and has 6 bytes (2.3.4.2.1.11).
    const size = id === 9 ? 6 : bytes.readUInt32LE(at + 2)
    const data = bytes.subarray(at + 6, at + 6 + size)
    if (id === 3 && data.length >= 2) found.codePage = data.readUInt16LE(0)
    if (id === 0x19 && found.places.length < MAX_MODULES) {
      module = { name: decodeCodePage(data, found.codePage), stream: '', offset: -1 }
      found.places.push(module)
    }
    if (module !== undefined) readModuleRecord(module, id, data, found.codePage)
    at += 6 + size
  }
  return found
}

function readModuleRecord(module: ModulePlace, id: number, data: Buffer, codePage: number): void {
  if (id === 0x47 && data.length > 0) module.name = utf16Text(data)
  if (id === 0x1a) module.stream = decodeCodePage(data, codePage)
  if (id === 0x32 && data.length > 0) module.stream = utf16Text(data)
  if (id === 0x31 && data.length >= 4) module.offset = data.readUInt32LE(0)
}

const LABELS: Readonly<Record<number, string>> = {
  874: 'windows-874',
  932: 'shift_jis',
  936: 'gbk',
  949: 'euc-kr',
  950: 'big5',
  10000: 'macintosh',
  20866: 'koi8-r',
  54936: 'gb18030',
  65001: 'utf-8',
}

/** Text of a Windows code page; one that Node does not know is read byte by byte. */
export function decodeCodePage(bytes: Buffer, codePage: number): string {
  const label = LABELS[codePage] ?? (codePage >= 1250 && codePage <= 1258 ? `windows-${codePage}` : undefined)
  return label === undefined ? bytes.toString('latin1') : new TextDecoder(label).decode(bytes)
}
