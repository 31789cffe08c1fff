import { createHash } from 'node:crypto'

/** The test file that every scanner knows; put together here, so that no scanner minds this checkout. */
export const EICAR = Buffer.from(
  ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', 'STANDARD', 'ANTIVIRUS', 'TEST-FILE!$H+H*'].join('-'),
)

export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Bytes that depend on the seed only, and do not compress. */
export function noise(seed: string, size: number): Buffer {
  const parts: Buffer[] = []
  for (let made = 0, i = 0; made < size; made += 32, i++)
    parts.push(createHash('sha256').update(`${seed} ${i}`).digest())
  return Buffer.concat(parts).subarray(0, size)
}

/** Plain text of that size that depends on the seed only. */
export function plainText(seed: string, size: number): Buffer {
  const line = `${seed}: nothing to see here.\n`
  return Buffer.from(line.repeat(Math.ceil(size / line.length))).subarray(0, size)
}
