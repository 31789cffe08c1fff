/** Outlook's own containers as wire bytes: TNEF ([MS-OXTNEF]), its property lists, and compressed RTF ([MS-OXRTFCP]). */

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes
}

export interface TnefAttribute {
  readonly level?: number
  readonly id: number
  readonly data: Buffer
}

export function tnef(attributes: readonly TnefAttribute[]): Buffer {
  const pieces = attributes.map(({ level = 2, id, data }) => {
    const checksum = data.reduce((sum, byte) => (sum + byte) & 0xffff, 0)
    return Buffer.concat([Buffer.from([level]), u32(id), u32(data.length), data, u16(checksum)])
  })
  return Buffer.concat([u32(0x223e9f78), u16(1), ...pieces])
}

export interface Property {
  readonly id: number
  readonly type: number
  readonly value: Buffer
  /** For a named one. */
  readonly name?: string
}

function pad(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
}

export function properties(list: readonly Property[]): Buffer {
  const pieces = list.map(({ id, type, value, name }) => {
    const text = Buffer.from(`${name ?? ''}\0`, 'utf16le')
    const named = name === undefined ? [] : [Buffer.alloc(16, 7), u32(1), u32(text.length), pad(text)]
    const isVariable = [0x0d, 0x1e, 0x1f, 0x102].includes(type)
    return Buffer.concat([u16(type), u16(id), ...named, ...(isVariable ? [u32(1), u32(value.length)] : []), pad(value)])
  })
  return Buffer.concat([u32(list.length), ...pieces])
}

/** Literals only: every control byte is zero. */
export function compressedRtf(rtf: string): Buffer {
  const bytes = Buffer.from(rtf, 'latin1')
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 8) pieces.push(Buffer.from([0]), bytes.subarray(at, at + 8))
  const body = Buffer.concat(pieces)
  return Buffer.concat([u32(body.length + 12), u32(bytes.length), Buffer.from('LZFu'), u32(0), body])
}

export const wide = (text: string) => Buffer.from(text, 'utf16le')
