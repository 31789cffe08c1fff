import { deflateSync } from 'node:zlib'

const SECTOR_BYTES = 512
/** UDZO: a zlib stream. */
const ZLIB_RUN = 0x80000005
const END_RUN = 0xffffffff

/** An Apple disk image (UDIF) with one compressed partition: data, its list as XML, the trailer `koly`. */
export function makeDmg(partition: Buffer): Buffer {
  const sectors = Math.ceil(partition.length / SECTOR_BYTES)
  const data = deflateSync(Buffer.concat([partition, Buffer.alloc(sectors * SECTOR_BYTES - partition.length)]))
  const xml = Buffer.from(plist(blockTable(sectors, data.length)))
  return Buffer.concat([data, xml, trailer({ data: data.length, xml: xml.length, sectors })])
}

function blockTable(sectors: number, dataBytes: number): Buffer {
  const head = Buffer.alloc(204)
  head.write('mish')
  head.writeUInt32BE(1, 4)
  head.writeBigUInt64BE(BigInt(sectors), 16)
  head.writeUInt32BE(520, 32)
  head.writeUInt32BE(2, 200)
  return Buffer.concat([head, run(ZLIB_RUN, [0, sectors, 0, dataBytes]), run(END_RUN, [sectors, 0, dataBytes, 0])])
}

function run(type: number, numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(40)
  bytes.writeUInt32BE(type, 0)
  for (const [i, value] of numbers.entries()) bytes.writeBigUInt64BE(BigInt(value), 8 + 8 * i)
  return bytes
}

function plist(table: Buffer): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple Computer//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>resource-fork</key><dict><key>blkx</key><array><dict>
<key>Attributes</key><string>0x0050</string><key>CFName</key><string>disk</string>
<key>Data</key><data>${table.toString('base64')}</data>
<key>ID</key><string>0</string><key>Name</key><string>disk</string></dict></array></dict></dict></plist>`
}

function trailer({ data, xml, sectors }: { data: number; xml: number; sectors: number }): Buffer {
  const bytes = Buffer.alloc(512)
  bytes.write('koly')
  bytes.writeUInt32BE(4, 4)
  bytes.writeUInt32BE(512, 8)
  bytes.writeUInt32BE(1, 12)
  bytes.writeBigUInt64BE(BigInt(data), 32)
  bytes.writeUInt32BE(1, 56)
  bytes.writeUInt32BE(1, 60)
  bytes.writeBigUInt64BE(BigInt(data), 216)
  bytes.writeBigUInt64BE(BigInt(xml), 224)
  bytes.writeUInt32BE(1, 488)
  bytes.writeBigUInt64BE(BigInt(sectors), 492)
  return bytes
}
