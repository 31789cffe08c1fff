import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Assay } from '../packages/server/test/e2e/assay.ts'
import { connectIcap, exchange, OPTIONS, type RawConnection } from '../packages/server/test/e2e/raw-icap.ts'
import { memoryMiB } from './measure.ts'
import { atMost, type Result, round } from './report.ts'

const MIB = 1024 * 1024
const LARGE_MIB = 1024
const IDLE_CONNECTIONS = 10_000

/** The most private memory that one body of 1 GiB takes, above what there was before it. */
export async function measureLargeBody(assay: Assay, tell: (result: Result) => void): Promise<void> {
  // A first, smaller one: what every process needs once is not the body's.
  await sendBody(assay.ports.icap, 64)
  await sleep(2000)
  const before = memoryMiB([assay.pid], 'RssAnon')
  let most = before
  const sampler = setInterval(() => {
    most = Math.max(most, memoryMiB([assay.pid], 'RssAnon'))
  }, 50)
  const status = await sendBody(assay.ports.icap, LARGE_MIB)
  clearInterval(sampler)
  const detail = `${round(before)} MiB before, ICAP ${status}`
  tell(atMost('MiB more of RssAnon for a body of 1 GiB', most - before, 64, detail))
}

/** A RESPMOD of that many MiB, sent as fast as it is taken; the ICAP status. Allow: 204, so that it does not come back. */
async function sendBody(port: number, mebibytes: number): Promise<number> {
  const connection = await connectIcap(port)
  const request = 'GET http://www.example.com/large.bin HTTP/1.1\r\nHost: www.example.com\r\n\r\n'
  const response = `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${mebibytes * MIB}\r\n\r\n`
  const sections = `req-hdr=0, res-hdr=${request.length}, res-body=${request.length + response.length}`
  const head = `RESPMOD icap://127.0.0.1/avscan ICAP/1.0\r\nHost: 127.0.0.1\r\nAllow: 204\r\nEncapsulated: ${sections}\r\n\r\n`
  connection.send(`${head}${request}${response}`)
  const chunk = Buffer.concat([Buffer.from(`${MIB.toString(16)}\r\n`), randomBytes(MIB), Buffer.from('\r\n')])
  for (let sent = 0; sent < mebibytes; sent++) {
    connection.send(chunk)
    if (connection.socket.writableNeedDrain) await once(connection.socket, 'drain')
  }
  connection.send('0\r\n\r\n')
  const { status } = await connection.answer()
  connection.close()
  return status
}

/** What 10,000 clients cost that have asked for OPTIONS and now wait. */
export async function measureIdleConnections(assay: Assay, tell: (result: Result) => void): Promise<void> {
  const port = assay.ports.icap
  await assay.set({ 'clients.maxConnections': '12000' })
  await exchange(port, OPTIONS('avscan'))
  const before = memoryMiB([assay.pid], 'VmRSS')
  const held: RawConnection[] = []
  try {
    // By the hundred: a burst of 10,000 would measure the listen queue.
    while (held.length < IDLE_CONNECTIONS)
      held.push(...(await Promise.all(Array.from({ length: 100 }, () => openIdle(port)))))
    await sleep(3000)
    const alive = held.filter((connection) => !connection.closed()).length
    const detail = `${alive} connections, ${round(before)} MiB before`
    tell(atMost('MiB more of RSS for 10,000 idle connections', memoryMiB([assay.pid], 'VmRSS') - before, 300, detail))
  } finally {
    for (const connection of held) connection.close()
  }
}

async function openIdle(port: number): Promise<RawConnection> {
  const connection = await connectIcap(port)
  connection.send(OPTIONS('avscan'))
  const { status } = await connection.answer()
  if (status !== 200) throw new Error(`OPTIONS was answered ${status}: raise the limit of open files (ulimit -n 24000)`)
  return connection
}
