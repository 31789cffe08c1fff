/** The least that is a program for Windows: headers and one section of nothing; the archive stands behind it. */
export function makeSelfExtractor(archive: Buffer): Buffer {
  const stub = Buffer.alloc(1024)
  stub.write('MZ')
  stub.writeUInt32LE(64, 60)
  stub.write('PE\0\0', 64)
  stub.writeUInt16LE(0x8664, 68)
  stub.writeUInt16LE(1, 70)
  stub.writeUInt16LE(240, 84)
  stub.writeUInt16LE(0x22, 86)
  stub.writeUInt16LE(0x20b, 88)
  const section = 64 + 24 + 240
  stub.write('.text', section)
  stub.writeUInt32LE(512, section + 8)
  stub.writeUInt32LE(0x1000, section + 12)
  stub.writeUInt32LE(512, section + 16)
  stub.writeUInt32LE(512, section + 20)
  return Buffer.concat([stub, Buffer.from(';!@Install@!UTF-8!\nTitle="probe"\n;!@InstallEnd@!'), archive])
}
