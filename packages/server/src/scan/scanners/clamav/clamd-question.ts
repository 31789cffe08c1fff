import type { Content } from '../../../domain/sample.ts'
import { Unscanned } from '../../../domain/verdict.ts'

/** One INSTREAM on its way: settled once, by its answer, by its deadline or by the end of the connection. */
export class ClamdQuestion {
  readonly content: Content
  readonly answer: Promise<string>
  /** 0 until its first byte goes out. */
  id = 0
  /** Its last byte is with the socket: from here on it may be answered with anything but an error. */
  isSent = false
  isSettled = false
  isAnswered = false
  readonly #signal: AbortSignal
  readonly #onSettled: (question: ClamdQuestion) => void
  readonly #onAbort = () => this.fail(new Unscanned('timeout', 'clamd did not answer before the deadline'))
  #resolve: (answer: string) => void = () => {}
  #reject: (error: Error) => void = () => {}

  constructor(content: Content, signal: AbortSignal, onSettled: (question: ClamdQuestion) => void) {
    this.content = content
    this.#signal = signal
    this.#onSettled = onSettled
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  settle(answer: string): void {
    if (this.isSettled) return
    this.isAnswered = true
    this.#end()
    this.#resolve(answer)
  }

  fail(error: Error): void {
    if (this.isSettled) return
    this.#end()
    this.#reject(error)
  }

  #end(): void {
    this.isSettled = true
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#onSettled(this)
  }
}
