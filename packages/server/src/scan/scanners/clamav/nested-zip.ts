import { crc32 } from 'node:zlib'

/** More than libclamav's highest MaxRecursion (CLI_MAX_MAXRECLEVEL, 100). */
const LEVELS = 120
const LOCAL_BYTES = 30
const CENTRAL_BYTES = 46
const NAME = Buffer.from('z')

/** Stored zips, one in another (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16): about 14 KiB of nothing. */
export function nestedZip(): Buffer {
  let inner: Buffer = Buffer.from('the bottom')
  for (let level = 0; level < LEVELS; level++) inner = zipOf(inner)
  return inner
}

function zipOf(content: Buffer): Buffer {
  const local = Buffer.alloc(LOCAL_BYTES)
  local.writeUInt32LE(0x04034b50, 0)
  writeEntry(local, 4, content)
  const central = Buffer.alloc(CENTRAL_BYTES)
  central.writeUInt32LE(0x02014b50, 0)
  central.writeUInt16LE(20, 4)
  writeEntry(central, 6, content)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(CENTRAL_BYTES + NAME.length, 12)
  end.writeUInt32LE(LOCAL_BYTES + NAME.length + content.length, 16)
  return Buffer.concat([local, NAME, content, central, NAME, end])
}

/** From "version needed" to the name's length, the same in both headers. */
function writeEntry(header: Buffer, at: number, content: Buffer): void {
  header.writeUInt16LE(20, at)
  header.writeUInt32LE(crc32(content), at + 10)
  header.writeUInt32LE(content.length, at + 14)
  header.writeUInt32LE(content.length, at + 18)
  header.writeUInt16LE(NAME.length, at + 22)
}
