import { Buffer } from 'node:buffer'
import { guidBytes } from './make-ole.ts'

export interface LnkOptions {
  /** `C:\Windows\System32\cmd.exe`, as an item list. */
  readonly target?: string
  readonly linkInfo?: string
  readonly relativePath?: string
  readonly arguments?: string
  readonly icon?: string
  /** Environment block. */
  readonly environment?: string
  readonly machine?: string
  readonly appended?: Buffer
}

/** A shortcut as Explorer writes it ([MS-SHLLINK]). */
export function makeLnk(options: LnkOptions): Buffer {
  const { target, linkInfo, relativePath, environment, machine } = options
  const has = (value: string | undefined, flag: number) => (value === undefined ? 0 : flag)
  const header = Buffer.alloc(76)
  header.writeUInt32LE(76, 0)
  guidBytes('{00021401-0000-0000-C000-000000000046}').copy(header, 4)
  const flags =
    0x80 |
    has(target, 1) |
    has(linkInfo, 2) |
    has(relativePath, 8) |
    has(options.arguments, 0x20) |
    has(options.icon, 0x40)
  header.writeUInt32LE(flags, 20)
  header.writeUInt32LE(7, 60)
  const strings = [relativePath, options.arguments, options.icon].filter((text) => text !== undefined)
  return Buffer.concat([
    header,
    ...(target === undefined ? [] : [idList(target)]),
    ...(linkInfo === undefined ? [] : [info(linkInfo)]),
    ...strings.map(string),
    ...(environment === undefined ? [] : [environmentBlock(environment)]),
    ...(machine === undefined ? [] : [tracker(machine)]),
    Buffer.alloc(4),
    options.appended ?? Buffer.alloc(0),
  ])
}

function sized(data: Buffer): Buffer {
  const size = Buffer.alloc(2)
  size.writeUInt16LE(data.length + 2)
  return Buffer.concat([size, data])
}

function idList(path: string): Buffer {
  const [drive = '', ...rest] = path.split('\\')
  const items = [
    sized(Buffer.concat([Buffer.from([0x1f, 0x50]), guidBytes('{20D04FE0-3AEA-1069-A2D8-08002B30309D}')])),
    sized(Buffer.concat([Buffer.from([0x2f]), Buffer.from(`${drive}\\\0`.padEnd(22, '\0'), 'latin1')])),
    ...rest.map((name, at) => fileItem(name, at === rest.length - 1)),
  ]
  const list = Buffer.concat([...items, Buffer.alloc(2)])
  const size = Buffer.alloc(2)
  size.writeUInt16LE(list.length)
  return Buffer.concat([size, list])
}

/** Short name, then the extension block of Windows 10 with the long one. */
function fileItem(name: string, isFile: boolean): Buffer {
  const short = Buffer.from(`${name.slice(0, 8).toUpperCase()}\0`.padEnd(14 - (name.length % 2), '\0'), 'latin1')
  const long = Buffer.from(`${name}\0`, 'utf16le')
  const extension = Buffer.concat([Buffer.alloc(2 + 2 + 4 + 4 + 4 + 2 + 18 + 2 + 4 + 4), long, Buffer.alloc(2)])
  extension.writeUInt16LE(extension.length, 0)
  extension.writeUInt16LE(9, 2)
  extension.writeUInt32LE(0xbeef0004, 4)
  return sized(Buffer.concat([Buffer.from([isFile ? 0x32 : 0x31, 0]), Buffer.alloc(10), short, extension]))
}

function info(path: string): Buffer {
  const text = Buffer.from(`${path}\0\0`, 'latin1')
  const head = Buffer.alloc(28)
  head.writeUInt32LE(28 + text.length, 0)
  head.writeUInt32LE(28, 4)
  head.writeUInt32LE(1, 8)
  head.writeUInt32LE(28, 16)
  head.writeUInt32LE(28 + text.length - 1, 24)
  return Buffer.concat([head, text])
}

function string(text: string): Buffer {
  const size = Buffer.alloc(2)
  size.writeUInt16LE(text.length)
  return Buffer.concat([size, Buffer.from(text, 'utf16le')])
}

function environmentBlock(path: string): Buffer {
  const block = Buffer.alloc(0x314)
  block.writeUInt32LE(block.length, 0)
  block.writeUInt32LE(0xa0000001, 4)
  block.write(path, 8, 'latin1')
  block.write(path, 268, 'utf16le')
  return block
}

function tracker(machine: string): Buffer {
  const block = Buffer.alloc(0x60)
  block.writeUInt32LE(block.length, 0)
  block.writeUInt32LE(0xa0000003, 4)
  block.write(machine, 16, 'latin1')
  return block
}
