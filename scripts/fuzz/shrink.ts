const MOST_TRIES = 400
const MOST_MS = 5000

/** Fewer bytes that still do it: halves, quarters and so on are left out while that goes. Deterministic; a few seconds at most. */
export async function shrink(bytes: Buffer, stillFails: (bytes: Buffer) => Promise<boolean>): Promise<Buffer> {
  const end = performance.now() + MOST_MS
  let tries = 0
  let best = bytes
  for (let step = Math.ceil(bytes.length / 2); step >= 1; step = step === 1 ? 0 : Math.ceil(step / 2)) {
    for (let at = 0; at < best.length; ) {
      if (++tries > MOST_TRIES || performance.now() > end) return best
      const fewer = Buffer.concat([best.subarray(0, at), best.subarray(at + step)])
      if (await stillFails(fewer)) best = fewer
      else at += step
    }
  }
  return best
}
