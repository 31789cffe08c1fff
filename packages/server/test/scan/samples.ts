import { createHash } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sample } from '../../src/domain/sample.ts'

/** A body in memory, with what a test wants to say of it. */
export function sampleOf(bytes: Buffer | string, more: Partial<Sample> = {}): Sample {
  const content = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
  return {
    content: { kind: 'memory', bytes: content },
    size: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    declaredType: '',
    fileName: '',
    partial: false,
    decoded: [],
    ...more,
  }
}

/** The same in an open file that has no name any more, as the spool keeps it. */
export function withSpooled<T>(bytes: Buffer, use: (sample: Sample) => Promise<T> | T): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-scan-'))
  const path = join(folder, 'body')
  writeFileSync(path, bytes)
  const fd = openSync(path, 'r')
  rmSync(folder, { recursive: true })
  const sample = sampleOf(bytes, { content: { kind: 'file', fd, size: bytes.length } })
  return Promise.resolve(use(sample)).finally(() => closeSync(fd))
}

/** In two parts, so that no other scanner takes this file for it. */
export const EICAR = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR', '-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('')

export const NEVER = new AbortController().signal
