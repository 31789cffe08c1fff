import { deflateRawSync } from 'node:zlib'

export interface ZipItem {
  readonly name: string
  readonly data: Buffer
  /** Sets the flag only: what is inside does not matter to whoever looks at structure. */
  readonly encrypted?: boolean
  readonly deflated?: boolean
}

/** A ZIP by the letter of APPNOTE.TXT: local headers, central directory, end record. */
export function zip(items: readonly ZipItem[], comment = ''): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let at = 0
  for (const item of items) {
    const name = Buffer.from(item.name)
    const data = item.deflated ? deflateRawSync(item.data) : item.data
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(item.encrypted ? 1 : 0, 2)
    fields.writeUInt16LE(item.deflated ? 8 : 0, 4)
    fields.writeUInt32LE(data.length, 14)
    fields.writeUInt32LE(item.data.length, 18)
    fields.writeUInt16LE(name.length, 22)
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(at, 10)
    central.push(Buffer.from('PK\x01\x02\x14\0', 'latin1'), fields, tail, name)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, name, data])
    locals.push(local)
    at += local.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(items.length, 8)
  end.writeUInt16LE(items.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(at, 16)
  end.writeUInt16LE(comment.length, 20)
  return Buffer.concat([...locals, directory, end, Buffer.from(comment)])
}

/** An OLE file with one directory sector: the root's class, and one stream's name. */
export function ole(
  options: { readonly rootClass?: string; readonly stream?: string; readonly first?: Buffer } = {},
): Buffer {
  const file = Buffer.alloc(512 * 4)
  file.write('d0cf11e0a1b11ae1', 0, 'hex')
  file.writeUInt16LE(9, 30)
  file.writeUInt32LE(1, 48)
  options.first?.copy(file, 512)
  const directory = file.subarray(1024)
  directory.write('Root Entry', 0, 'utf16le')
  directory.write(options.rootClass ?? '', 80, 'hex')
  directory.write(options.stream ?? 'WordDocument', 128, 'utf16le')
  return file
}

/** RAR 4 blocks: type, flags; a file block says how much data follows it. */
export function rar4(
  blocks: readonly { readonly type: number; readonly flags: number; readonly data?: number }[],
): Buffer {
  const parts = [Buffer.from('Rar!\x1a\x07\0', 'latin1')]
  for (const { type, flags, data = 0 } of blocks) {
    const block = Buffer.alloc(32 + data)
    block[2] = type
    block.writeUInt16LE(flags, 3)
    block.writeUInt16LE(32, 5)
    block.writeUInt32LE(data, 7)
    parts.push(block)
  }
  return Buffer.concat(parts)
}

/** RAR 5 blocks; `extra` is the extra area of a file header (flag 1), `data` what follows the block (flag 2). */
export function rar5(
  blocks: readonly { readonly type: number; readonly extra?: readonly number[]; readonly data?: number }[],
): Buffer {
  const parts = [Buffer.from('Rar!\x1a\x07\x01\0', 'latin1')]
  for (const { type, extra = [], data = 0 } of blocks) {
    const flags = (extra.length > 0 ? 1 : 0) | (data > 0 ? 2 : 0)
    const body = [type, flags, ...(extra.length > 0 ? [extra.length] : []), ...(data > 0 ? [data] : []), 0, ...extra]
    parts.push(Buffer.from([1, 2, 3, 4, body.length, ...body]), Buffer.alloc(data))
  }
  return Buffer.concat(parts)
}

/** A 7z signature header in front of an end header with these bytes. */
export function sevenZip(endHeader: readonly number[]): Buffer {
  const head = Buffer.alloc(32)
  head.write('377abcaf271c0004', 0, 'hex')
  head.writeBigUInt64LE(64n, 12)
  head.writeBigUInt64LE(BigInt(endHeader.length), 20)
  return Buffer.concat([head, Buffer.alloc(64, 7), Buffer.from(endHeader)])
}
