import type { Detection, Note } from '../../../domain/verdict.ts'
import { Unscanned } from '../../../domain/verdict.ts'
import type { MemberAnswer, MemberEngine, MemberFacts } from '../../contents/walk.ts'
import { type LoadedRules, loadBinding } from './binding.ts'
import { unpackRuleBlob } from './rule-blob.ts'

const MIN_TIMEOUT_MS = 2000
const BYTES_A_SECOND = 16 * 1024 * 1024

/** YARA on the members of a sample, on a thread that may wait: fast and slow rules one after the other. Throws on a damaged set. */
export function createMemberYara(blob: Buffer, maxTimeoutMs: number): MemberEngine {
  const { header, fast, slow } = unpackRuleBlob(blob)
  const binding = loadBinding(header.binding)
  const sets = [fast, slow].filter((bytes) => bytes.length > 0).map((bytes) => binding.load(bytes, header.options))
  return {
    name: 'yara',
    version: header.version,
    looksAtSample: false,
    applies: () => true,
    scan: (node) => scanWith(sets, node, Math.min(maxTimeoutMs, timeoutFor(node.size))),
  }
}

function timeoutFor(size: number): number {
  return MIN_TIMEOUT_MS + 1000 * Math.floor(size / BYTES_A_SECOND)
}

/** What one set found stands beside what the other could not look at. */
function scanWith(sets: readonly LoadedRules[], { content, size }: MemberFacts, timeoutMs: number): MemberAnswer {
  if (sets.length === 0) throw new Unscanned('engine-down', 'no YARA rule is loaded')
  const detections: Detection[] = []
  const notes: Note[] = []
  let fault: Unscanned | undefined
  for (const rules of sets) {
    try {
      const found =
        content.kind === 'memory' ? rules.scan(content.bytes, timeoutMs) : rules.scanFile(content.fd, size, timeoutMs)
      detections.push(...found.detections)
      notes.push(...found.notes)
    } catch (error) {
      fault ??= error instanceof Unscanned ? error : new Unscanned('engine-down', String(error))
    }
  }
  if (fault !== undefined) throw new Unscanned(fault.reason, fault.message, { cause: fault, detections })
  return { detections, notes }
}
