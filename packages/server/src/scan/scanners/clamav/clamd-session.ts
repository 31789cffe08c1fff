import type { Socket } from 'node:net'
import type { Content } from '../../../domain/sample.ts'
import { AnswerLines } from './answer-lines.ts'
import { bodyChunks } from './body-chunks.ts'
import { type ClamdAddress, connectTo } from './clamd-address.ts'
import { ConnectionLost, NotClamd } from './clamd-errors.ts'
import { ClamdQuestion } from './clamd-question.ts'

/** Bodies in memory up to this size go out in one write. */
const ONE_WRITE_BYTES = 64 * 1024
const INSTREAM = Buffer.from('zINSTREAM\0')
const END_OF_STREAM = Buffer.alloc(4)
/** An answer is `ID: TEXT`; ids count from 1 (clamd(8), IDSESSION). */
const ANSWER = /^([1-9]\d{0,9}): (.*)$/s
/** Detections told beyond the first ones, on one connection: a clamd that tells all matches has some, nobody has more. */
const MAX_REPEATS = 1024
/** Below clamd's ReadTimeout (120 s unless set), after which it ends a session with COMMAND READ TIMED OUT. */
const IDLE_MS = 60_000

/**
 * One connection in an IDSESSION (clamd(8)): bodies one after another, answers by id in any order. Nothing in the protocol takes a
 * question back, so after one that was given up the session takes no more and ends when those under way are answered. Idle, it
 * keeps no process alive.
 */
export class ClamdSession {
  readonly #socket: Socket
  readonly #lines = new AnswerLines()
  /** Those that wait for their turn to be sent. */
  readonly #waiting: ClamdQuestion[] = []
  /** Those of which a byte went out and no answer came. */
  readonly #asked = new Map<number, ClamdQuestion>()
  readonly #onChange: () => void
  #sending: ClamdQuestion | undefined
  #wake: () => void = () => {}
  #lastId = 0
  #repeats = 0
  #isOpen = true
  #isClosed = false
  #fault: Error = new ConnectionLost('clamd closed the connection')
  #idleTimer: NodeJS.Timeout | undefined

  /** `onChange` is called when it can take more, or never again. */
  constructor(address: ClamdAddress, onChange: () => void) {
    this.#onChange = onChange
    this.#socket = connectTo(address)
    this.#socket.on('data', (bytes: Buffer) => this.#onData(bytes))
    this.#socket.on('error', (error) => {
      if (!(this.#fault instanceof NotClamd)) this.#fault = new ConnectionLost(error.message, { cause: error })
    })
    this.#socket.on('close', () => this.#closed())
    this.#socket.write('zIDSESSION\0')
    this.#rest()
  }

  /** False: it takes no more questions. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  get load(): number {
    return this.#waiting.length + this.#asked.size
  }

  /**
   * The answer to one INSTREAM, without its id. Rejects with ConnectionLost, NotClamd or Unscanned: 'timeout' as soon as the signal is
   * aborted, 'engine-down' where the body cannot be read.
   */
  ask(content: Content, signal: AbortSignal): Promise<string> {
    if (!this.#isOpen) return Promise.reject(this.#fault)
    clearTimeout(this.#idleTimer)
    this.#socket.ref()
    const question = new ClamdQuestion(content, signal, (settled) => this.#settled(settled))
    this.#waiting.push(question)
    if (this.#sending === undefined) void this.#sendWaiting()
    return question.answer
  }

  /** Takes no more questions, and ends when those under way are settled. */
  retire(): void {
    this.#isOpen = false
    for (const question of this.#waiting.splice(0)) question.fail(new ConnectionLost('the connection is given up'))
    if (this.#asked.size === 0) this.#socket.destroy()
    this.#wake()
  }

  /** Ends at once: those under way get ConnectionLost. */
  destroy(): void {
    this.#isOpen = false
    this.#socket.destroy()
  }

  async #sendWaiting(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#sending = next
      next.id = ++this.#lastId
      this.#asked.set(next.id, next)
      try {
        await this.#send(next)
      } catch (error) {
        next.fail(error instanceof Error ? error : new ConnectionLost(String(error)))
      }
      // Cut off in mid-stream, the rest of the connection means nothing to clamd.
      if (!next.isSent) this.retire()
    }
    this.#sending = undefined
  }

  async #send(question: ClamdQuestion): Promise<void> {
    const { content } = question
    if (content.kind === 'memory' && content.bytes.length <= ONE_WRITE_BYTES)
      return this.#sendSmall(question, content.bytes)
    this.#socket.write(INSTREAM)
    for await (const chunk of bodyChunks(content)) {
      if (question.isSettled || this.#isClosed) return
      this.#socket.cork()
      this.#socket.write(lengthOf(chunk))
      const isRoom = this.#socket.write(chunk)
      process.nextTick(() => this.#socket.uncork())
      if (!isRoom) await this.#drained()
    }
    if (question.isSettled) return
    question.isSent = true
    this.#socket.write(END_OF_STREAM)
  }

  async #sendSmall(question: ClamdQuestion, bytes: Buffer): Promise<void> {
    const parts = bytes.length === 0 ? [INSTREAM] : [INSTREAM, lengthOf(bytes), bytes]
    question.isSent = true
    if (!this.#socket.write(Buffer.concat([...parts, END_OF_STREAM]))) await this.#drained()
  }

  /** clamd takes bytes again, or there is no more reason to wait. */
  #drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) return resolve()
      this.#wake = resolve
      this.#socket.once('drain', resolve)
    })
  }

  #onData(bytes: Buffer): void {
    try {
      for (const line of this.#lines.push(bytes)) this.#answered(line)
    } catch (error) {
      this.#fault = error instanceof NotClamd ? error : new NotClamd(String(error))
      this.destroy()
    }
  }

  #answered(line: string): void {
    const [, digits = '', text = ''] = ANSWER.exec(line) ?? []
    const id = Number(digits)
    if (id < 1 || id > this.#lastId) throw new NotClamd('an answer to what was never asked')
    const question = this.#asked.get(id)
    if (question === undefined) {
      this.#repeated(text)
      return
    }
    // Only an error may come before the body's end.
    if (!question.isSent && !text.endsWith('ERROR')) throw new NotClamd('an answer before the end of the body')
    question.settle(text)
  }

  /** A second answer: another match, a second error, or one that came after it was given up. */
  #repeated(text: string): void {
    if (!this.#isOpen) return
    const isKnown = text.endsWith(' FOUND') || text.endsWith('ERROR')
    if (!isKnown || ++this.#repeats > MAX_REPEATS) throw new NotClamd('an answer to what was answered')
  }

  #settled(question: ClamdQuestion): void {
    const at = this.#waiting.indexOf(question)
    if (at !== -1) this.#waiting.splice(at, 1)
    if (this.#asked.delete(question.id) && !question.isAnswered) this.retire()
    if (question === this.#sending) this.#wake()
    if (!this.#isOpen && this.#asked.size === 0) this.#socket.destroy()
    if (this.load === 0) this.#rest()
    this.#onChange()
  }

  #rest(): void {
    this.#socket.unref()
    this.#idleTimer = setTimeout(() => this.retire(), IDLE_MS).unref()
  }

  #closed(): void {
    this.#isOpen = false
    this.#isClosed = true
    clearTimeout(this.#idleTimer)
    for (const question of [...this.#waiting.splice(0), ...this.#asked.values()]) question.fail(this.#fault)
    this.#wake()
    this.#onChange()
  }
}

function lengthOf(chunk: Buffer): Buffer {
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32BE(chunk.length)
  return length
}
