import { Unscanned } from '../../domain/verdict.ts'
import type { ContentView } from '../content-view.ts'
import { utf16Text } from './compound-file.ts'

/** A Windows shortcut, read by [MS-SHLLINK]; texts are hostile. npm has no reader of it with limits. */
export interface Shortcut {
  /** Each place that names the target: item list, link info, relative path, environment block. They can differ, and the shell has its own order. */
  readonly targets: readonly string[]
  readonly arguments: string
  readonly workingFolder: string
  readonly description: string
  readonly icon: string
  /** 7 = minimised without focus. */
  readonly showCommand: number
  /** NetBIOS name of the machine that made it (TrackerDataBlock); '' when there is none. */
  readonly machine: string
  /** From the environment block: what is really started. '' when there is none. */
  readonly environmentTarget: string
  /** Where the structure ends. */
  readonly end: number
  /** What of it could not be read. */
  readonly faults: readonly string[]
}

const HEADER = 76
const FLAG = {
  idList: 1,
  linkInfo: 2,
  name: 4,
  relativePath: 8,
  workingDir: 16,
  arguments: 32,
  icon: 64,
  unicode: 128,
} as const
const ENVIRONMENT = 0xa0000001
const TRACKER = 0xa0000003
const ICON_ENVIRONMENT = 0xa0000007
const VISTA_ID_LIST = 0xa000000c
const MAX_BLOCKS = 64
/** Strings of up to 65,535 characters stand five times in it, plus item lists. */
const MAX_BYTES = 1024 * 1024

/** Throws Unscanned('malformed') where it has no whole header. */
export function parseShortcut(view: ContentView): Shortcut {
  const bytes = view.read(0, MAX_BYTES)
  if (bytes.length < HEADER) throw new Unscanned('malformed', 'the shortcut has no whole header')
  return new Parser(bytes).run()
}

class Parser {
  readonly #bytes: Buffer
  readonly #faults: string[] = []
  readonly #targets: string[] = []
  #at = HEADER
  #stopped = false
  #machine = ''
  #environment = ''
  #icon = ''

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  run(): Shortcut {
    const flags = this.#bytes.readUInt32LE(20)
    if (flags & FLAG.idList) this.#idList()
    if (flags & FLAG.linkInfo && !this.#stopped) this.#linkInfo()
    const string = (flag: number) => (flags & flag ? this.#string((flags & FLAG.unicode) !== 0) : '')
    // Section 2.4: in this order.
    const description = string(FLAG.name)
    const relative = string(FLAG.relativePath)
    const workingFolder = string(FLAG.workingDir)
    const args = string(FLAG.arguments)
    this.#icon = string(FLAG.icon)
    this.#extraBlocks()
    this.#addTarget(relative)
    return {
      targets: this.#targets,
      arguments: args,
      workingFolder,
      description,
      icon: this.#icon,
      showCommand: this.#bytes.readUInt32LE(60),
      machine: this.#machine,
      environmentTarget: this.#environment,
      end: Math.min(this.#at, this.#bytes.length),
      faults: this.#faults,
    }
  }

  #addTarget(target: string): void {
    if (target !== '' && !this.#targets.includes(target)) this.#targets.push(target)
  }

  /** Where a length lies, nothing behind it can be told apart: that rest is handed over as appended data. */
  #fault(what: string): void {
    this.#faults.push(what)
    this.#stopped = true
  }

  #idList(): void {
    if (this.#at + 2 > this.#bytes.length) {
      this.#fault('the item list is cut')
      return
    }
    const end = this.#at + 2 + this.#bytes.readUInt16LE(this.#at)
    if (end > this.#bytes.length) {
      this.#fault('the item list is longer than the file')
      return
    }
    this.#addTarget(readItemList(this.#bytes.subarray(this.#at + 2, end)))
    this.#at = end
  }

  /** Section 2.3. Offsets count from its start. */
  #linkInfo(): void {
    if (this.#at + 4 > this.#bytes.length) {
      this.#fault('the link info is cut')
      return
    }
    const size = this.#bytes.readUInt32LE(this.#at)
    const info = this.#bytes.subarray(this.#at, this.#at + size)
    if (size < 28 || info.length < size) {
      this.#fault('the link info is longer than the file')
      return
    }
    this.#at += size
    const base = info.readUInt32LE(16)
    const network = info.readUInt32LE(20)
    const suffix = ansiAt(info, info.readUInt32LE(24))
    const wideBase = info.readUInt32LE(4) >= 0x24 && size >= 0x24 ? wideAt(info, info.readUInt32LE(28)) : ''
    const local = wideBase === '' ? ansiAt(info, base) : wideBase
    if (base > 0 && local !== '') this.#addTarget(local + suffix)
    // Section 2.3.2 CommonNetworkRelativeLink: the share's name.
    if (network > 0 && network + 12 <= info.length) {
      const share = ansiAt(info, network + info.readUInt32LE(network + 8))
      if (share !== '') this.#addTarget(`${share}\\${suffix}`)
    }
  }

  #string(unicode: boolean): string {
    if (this.#stopped) return ''
    if (this.#at + 2 > this.#bytes.length) {
      this.#fault('a string is missing')
      return ''
    }
    const size = this.#bytes.readUInt16LE(this.#at) * (unicode ? 2 : 1)
    const [from, to] = [this.#at + 2, this.#at + 2 + size]
    const text = unicode ? utf16Text(this.#bytes, from, to) : this.#bytes.toString('latin1', from, to)
    this.#at += 2 + size
    if (this.#at > this.#bytes.length) this.#fault('a string is longer than the file')
    return text.replaceAll('\0', '')
  }

  /** Section 2.5: blocks of size and signature, ended by a size below 4. */
  #extraBlocks(): void {
    for (let count = 0; !this.#stopped && count < MAX_BLOCKS && this.#at + 4 <= this.#bytes.length; count++) {
      const size = this.#bytes.readUInt32LE(this.#at)
      if (size < 4) {
        this.#at += 4
        return
      }
      const block = this.#bytes.subarray(this.#at, this.#at + size)
      if (block.length < size || size < 8) {
        this.#fault('a data block is longer than the file')
        return
      }
      this.#extraBlock(block, block.readUInt32LE(4))
      this.#at += size
    }
  }

  #extraBlock(block: Buffer, signature: number): void {
    if (signature === ENVIRONMENT) {
      this.#environment = wideOrAnsi(block)
      this.#addTarget(this.#environment)
    }
    if (signature === ICON_ENVIRONMENT) this.#icon = wideOrAnsi(block) || this.#icon
    if (signature === TRACKER && block.length >= 32) this.#machine = ansiAt(block.subarray(0, 32), 16)
    if (signature === VISTA_ID_LIST) this.#addTarget(readItemList(block.subarray(8)))
  }
}

/** 260 bytes of ANSI, 520 of UTF-16 (sections 2.5.4, 2.5.5). */
function wideOrAnsi(block: Buffer): string {
  return wideAt(block, 8 + 260) || ansiAt(block, 8)
}

function ansiAt(bytes: Buffer, at: number): string {
  if (at <= 0 || at >= bytes.length) return ''
  const end = bytes.indexOf(0, at)
  return bytes.toString('latin1', at, end < 0 ? bytes.length : end)
}

function wideAt(bytes: Buffer, at: number): string {
  if (at <= 0 || at >= bytes.length) return ''
  return utf16Text(bytes, at).split('\0', 1)[0] ?? ''
}

const MAX_ITEMS = 128

/** Shell items joined to a path: drives, folders, files (ANSI name at 14, long name in the extension block 0xBEEF0004), addresses. */
function readItemList(list: Buffer): string {
  const parts: string[] = []
  for (let at = 0, count = 0; at + 2 <= list.length && count < MAX_ITEMS; count++) {
    const size = list.readUInt16LE(at)
    if (size < 3) break
    const part = itemName(list.subarray(at, at + size))
    if (part !== '') parts.push(part.replace(/\\+$/, ''))
    at += size
  }
  return parts.join('\\')
}

function itemName(item: Buffer): string {
  const type = item[2] ?? 0
  if ((type & 0x70) === 0x20) return /^[A-Za-z]:/.test(ansiAt(item, 3)) ? ansiAt(item, 3) : ''
  if ((type & 0x70) === 0x30) return longName(item) || (type & 4 ? wideAt(item, 14) : ansiAt(item, 14))
  if ((type & 0x70) === 0x40) return ansiAt(item, 5)
  if (type === 0x61) return wideAt(item, 8).includes('://') ? wideAt(item, 8) : ansiAt(item, 8)
  return ''
}

const EXTENSION = Buffer.from('0400efbe', 'hex')

/** Where the name stands depends on the block's version (Windows XP 3, Vista 7, 8.1 and 10 9). */
function longName(item: Buffer): string {
  const at = item.indexOf(EXTENSION)
  if (at < 4) return ''
  const version = item.readUInt16LE(at - 2)
  const skipped = (version >= 7 ? 18 : 0) + (version >= 3 ? 2 : 0) + (version >= 9 ? 4 : 0) + (version >= 8 ? 4 : 0)
  return wideAt(item, at + 4 + 4 + 4 + 2 + skipped)
}
