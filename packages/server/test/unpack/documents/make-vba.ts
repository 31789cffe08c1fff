import { Buffer } from 'node:buffer'
import type { Storage } from './make-ole.ts'

/** [MS-OVBA] 2.4.1.3: compresses as Office does, with copy tokens where they pay. */
export function compressVba(data: Buffer): Buffer {
  const parts: Buffer[] = [Buffer.from([1])]
  for (let at = 0; at < data.length; at += 4096) parts.push(compressChunk(data.subarray(at, at + 4096)))
  return Buffer.concat(parts)
}

function compressChunk(chunk: Buffer): Buffer {
  const body: number[] = []
  for (let at = 0; at < chunk.length; ) {
    const flagAt = body.push(0) - 1
    for (let bit = 0; bit < 8 && at < chunk.length; bit++) {
      const found = longestMatch(chunk, at)
      if (found === undefined) {
        body.push(chunk[at++] as number)
        continue
      }
      let offsetBits = 4
      while (offsetBits < 12 && 1 << offsetBits < at) offsetBits++
      const token = ((found.offset - 1) << (16 - offsetBits)) | (found.length - 3)
      body.push(token & 0xff, token >> 8)
      body[flagAt] = (body[flagAt] as number) | (1 << bit)
      at += found.length
    }
  }
  if (body.length > 4096) return Buffer.concat([header(4096, false), chunk, Buffer.alloc(4096 - chunk.length)])
  return Buffer.concat([header(body.length, true), Buffer.from(body)])
}

function header(bytes: number, packed: boolean): Buffer {
  const value = (bytes + 2 - 3) | 0x3000 | (packed ? 0x8000 : 0)
  return Buffer.from([value & 0xff, value >> 8])
}

function longestMatch(chunk: Buffer, at: number): { offset: number; length: number } | undefined {
  let offsetBits = 4
  while (offsetBits < 12 && 1 << offsetBits < at) offsetBits++
  const most = Math.min((0xffff >> offsetBits) + 3, chunk.length - at)
  let best: { offset: number; length: number } | undefined
  for (let from = Math.max(0, at - (1 << offsetBits)); from < at; from++) {
    let length = 0
    while (length < most && chunk[from + length] === chunk[at + length]) length++
    if (length >= 3 && length > (best?.length ?? 0)) best = { offset: at - from, length }
  }
  return best
}

export interface VbaOptions {
  /** Bytes in front of the source: what compiled code would be. */
  readonly cache?: Buffer
  /** What stands in `_VBA_PROJECT`. */
  readonly identifiers?: Buffer
  /** Source as Windows-1251. */
  readonly codePage?: number
}

/** The storage of a VBA project (what lies below `Macros` or in a vbaProject.bin): modules by name. */
export function makeVba(modules: Readonly<Record<string, string | Buffer>>, options: VbaOptions = {}): Storage {
  const cache = options.cache ?? Buffer.alloc(64)
  const streams: Record<string, Buffer> = {}
  const records = [record(3, u16(options.codePage ?? 1252)), record(4, Buffer.from('VBAProject')), version()]
  for (const [name, source] of Object.entries(modules)) {
    const text = Buffer.concat([Buffer.from(`Attribute VB_Name = "${name}"\r\n`), Buffer.from(source)])
    streams[name] = Buffer.concat([cache, compressVba(text)])
    const wide = Buffer.from(name, 'utf16le')
    records.push(
      record(0x19, Buffer.from(name)),
      record(0x47, wide),
      record(0x1a, Buffer.from(name)),
      record(0x32, wide),
    )
    records.push(record(0x31, u32(cache.length)), record(0x21, Buffer.alloc(0)), record(0x2b, Buffer.alloc(0)))
  }
  const dir = compressVba(Buffer.concat([...records, record(0x10, Buffer.alloc(0))]))
  return {
    VBA: { dir, _VBA_PROJECT: options.identifiers ?? Buffer.from('cc61ffff', 'hex'), ...streams },
    PROJECT: Buffer.from('ID="{0}"\r\n'),
  }
}

function record(id: number, data: Buffer): Buffer {
  return Buffer.concat([u16(id), u32(data.length), data])
}

function version(): Buffer {
  return Buffer.concat([u16(9), u32(4), u32(1), u16(2)])
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
