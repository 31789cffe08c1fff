import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const FUZZ_FOLDER = fileURLToPath(new URL('../../.cache/fuzz', import.meta.url))

/**
 * What programs make, or what holds random salts and times: made once and kept, so that a seed number gives the same inputs as long as
 * this folder stands (a finding's bytes are saved in any case).
 */
export function cached(name: string, make: () => Buffer): () => Buffer {
  return () => {
    const folder = `${FUZZ_FOLDER}/corpus`
    const path = `${folder}/${createHash('sha256').update(name).digest('hex').slice(0, 24)}`
    if (existsSync(path)) return readFileSync(path)
    mkdirSync(folder, { recursive: true })
    const bytes = make()
    writeFileSync(path, bytes)
    return bytes
  }
}
