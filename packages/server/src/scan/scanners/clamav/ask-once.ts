import { AnswerLines } from './answer-lines.ts'
import { type ClamdAddress, connectTo } from './clamd-address.ts'
import { ConnectionLost, NotClamd } from './clamd-errors.ts'

export interface AskOnce {
  /** The command with its NUL, and what follows it. */
  readonly bytes: Buffer
  readonly timeoutMs: number
}

/** clamd took the connection, or was about to, and says nothing: it is frozen, or loads its signatures. */
export class ClamdSilent extends Error {
  override readonly name = 'ClamdSilent'
}

/**
 * One question on a connection of its own, answered even where every session is busy. Rejects with ConnectionLost, NotClamd or
 * ClamdSilent. Keeps no process alive.
 */
export function askOnce(address: ClamdAddress, { bytes, timeoutMs }: AskOnce): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTo(address).unref()
    const lines = new AnswerLines()
    const end = (error: Error) => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    const timer = setTimeout(() => end(new ClamdSilent(`no answer in ${timeoutMs} ms`)), timeoutMs).unref()
    socket.on('error', (error) => end(new ConnectionLost(error.message, { cause: error })))
    socket.on('close', () => end(new ConnectionLost('closed without an answer')))
    socket.on('data', (data: Buffer) => {
      try {
        const [answer] = lines.push(data)
        if (answer === undefined) return
        resolve(answer)
        end(new ConnectionLost('answered'))
      } catch (error) {
        end(error instanceof Error ? error : new NotClamd(String(error)))
      }
    })
    socket.write(bytes)
  })
}
