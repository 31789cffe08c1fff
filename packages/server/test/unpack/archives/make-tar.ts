export interface TarSpec {
  readonly name: string
  readonly data?: string | Buffer
  readonly type?: string
  /** What stands at 257: ustar of POSIX unless said. */
  readonly mark?: string
  readonly prefix?: string
  /** What the header says, where that is not the truth. */
  readonly size?: number
  readonly base256?: boolean
  readonly wrongSum?: boolean
  readonly sparse?: { readonly pieces: readonly (readonly [at: number, bytes: number])[]; readonly size: number }
}

const END = Buffer.alloc(1024)

/** A tar with every oddity that is asked for. */
export function makeTar(specs: readonly TarSpec[], { end = true }: { end?: boolean } = {}): Buffer {
  return Buffer.concat([...specs.flatMap(memberOf), ...(end ? [END] : [])])
}

export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  let length = rest.length
  while (`${length}${rest}`.length !== length) length = `${length}${rest}`.length
  return `${length}${rest}`
}

function memberOf(spec: TarSpec): Buffer[] {
  const data = Buffer.from((spec.data ?? '') as string)
  const padding = Buffer.alloc((512 - (data.length % 512)) % 512)
  return [headerOf(spec, data), data, padding]
}

function headerOf(spec: TarSpec, data: Buffer): Buffer {
  const header = Buffer.alloc(512)
  header.write(spec.name, 0, 100)
  header.write('0000644\0' + '0001750\0' + '0001750\0', 100)
  const size = spec.size ?? data.length
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  if (spec.base256) {
    header.fill(0, 124, 136)
    header[124] = 0x80
    header.writeUInt32BE(size, 132)
  }
  header.write('14000000000\0', 136)
  header.write(spec.type ?? '0', 156)
  header.write(spec.mark ?? 'ustar\x0000', 257)
  header.write(spec.prefix ?? '', 345)
  for (const [index, [at, bytes]] of (spec.sparse?.pieces ?? []).entries()) {
    header.write(`${at.toString(8).padStart(11, '0')}\0`, 386 + index * 24)
    header.write(`${bytes.toString(8).padStart(11, '0')}\0`, 386 + index * 24 + 12)
  }
  if (spec.sparse) header.write(`${spec.sparse.size.toString(8).padStart(11, '0')}\0`, 483)
  header.write('        ', 148)
  const sum = header.reduce((total, byte) => total + byte, 0) + (spec.wrongSum ? 1 : 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}
