import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

export interface HostileClamd {
  readonly address: string
  close(): Promise<void>
}

const COMMANDS = 'ClamAV 9.9.9| COMMANDS: PING VERSION VERSIONCOMMANDS IDSESSION INSTREAM\0'

/**
 * Says what no real clamd says (for what one does say, there is a real one): looked at it seems well, and answers bodies with `reply`,
 * given once the first bytes of a session's INSTREAM are there.
 */
export async function hostileClamd(reply: (socket: Socket) => void, commands = COMMANDS): Promise<HostileClamd> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket)).on('error', () => {})
    let seen = ''
    socket.on('data', (bytes) => {
      const isAnswered = seen.includes('INSTREAM')
      seen = `${seen}${bytes.toString('latin1', 0, 64)}`.slice(0, 256)
      if (seen.startsWith('zVERSIONCOMMANDS')) socket.end(commands)
      else if (seen.startsWith('zINSTREAM')) socket.end('stream: Heuristics.Limits.Exceeded.MaxRecursion FOUND\0')
      else if (!isAnswered && seen.includes('INSTREAM')) reply(socket)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    address: `tcp:127.0.0.1:${port}`,
    async close() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
