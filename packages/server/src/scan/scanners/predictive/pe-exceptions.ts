import type { PeImage } from './pe-image.ts'
import { PE_WARNING, PeFormatError } from './pe-warnings.ts'

const AMD64 = 0x8664
const IA64 = 0x200
const ENTRY_BYTES = 12
/** Two objects and two table rows each: the largest honest 64 MiB file has 300,000 functions. */
const FUNCTION_STEPS = 8
const CHAINED = 4
const EPILOG = 6

/** Slots that a code of each operation takes; 0: unknown to pefile (x64 exception handling: UNWIND_CODE). */
const SLOTS: readonly number[] = [1, 2, 1, 1, 2, 3, 1, 0, 2, 3, 1]

interface UnwindInfo {
  /** RVA of the function that this one continues, once its bytes were all there. */
  readonly chainedTo: number | undefined
  linked: boolean
}

interface RuntimeFunction {
  readonly info: UnwindInfo | undefined
}

/** Walks the exception directory of x64 and Itanium images, only for the warnings that pefile has of it. */
export function readExceptions(image: PeImage, from: number, size: number): void {
  const { machine } = image.headers
  if (machine !== AMD64 && machine !== IA64) return
  const functions: RuntimeFunction[] = []
  const starts = new Set<number>()
  const infos = new Map<number, UnwindInfo>()
  const count = Math.trunc(size / ENTRY_BYTES)
  for (let index = 0, rva = from; index < count; index++, rva += ENTRY_BYTES) {
    image.spend(FUNCTION_STEPS)
    const entry = image.unpack(image.span(rva, ENTRY_BYTES), ENTRY_BYTES)
    image.offsetOf(rva)
    if (entry === undefined) break
    const unwind = image.u32(entry.at + 8)
    const info = (unwind & 1) === 0 ? unwindInfo(image, unwind, infos) : NO_INFO
    if (info === undefined) break
    functions.push({ info: info === NO_INFO ? undefined : info })
    starts.add(image.u32(entry.at))
  }
  checkChains(image, functions, starts)
}

const NO_INFO: UnwindInfo = { chainedTo: undefined, linked: false }

function checkChains(image: PeImage, functions: readonly RuntimeFunction[], starts: ReadonlySet<number>): void {
  for (const { info } of functions) {
    if (info?.chainedTo === undefined) continue
    if (!starts.has(info.chainedTo)) image.warn(PE_WARNING.unwindChainMissing)
    else if (info.linked) image.warn(PE_WARNING.unwindChainTwice)
    else info.linked = true
  }
}

/** Undefined where pefile stops; one object per UNWIND_INFO, however many functions share it. */
function unwindInfo(image: PeImage, rva: number, known: Map<number, UnwindInfo>): UnwindInfo | undefined {
  const before = known.get(rva)
  if (before !== undefined) return before
  image.offsetOf(rva)
  const info = readUnwindInfo(image, rva)
  if (info !== undefined) known.set(rva, info)
  return info
}

function readUnwindInfo(image: PeImage, rva: number): UnwindInfo | undefined {
  const { bytes } = image
  const head = image.span(rva, 4)
  if (head.size < 4) throw new PeFormatError('half an UNWIND_INFO')
  const versionAndFlags = bytes[head.at] ?? 0
  const flags = versionAndFlags >> 3
  const codes = bytes[head.at + 2] ?? 0
  const handler = 4 + ((codes + 1) & ~1) * 2
  const data = image.span(rva, handler + (flags === 0 ? 0 : 4))
  const info: UnwindInfo = { chainedTo: undefined, linked: false }
  if (data.size < handler + (flags === 0 ? 0 : 4)) return info
  const version = versionAndFlags & 7
  if (version !== 1 && version !== 2) {
    image.warn(PE_WARNING.unwindVersion)
    return undefined
  }
  if (!knowsCodes(bytes, data.at + 4, codes)) {
    image.warn(PE_WARNING.unwindCode)
    return undefined
  }
  return (flags & CHAINED) === 0 ? info : { ...info, chainedTo: image.u32(data.at + handler) }
}

function knowsCodes(bytes: Buffer, from: number, codes: number): boolean {
  let epilogs = 0
  for (let at = from, left = codes; left > 0; ) {
    const operation = (bytes[at + 1] ?? 0) & 15
    const detail = (bytes[at + 1] ?? 0) >> 4
    let slots = SLOTS[operation] ?? 0
    if (slots === 0) return false
    if (operation === 1 && detail !== 0) slots = 3
    if (operation === EPILOG && epilogs++ === 0 && (detail & 1) === 0) slots = 2
    at += slots * 2
    left -= slots
  }
  return true
}
