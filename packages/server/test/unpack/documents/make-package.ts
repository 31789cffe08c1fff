import { Buffer } from 'node:buffer'

/** The stream `\1Ole10Native` of a file that Packager took in. */
export function packageBytes(name: string, bytes: Buffer): Buffer {
  const temp = Buffer.from(`C:\\Users\\a\\AppData\\Local\\Temp\\${name}\0`, 'latin1')
  const body = Buffer.concat([
    Buffer.from([2, 0]),
    Buffer.from(`${name}\0C:\\in\\${name}\0`, 'latin1'),
    Buffer.from([0, 0, 3, 0]),
    u32(temp.length),
    temp,
    u32(bytes.length),
    bytes,
  ])
  return Buffer.concat([u32(body.length), body])
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
