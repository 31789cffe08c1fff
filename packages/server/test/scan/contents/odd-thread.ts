import { parentPort } from 'node:worker_threads'
import type { ToContentsThread, WalkJob } from '../../../src/scan/contents/thread-messages.ts'

/** A thread of the contents pool that does what the sample's name says. */
const heard = new Set<number>()

parentPort?.on('message', (message: ToContentsThread) => {
  if (message.type === 'cancel') heard.add(message.id)
  else act(message)
})
parentPort?.postMessage({ type: 'ready', detail: '' })

function act({ id, sample }: WalkJob): void {
  switch (sample.fileName) {
    case 'hang':
      for (;;);
    case 'eat': {
      const kept: unknown[] = []
      for (;;) kept.push([kept.length, {}])
    }
    case 'throw':
      setImmediate(() => {
        throw new Error('a fault of ours')
      })
      return
    case 'slow':
      setTimeout(() => done(id, 'slow'), 300)
      return
    case 'obey': {
      const timer = setInterval(() => {
        if (!heard.has(id)) return
        clearInterval(timer)
        done(id, 'told')
      }, 5)
      return
    }
    default:
      done(id, sample.fileName)
  }
}

function done(id: number, sha256: string): void {
  const members = [{ path: '', sha256 }]
  parentPort?.postMessage({ type: 'done', id, result: { results: [], members, evidence: { nodes: [], omitted: 0 } } })
}
