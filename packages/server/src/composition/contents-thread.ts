import { parentPort, workerData } from 'node:worker_threads'
import { Intake } from '../icap-service/intake.ts'
import { createSpool } from '../icap-service/spool.ts'
import type { FromContentsThread, ToContentsThread, WalkJob } from '../scan/contents/thread-messages.ts'
import { walk } from '../scan/contents/walk.ts'
import { lowerPriority } from '../scan/thread-priority.ts'
import { createPasswordTrial, passwordCounts } from '../unpack/passwords.ts'
import { createRunTool } from '../unpack/run-tool.ts'
import type { ContentsThreadData } from './contents.ts'
import { memberEngines } from './member-engines.ts'
import { allOpeners, sevenZipPath } from './openers.ts'

/** Behind the threads that answer clients, as the scan threads are. */
const NICE = 10

const data = workerData as ContentsThreadData
const openers = allOpeners()
const engines = memberEngines(data)
const spool = createSpool({
  directory: data.spoolDirectory,
  // What one walk may have unpacked at a time, and the copies on its way.
  maxBytes: data.limits.maxBytes * 2,
  maxMemoryBytes: data.memoryBytes * 64,
})
const counts = passwordCounts()
const running = new Map<number, AbortController>()

parentPort?.on('message', (message: ToContentsThread) => {
  if (message.type === 'cancel') running.get(message.id)?.abort()
  else void run(message)
})
lowerPriority(NICE)
const { identity, spoolDirectory: scratch } = data
/** Opened and tried here and now: before the process drops its rights. */
const tools = await createRunTool({ programs: [sevenZipPath()], scratch, identity })
say({ type: 'ready', detail: 'unavailable' in tools ? `no confinement for native tools: ${tools.unavailable}` : '' })

async function run({ id, sample, timeoutMs }: WalkJob): Promise<void> {
  const abort = new AbortController()
  running.set(id, abort)
  const timer = setTimeout(() => abort.abort(), timeoutMs)
  const { content } = sample
  const result = await walk(
    // What was sent comes as plain bytes.
    content.kind === 'memory' ? { ...sample, content: { kind: 'memory', bytes: bufferOf(content.bytes) } } : sample,
    {
      openers,
      engines,
      limits: data.limits,
      passwords: createPasswordTrial({ listed: data.passwords, maxTries: data.maxPasswordTries, counts }),
      runTool: 'runTool' in tools ? tools.runTool : undefined,
      signal: abort.signal,
      openBody: () => new Intake(spool, bodyLimits(data)),
      now: () => performance.now(),
    },
  )
  clearTimeout(timer)
  running.delete(id)
  say({ type: 'done', id, result })
}

function bodyLimits({ memoryBytes, maxSpoolBytes }: ContentsThreadData) {
  const never = Number.POSITIVE_INFINITY
  return {
    memoryBytes,
    maxBytes: maxSpoolBytes,
    endlessAfterBytes: never,
    endlessAfterMs: never,
    sha1: true,
    md5: false,
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function say(message: FromContentsThread): void {
  parentPort?.postMessage(message)
}
