import { parentPort, workerData } from 'node:worker_threads'
import { namedError } from './database-errors.ts'
import { StoreError } from './errors.ts'
import { StoreService } from './store-service.ts'
import { CALLS, type CallGroup, type FromThread, type ToThread, type WriterThreadData } from './writer-protocol.ts'

/** Entry point of the store's thread; `writer.ts` is its other end. */
const STATUS_MS = 200

function send(message: FromThread): void {
  parentPort?.postMessage(message)
}

const service = new StoreService(workerData as WriterThreadData, (snapshot) => send({ type: 'lists', snapshot }))
let lastStatus = service.status

function sendStatus(): void {
  if (service.status === lastStatus) return
  lastStatus = service.status
  send({ type: 'status', status: lastStatus })
}

async function answer(id: number, work: () => Promise<unknown>): Promise<void> {
  try {
    const value = await work()
    send({ type: 'result', id, value, status: service.status })
  } catch (error) {
    const { code, message } = namedError(error)
    send({ type: 'failed', id, code, text: message })
  }
}

async function call(group: CallGroup, method: string, args: readonly unknown[]): Promise<unknown> {
  if (!(CALLS[group] as readonly string[]).includes(method))
    throw new StoreError('STORE_FAILED', `no call ${group}.${method}`)
  const groups = { ...service.store(), imports: service.imports, feedImports: service.feedImports }
  const functions = groups[group] as unknown as Record<string, (...args: readonly unknown[]) => Promise<unknown>>
  return functions[method]?.(...args)
}

parentPort?.on('message', (message: ToThread) => {
  switch (message.type) {
    case 'call':
      return void answer(message.id, () => call(message.group, message.method, message.args))
    case 'live':
      return service.setLiveInstances(message.instances)
    case 'retention':
      return service.setRetention(message.retention)
    case 'flush':
      return void answer(message.id, () => service.flush())
    case 'close':
      return void answer(message.id, () => service.close()).then(() => parentPort?.close())
  }
})

await service.start()
setInterval(sendStatus, STATUS_MS).unref()
sendStatus()
send({ type: 'started' })
