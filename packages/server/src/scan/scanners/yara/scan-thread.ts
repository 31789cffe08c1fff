import { parentPort, workerData } from 'node:worker_threads'
import { Unscanned, type UnscannedReason } from '../../../domain/verdict.ts'
import { lowerPriority } from '../../thread-priority.ts'
import { type BindingName, loadBinding, type OptionsByFile, type RuleHits } from './binding.ts'

export interface ThreadData {
  readonly binding: BindingName
  /** Serialised rules, shared by all threads; each makes its own copy of them. */
  readonly rules: Uint8Array
  readonly options: OptionsByFile
  /** Added to the thread's niceness, so that small requests on the main thread go first. */
  readonly nice: number
}

/** A scan for a thread: bytes in shared memory, or an open file of this process. */
export type ThreadJob = { readonly id: number; readonly timeoutMs: number } & (
  | { readonly kind: 'memory'; readonly shared: SharedArrayBuffer; readonly length: number }
  | { readonly kind: 'file'; readonly fd: number; readonly size: number }
)

export type ThreadReply =
  | { readonly id: number; readonly hits: RuleHits }
  | { readonly id: number; readonly reason: UnscannedReason; readonly detail: string }

const data = workerData as ThreadData
const rules = loadBinding(data.binding).load(Buffer.from(data.rules), data.options)
lowerPriority(data.nice)

parentPort?.on('message', (job: ThreadJob) => parentPort?.postMessage(answer(job)))
parentPort?.postMessage('ready')

function answer(job: ThreadJob): ThreadReply {
  try {
    const hits =
      job.kind === 'memory'
        ? rules.scan(Buffer.from(job.shared, 0, job.length), job.timeoutMs)
        : rules.scanFile(job.fd, job.size, job.timeoutMs)
    return { id: job.id, hits }
  } catch (error) {
    const reason = error instanceof Unscanned ? error.reason : 'engine-down'
    return { id: job.id, reason, detail: error instanceof Error ? error.message : String(error) }
  }
}
