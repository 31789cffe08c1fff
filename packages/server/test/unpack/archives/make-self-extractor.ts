/** The least that is a program for Windows: headers and one section of nothing; the archive stands behind it. */
export function makeSelfExtractor(archive: Buffer): Buffer {
  return Buffer.concat([
    stubOf('.text', 512),
    Buffer.from(';!@Install@!UTF-8!\nTitle="probe"\n;!@InstallEnd@!'),
    archive,
  ])
}

/** As IExpress makes them: the cabinet is a resource of that name. */
export function makeIExpress(cabinet: Buffer): Buffer {
  const bytes = 512 + Math.ceil(cabinet.length / 512) * 512
  const stub = stubOf('.rsrc', bytes)
  stub.write('\x07\0C\0A\0B\0I\0N\0E\0T\0', 512 + 64, 'latin1')
  cabinet.copy(stub, 1024)
  return stub
}

function stubOf(name: string, sectionBytes: number): Buffer {
  const stub = Buffer.alloc(512 + sectionBytes)
  stub.write('MZ')
  stub.writeUInt32LE(64, 60)
  stub.write('PE\0\0', 64)
  stub.writeUInt16LE(0x8664, 68)
  stub.writeUInt16LE(1, 70)
  stub.writeUInt16LE(240, 84)
  stub.writeUInt16LE(0x22, 86)
  stub.writeUInt16LE(0x20b, 88)
  const section = 64 + 24 + 240
  stub.write(name, section)
  stub.writeUInt32LE(sectionBytes, section + 8)
  stub.writeUInt32LE(0x1000, section + 12)
  stub.writeUInt32LE(sectionBytes, section + 16)
  stub.writeUInt32LE(512, section + 20)
  return stub
}
