import { createHash } from 'node:crypto'
import { BINDING_NAMES, type BindingName, type OptionsByFile } from './binding.ts'

/** What a compiled rule set says of itself, in front of its bytes. */
export interface RuleBlobHeader {
  readonly binding: BindingName
  readonly bindingVersion: string
  /** Hash of every source that is in it and of the engine: changes whenever the same bytes could get a new answer. */
  readonly version: string
  readonly files: readonly string[]
  readonly slowFiles: readonly string[]
  readonly quarantined: readonly string[]
  /** Of the files that have any. */
  readonly options: OptionsByFile
}

export interface RuleBlob {
  readonly header: RuleBlobHeader
  /** Serialised rules for the inline lane and the scan threads; empty when every file is slow or there is none. */
  readonly fast: Buffer
  /** For the slow lane. */
  readonly slow: Buffer
}

const MAGIC = 'AYR1'
const FIXED_BYTES = MAGIC.length + 32 + 12
const MAX_HEADER_BYTES = 16 * 1024 * 1024

/** `AYR1`, SHA-256 of all that follows, three lengths (header, fast, slow), then the three. */
export function packRuleBlob({ header, fast, slow }: RuleBlob): Buffer {
  const json = Buffer.from(JSON.stringify(header))
  const lengths = Buffer.alloc(12)
  for (const [index, part] of [json, fast, slow].entries()) lengths.writeUInt32LE(part.length, index * 4)
  const body = Buffer.concat([lengths, json, fast, slow])
  return Buffer.concat([Buffer.from(MAGIC), createHash('sha256').update(body).digest(), body])
}

/** Throws one plain sentence on a damaged snapshot: the native loader may accept flipped bits. */
export function unpackRuleBlob(bytes: Buffer): RuleBlob {
  if (bytes.length < FIXED_BYTES || bytes.toString('latin1', 0, 4) !== MAGIC) throw new Error('not a compiled rule set')
  const sum = createHash('sha256').update(bytes.subarray(36)).digest()
  if (!sum.equals(bytes.subarray(4, 36))) throw new Error('the compiled rule set is damaged')
  const [headerBytes = 0, fastBytes = 0, slowBytes = 0] = [36, 40, 44].map((at) => bytes.readUInt32LE(at))
  if (headerBytes > MAX_HEADER_BYTES || FIXED_BYTES + headerBytes + fastBytes + slowBytes !== bytes.length)
    throw new Error('the compiled rule set has wrong lengths')
  const fastAt = FIXED_BYTES + headerBytes
  return {
    header: headerOf(bytes.toString('utf8', FIXED_BYTES, fastAt)),
    fast: bytes.subarray(fastAt, fastAt + fastBytes),
    slow: bytes.subarray(fastAt + fastBytes),
  }
}

function headerOf(json: string): RuleBlobHeader {
  const header = JSON.parse(json) as RuleBlobHeader
  if (!BINDING_NAMES.includes(header.binding)) throw new Error('the compiled rule set names no known engine')
  return header
}
