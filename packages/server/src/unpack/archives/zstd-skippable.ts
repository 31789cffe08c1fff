import type { ByteSource } from './member-writer.ts'

/** RFC 8878 3.1.2 and the LZ4 frame format share these: a mark of sixteen, a length, anything. */
export function skippableAt(
  source: ByteSource,
  at: number,
): { readonly from: number; readonly to: number } | undefined {
  const head = source.read(at, 8)
  if (head.length < 8 || head.readUInt32LE(0) >>> 4 !== 0x0184d2a5) return undefined
  return { from: at + 8, to: Math.min(at + 8 + head.readUInt32LE(4), source.size) }
}

const MAX_LOOKS = 16

/** The mark behind the frames that decoders skip: they make a file of another type of it, to whoever looks at first bytes. */
export function firstFrame(source: ByteSource): number | undefined {
  let at = 0
  for (let looks = 0; looks < MAX_LOOKS; looks++) {
    const skippable = skippableAt(source, at)
    if (skippable === undefined) break
    at = skippable.to
  }
  const mark = source.read(at, 4)
  return mark.length < 4 ? undefined : mark.readUInt32LE(0)
}
