import cluster from 'node:cluster'
import net from 'node:net'
import process from 'node:process'
import { createIcapServer, type IcapService, type Transaction } from '@assay/icap'

/** Two workers of packages/icap that send every body back: what c-icap's echo service does, and no more. */
const PORT = Number(process.env.ECHO_PORT)
const SERVICE: IcapService = { name: 'echo', methods: ['REQMOD', 'RESPMOD'] }
const NO_HEAD = Buffer.from('HTTP/1.1 200 OK\r\n\r\n')

async function echo(transaction: Transaction): Promise<void> {
  const chunks: Buffer[] = []
  await transaction.readBody((chunk) => {
    chunks.push(chunk)
  })
  const [only] = chunks
  const body = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)
  await transaction.reply({ status: 200, section: 'res-hdr', head: transaction.responseHead ?? NO_HEAD, body })
}

if (cluster.isPrimary) {
  cluster.schedulingPolicy = cluster.SCHED_NONE
  for (let n = 0; n < 2; n++) cluster.fork()
} else {
  const server = createIcapServer({
    serverHeader: 'echo',
    findService: () => SERVICE,
    isTag: () => 'echo',
    admit: () => 'ok',
    optionsFor: () => ({
      status: 200,
      methods: SERVICE.methods,
      isTag: 'echo',
      optionsTtlS: 60,
      maxConnections: 1000,
      serviceText: 'echo',
      serviceId: 'echo',
      allow206: false,
    }),
    handle: echo,
  })
  net
    .createServer({ allowHalfOpen: true, noDelay: true }, (socket) => server.handleSocket(socket))
    .listen(PORT, '127.0.0.1')
}
