import { createHash } from 'node:crypto'
import { allOpeners } from '../../packages/server/src/composition/openers.ts'
import { Unscanned } from '../../packages/server/src/domain/verdict.ts'
import type { WalkLimits } from '../../packages/server/src/scan/contents/budget.ts'
import type { MemberBody } from '../../packages/server/src/scan/contents/member-body.ts'
import { type MemberEngine, type MemberFacts, walk } from '../../packages/server/src/scan/contents/walk.ts'
import { hiddenArchive } from '../../packages/server/src/scan/hidden-archive.ts'
import { protectionOf } from '../../packages/server/src/scan/protection.ts'
import { createPredictiveEngine } from '../../packages/server/src/scan/scanners/predictive/engine.ts'
import { loadModel } from '../../packages/server/src/scan/scanners/predictive/models.ts'
import { trueFileType } from '../../packages/server/src/scan/true-file-type.ts'
import { ContentView } from '../../packages/server/src/unpack/content-view.ts'
import type { Finding, Opener, OpenRun } from '../../packages/server/src/unpack/opener.ts'
import { createPasswordTrial } from '../../packages/server/src/unpack/passwords.ts'
import type { RunTool } from '../../packages/server/src/unpack/run-tool.ts'
import { tinyModel } from '../../packages/server/test/scan/predictive/tiny-model.ts'
import type { Input } from './target.ts'

/** Small, so that one input costs little; members are walked as deep as this. */
const LIMITS: WalkLimits = {
  maxDepth: 4,
  maxMembers: 200,
  maxBytes: 4 * 1024 * 1024,
  maxRatio: 1000,
  ratioFromBytes: 1024 * 1024,
}

/** The password of the seeds that have one, behind one that does not fit. */
export const PASSWORD = 'infected'
const LISTED = ['pässwörd', PASSWORD]

/**
 * The product's own walk with all its openers, and two engines for each member: whatever asks what bytes are, and predictive learning.
 * Throws the first exception of an opener or of these that is no Unscanned, and what breaks the contract of findings.
 */
export function createWalker(runTool?: RunTool): (input: Input) => Promise<void> {
  const faults: unknown[] = []
  const openers = allOpeners().map((opener) => watched(opener, faults))
  const engines = [typeEngine(faults), predictiveEngine(faults)]
  const { signal } = new AbortController()
  return async ({ bytes, fileName, declaredType }) => {
    faults.length = 0
    const sample = {
      content: { kind: 'memory', bytes } as const,
      size: bytes.length,
      sha256: '',
      fileName,
      declaredType,
    }
    await walk(sample, {
      openers,
      engines,
      limits: LIMITS,
      passwords: createPasswordTrial({ listed: LISTED, maxTries: 6 }),
      runTool,
      signal,
      openBody: memoryBody,
      now: () => performance.now(),
    })
    if (faults.length > 0) throw faults[0]
  }
}

function memoryBody(): MemberBody {
  const pieces: Buffer[] = []
  return {
    write: (chunk) => void pieces.push(chunk),
    finish() {
      const bytes = Buffer.concat(pieces)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      return { content: { kind: 'memory', bytes }, size: bytes.length, sha256, sha1: '', unscanned: undefined }
    },
    discard: () => {
      pieces.length = 0
    },
  }
}

/** The walk makes a fault of ours a reason like others; here it must not get lost. */
function watched(opener: Opener, faults: unknown[]): Opener {
  return {
    name: opener.name,
    version: opener.version,
    wants(node) {
      try {
        return opener.wants(node)
      } catch (error) {
        faults.push(error)
        throw error
      }
    },
    async open(node, run) {
      try {
        await opener.open(node, checked(run, faults))
      } catch (error) {
        if (!(error instanceof Unscanned)) faults.push(error)
        throw error
      }
    },
  }
}

const NAME = /^[\x21-\x7e]{1,128}$/
const DETAIL = /^[^\p{Cc}]{0,300}$/u

/** What opener.ts says of findings. */
function checked(run: OpenRun, faults: unknown[]): OpenRun {
  const finding = (found: Finding) => {
    if (!NAME.test(found.name)) faults.push(new Error(`a finding's name is ${JSON.stringify(found.name)}`))
    if (!DETAIL.test(found.detail)) faults.push(new Error(`detail of ${found.name}: ${JSON.stringify(found.detail)}`))
    run.finding(found)
  }
  return Object.create(run, { finding: { value: finding } }) as OpenRun
}

function typeEngine(faults: unknown[]): MemberEngine {
  return engineOf('types', faults, (node) => {
    const type = trueFileType(node.content, node)
    const view = new ContentView(node.content)
    protectionOf(view, type)
    hiddenArchive(view, node)
  })
}

function predictiveEngine(faults: unknown[]): MemberEngine {
  const pe = loadModel(tinyModel())
  const engine = createPredictiveEngine({
    models: { pe },
    thresholds: { high: 0.98, medium: 0.9 },
    monitor: false,
    maxBytes: LIMITS.maxBytes,
  })
  return engineOf('predictive', faults, ({ type, content }, signal) => {
    if (type === 'pe') engine.assess(content, signal)
  })
}

function engineOf(
  name: string,
  faults: unknown[],
  look: (node: MemberFacts, signal: AbortSignal) => void,
): MemberEngine {
  return {
    name,
    version: '1',
    applies: () => true,
    looksAtSample: true,
    scan(node, signal) {
      try {
        look(node, signal)
      } catch (error) {
        if (!(error instanceof Unscanned)) faults.push(error)
        throw error
      }
      return { detections: [] }
    },
  }
}
