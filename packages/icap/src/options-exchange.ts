import { IcapError } from './errors.ts'
import { optionsResponse } from './options-response.ts'
import type { RequestBody } from './request-body.ts'
import type { Exchange, ExchangeHost } from './server-transaction.ts'
import type { IcapService, OptionsAnswer } from './service.ts'

export interface OptionsExchangeParts {
  readonly host: ExchangeHost
  readonly service: IcapService
  readonly body: RequestBody
  readonly wantsClose: boolean
  readonly maxBodyBytes: number
  linesWithTag(isTag: string): string
}

/** One OPTIONS request: its body, if any, is read and dropped, so that the connection stays in step (RFC 3507 4.10). */
export class OptionsExchange implements Exchange {
  readonly offer: IcapService
  readonly body: RequestBody
  readonly #parts: OptionsExchangeParts
  #hasSent = false
  #isOver = false

  constructor(parts: OptionsExchangeParts) {
    this.#parts = parts
    this.offer = parts.service
    this.body = parts.body
  }

  get hasSent(): boolean {
    return this.#hasSent
  }

  end(fault?: IcapError): void {
    this.#isOver = true
    if (fault !== undefined) this.body.fail(fault)
  }

  /** Answers; at once where `ask` does and there is no body. */
  run(ask: () => OptionsAnswer | Promise<OptionsAnswer>): void {
    try {
      const answer = ask()
      if (this.body.isSettled && !(answer instanceof Promise)) this.#send(answer)
      else void this.#sendLater(answer)
    } catch (error) {
      this.#failed(error)
    }
  }

  async #sendLater(asked: OptionsAnswer | Promise<OptionsAnswer>): Promise<void> {
    try {
      const answer = await asked
      const isRead = this.body.isSettled || (await this.body.drain(this.#parts.maxBodyBytes))
      if (this.#isOver) return
      if (!isRead) throw new IcapError('ICAP_OPTIONS_BODY_TOO_LARGE')
      this.#send(answer)
    } catch (error) {
      this.#failed(error)
    }
  }

  #send(answer: OptionsAnswer): void {
    const { host, wantsClose, linesWithTag } = this.#parts
    const keepAlive = host.mayKeepAlive && !wantsClose
    const response = optionsResponse(answer, linesWithTag(answer.isTag), keepAlive)
    this.#hasSent = true
    host.socket.write(response, 'latin1')
    host.onReplied(this, keepAlive)
  }

  #failed(error: unknown): void {
    if (this.#isOver) return
    const isOurs = error instanceof IcapError && error.code === 'ICAP_OPTIONS_BODY_TOO_LARGE'
    const detail = error instanceof Error ? error.message : String(error)
    this.#parts.host.onFault(isOurs ? error : new IcapError('ICAP_HANDLER_FAILED', { detail, cause: error }))
  }
}
