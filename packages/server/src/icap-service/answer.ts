import type { IcapReply, ReplyBody, Transaction } from '@assay/icap'
import type { Action } from '../domain/action.ts'
import { isAtLeast } from '../domain/risk.ts'
import { decideVerdict, type ScanResult, Unscanned, type Verdict } from '../domain/verdict.ts'
import { chooseAction } from './action.ts'
import { blockPage } from './block-page.ts'
import { BodyReader, StreamTooOld } from './body-reader.ts'
import { fileText, type Looked, threatNames, urlText } from './description.ts'
import { type Examination, examine, failedEngine, NOT_EXAMINED } from './examine.ts'
import { type Fault, faultOf } from './fault.ts'
import type { GroupPolicy, HandlerConfig, HandlerDeps } from './handler-deps.ts'
import { responseDesc } from './icap-headers.ts'
import type { TakenBody } from './intake.ts'
import { type Message, readMessage } from './message.ts'
import { originalHead } from './original-head.ts'
import { joinRange, type Ranged, settleRange } from './range-join.ts'
import { recordOf } from './record.ts'
import { type Original, type ReplyContext, replyFor } from './reply.ts'
import { contentBytes } from './spool.ts'
import { streamRuleFor } from './stream-rule.ts'
import { createTrickle, type Trickle } from './trickle.ts'

export interface Decision {
  readonly verdict: Verdict
  readonly action: Action
  readonly reply: IcapReply
}

/** A message without a body whose URL is not to be rated: there is nothing left that an engine could look at. */
const NOTHING_TO_SCAN: readonly ScanResult[] = [{ outcome: 'clean', engine: 'no-content' }]

/** One transaction's state on its way to the answer; `createHandler` calls the steps in order. */
export class Answer {
  readonly #deps: HandlerDeps
  readonly #transaction: Transaction
  readonly #group: GroupPolicy
  readonly #config: HandlerConfig
  readonly #id: string
  readonly #startedMs: number
  #readMs = 0
  #scanMs = 0
  #message: Message | undefined
  /** undefined: not asked (bypassed). */
  #url: readonly ScanResult[] | undefined
  #reader: BodyReader | undefined
  #body: TakenBody | undefined
  #file: Examination = NOT_EXAMINED
  #range: Ranged | undefined
  /** All that will be read of the body was read. */
  #isTaken = false
  /** The body goes on, but nobody reads it (endless). */
  #isUnread = false
  #trickleAsked = false
  #trickle: Trickle | undefined
  #trickled: Promise<void> | undefined
  #hasReplied = false
  #hasJournaled = false

  constructor(deps: HandlerDeps, transaction: Transaction, group: GroupPolicy) {
    this.#deps = deps
    this.#transaction = transaction
    this.#group = group
    this.#config = deps.config()
    this.#id = deps.nextId()
    this.#startedMs = deps.now()
  }

  rateUrl(): void | Promise<void> {
    const message = this.#read()
    if (this.#transaction.method === 'RESPMOD' && this.#config.bypassUrlInRespmod) return
    try {
      const rating = this.#deps.rateUrl(message.context)
      if (!(rating instanceof Promise)) this.#urlRated(rating)
      else
        return rating.then(
          (results) => this.#urlRated(results),
          (error: unknown) => this.#urlNotRated(error),
        )
    } catch (error) {
      this.#urlNotRated(error)
    }
  }

  /** A bad address needs no body: nothing of it is read that the protocol does not demand. */
  isBlockedByUrl(): boolean {
    if (this.#url === undefined || this.#url.every((result) => result.outcome === 'clean')) return false
    return chooseAction(decideVerdict(this.#url), this.#group.policy).type === 'block'
  }

  async takeIn(): Promise<void> {
    if (!this.#transaction.hasBody) return
    const reader = this.#openReader()
    let state = await reader.readFirst()
    // RFC 3507 4.5: a preview that is not the whole never settles "clean".
    if (state === 'preview') state = await reader.readRest()
    this.#isTaken = true
    const finished = reader.intake.finish()
    const body = finished instanceof Promise ? await finished : finished
    this.#isUnread = state === 'endless'
    this.#body = state === 'endless' ? { ...body, unscanned: body.unscanned ?? ENDLESS } : body
    this.#readMs = this.#deps.now() - this.#startedMs
  }

  examine(): void | Promise<void> {
    if (this.#body === undefined) return
    if (this.#read().range) return this.#examineRange(this.#body)
    return this.#examineBody(this.#body)
  }

  /** What a later part of the same object must know, before this one's answer goes out. */
  settleRange({ verdict, action }: Decision): void | Promise<void> {
    const range = this.#range
    if (range === undefined || range.state === 'whole' || range.state === 'blocked') return
    return settleRange(this.#deps.ranges, { range, verdict, action })
  }

  decide(): Decision {
    const verdict = decideVerdict(this.#results())
    const action = chooseAction(verdict, this.#group.policy, this.#file.excluded)
    const reply = this.#trickle === undefined ? replyFor(action, this.#replyContext(action)) : TRICKLED
    return { verdict, action, reply }
  }

  /** Settles once the record survives this process's death. No record, no answer but an error (architecture.md 4b: no-space). */
  async journal({ verdict, action, reply }: Decision, details: readonly string[] = this.#details()): Promise<void> {
    const { hasBody } = this.#transaction
    const total = this.#deps.now() - this.#startedMs
    const record = recordOf({
      id: this.#id,
      timeMs: this.#transaction.startedMs,
      message: this.#read(),
      hasBody,
      sha256: this.#body?.sha256 ?? '',
      sha1: this.#body?.sha1 ?? '',
      size: this.#body?.size ?? this.#reader?.intake.size ?? 0,
      trueType: this.#file.trueType,
      cached: this.#file.cached,
      engines: this.#file.engines,
      evidence: this.#file.evidence,
      verdict,
      action,
      icapStatus: reply.status,
      details,
      stagesMs: { read: rounded(this.#readMs), scan: rounded(this.#scanMs), total: rounded(total) },
    })
    try {
      const durable = this.#deps.journal(record)
      if (durable instanceof Promise) await durable
      this.#hasJournaled = true
    } catch (error) {
      this.#deps.count('journal-failed')
      throw new Unscanned('no-space', 'the journal did not take the record', { cause: error })
    }
  }

  reply({ action, reply }: Decision): Promise<void> {
    this.#deps.count(action.type)
    if (this.#trickle !== undefined) return this.#endTrickle(action)
    if (reply.status >= 400 && action.type !== 'error') this.#deps.count('not-returnable')
    if (this.#isUnread && !passes(action)) this.#reader?.drop()
    this.#hasReplied = true
    return this.#transaction.reply(reply)
  }

  /** Anything that went wrong behind the head: an error for the client, a record where one can still be written. */
  async fail(error: unknown): Promise<void> {
    const fault = faultOf(error)
    const gone = this.#transaction.signal.aborted
    if (gone) this.#deps.count('client-gone')
    else if (fault.reason !== 'no-space') this.#deps.count('handler-failed')
    if (!gone && fault.isOurs) this.#deps.failed(error, this.#id)
    this.#trickle?.cut()
    if (!this.#hasJournaled) await this.#journalFailure(fault)
    if (this.#trickled !== undefined) return await this.#trickled
    if (this.#hasReplied) throw error
    this.#hasReplied = true
    await this.#transaction.reply({ status: fault.status, error: true, close: true })
  }

  discard(): void {
    if (this.#range?.state === 'joined') this.#range.discard()
    this.#reader?.drop()
    this.#reader?.intake.discard()
  }

  #read(): Message {
    this.#message ??= readMessage(this.#transaction, this.#group, this.#config)
    return this.#message
  }

  #examineBody(body: TakenBody): void | Promise<void> {
    const examination = examine(this.#deps, {
      message: this.#read(),
      body,
      limits: this.#config.intake,
      cancel: this.#transaction,
      range: this.#range,
    })
    if (examination instanceof Promise) return examination.then((file) => this.#examined(file))
    this.#examined(examination)
  }

  async #examineRange(body: TakenBody): Promise<void> {
    const { method, requestHead, responseHead } = this.#transaction
    this.#range = await joinRange(this.#deps, {
      message: this.#read(),
      head: method === 'REQMOD' ? requestHead : responseHead,
      body,
      limits: this.#config.intake,
      blocks: (detections) => detections.some(({ risk }) => isAtLeast(risk, this.#group.policy.blockFrom)),
    })
    if (this.#range.state === 'joined') this.#deps.count('range-joined')
    if (this.#range.state === 'blocked') this.#deps.count('range-blocked')
    await this.#examineBody(body)
  }

  #urlRated(results: readonly ScanResult[]): void {
    this.#url = results.length > 0 ? results : [failedEngine('url-rating', new Error('no answer'))]
  }

  #urlNotRated(error: unknown): void {
    this.#url = [failedEngine('url-rating', error)]
  }

  /** The scan begins where the body ends. */
  #examined(file: Examination): void {
    this.#file = file
    this.#scanMs = this.#deps.now() - this.#startedMs - this.#readMs
  }

  #openReader(): BodyReader {
    const { head } = this.#read()
    const contentLength = head?.transferEncoding === true ? undefined : head?.contentLength
    const mayTrickle =
      this.#group.trickle !== undefined &&
      this.#transaction.method === 'RESPMOD' &&
      this.#transaction.responseHead !== undefined
    this.#reader = new BodyReader(this.#transaction, {
      spool: this.#deps.spool,
      limits: this.#config.intake,
      contentLength,
      clock: this.#deps,
      startedMs: this.#startedMs,
      stream: streamRuleFor(this.#read(), this.#config.streams),
      onProgress: mayTrickle ? (size) => this.#considerTrickle(size) : undefined,
    })
    return this.#reader
  }

  /** Put off by a turn: a body that is whole in this very read keeps its block page. */
  #considerTrickle(size: number): void {
    const settings = this.#group.trickle
    if (settings === undefined || size < settings.afterBytes || this.#trickleAsked) return
    this.#trickleAsked = true
    setImmediate(() => {
      if (!this.#isTaken && !this.#hasReplied) this.#startTrickle()
    })
  }

  #startTrickle(): void {
    const settings = this.#group.trickle
    const head = originalHead(this.#original(undefined))
    const reader = this.#reader
    if (settings === undefined || head === undefined || reader === undefined) return
    this.#trickle = createTrickle(reader.intake.store, settings)
    this.#deps.count('trickled')
    this.#hasReplied = true
    const headers = { 'X-Response-Desc': responseDesc(urlText(this.#looked()), 'Scan in progress') }
    this.#trickled = this.#transaction.reply({
      status: 200,
      headers,
      section: 'res-hdr',
      head,
      body: this.#trickle.body,
    })
    // Awaited at the end; until then a failure must not be an unhandled one.
    this.#trickled.catch(() => undefined)
  }

  async #endTrickle(action: Action): Promise<void> {
    const rest = this.#restOfBody()
    if (passes(action) && rest !== undefined) this.#trickle?.release(rest)
    else {
      this.#deps.count('trickle-cut')
      this.#reader?.drop()
      this.#trickle?.cut()
    }
    await this.#trickled
  }

  /** The original from a position on; undefined where not all of it was kept. */
  #restOfBody(): ((from: number) => AsyncIterable<Buffer>) | undefined {
    const content = this.#body?.content
    const reader = this.#reader
    if (content === undefined || reader === undefined) return undefined
    if (!this.#isUnread) return (from) => contentBytes(content, from)
    const { maxPassMs } = this.#config.streams
    const count = this.#deps.count
    return async function* passOn(from) {
      yield* contentBytes(content, from)
      try {
        yield* reader.following(maxPassMs)
      } catch (error) {
        if (error instanceof StreamTooOld) count('stream-ended')
        throw error
      }
    }
  }

  #results(): readonly ScanResult[] {
    const url = this.#url ?? []
    if (this.#file.results.length > 0) return url.length === 0 ? this.#file.results : [...url, ...this.#file.results]
    if (!this.#transaction.hasBody) return url.length === 0 ? NOTHING_TO_SCAN : url
    return this.isBlockedByUrl() ? url : [...url, failedEngine('prescan', new Error('the body was not examined'))]
  }

  #details(): readonly string[] {
    const other = this.#read().otherHost
    const range = this.#range
    if (other === '' && this.#trickle === undefined && range?.state !== 'joined') return NO_DETAILS
    const details: string[] = []
    if (range?.state === 'joined')
      details.push(`ranges: ${range.parts} parts joined (${range.whole.size} bytes, SHA-256 ${range.whole.sha256})`)
    if (other !== '') details.push(`http: Host header names ${other}`)
    if (this.#trickle !== undefined)
      details.push(`trickle: ${this.#trickle.sentBytes} bytes had gone out before the verdict`)
    return details
  }

  #original(body: ReplyBody | undefined): Original {
    const { method: mode, requestHead, responseHead, hasBody } = this.#transaction
    const transferEncoding = this.#message?.head?.transferEncoding
    return { mode, requestHead, responseHead, transferEncoding, hasBody, body, size: this.#body?.size ?? 0 }
  }

  #looked(): Looked {
    return {
      url: this.#url,
      urlKnown: this.#read().context.url !== '',
      file: this.#file.results,
      hasBody: this.#transaction.hasBody,
    }
  }

  #replyContext(action: Action): ReplyContext {
    const { context } = this.#read()
    const looked = this.#looked()
    return {
      original: this.#original(this.#replyBody()),
      allows204: this.#transaction.allows204,
      send: this.#config.send,
      dialect: this.#group.dialect ?? 'trend',
      fileName: context.fileName,
      urlText: urlText(looked, action),
      fileText: fileText(looked, action),
      threats: threatNames(action),
      page: blockPage(action, {
        message: this.#read(),
        transaction: this.#transaction,
        id: this.#id,
        pages: this.#config.pages,
      }),
      headOnly: context.httpMethod === 'HEAD',
      unread: this.#isUnread,
    }
  }

  #replyBody(): ReplyBody | undefined {
    const content = this.#body?.content
    if (content === undefined) return undefined
    if (content.kind === 'memory' && !this.#isUnread) return content.bytes
    const rest = this.#restOfBody()
    return rest === undefined ? undefined : { [Symbol.asyncIterator]: () => rest(0)[Symbol.asyncIterator]() }
  }

  async #journalFailure(fault: Fault): Promise<void> {
    try {
      const result: ScanResult = {
        outcome: 'unscanned',
        engine: fault.engine,
        reason: fault.reason,
        detail: fault.detail,
      }
      const verdict = decideVerdict([...this.#results(), result])
      const action: Action = { type: 'error', reason: fault.reason }
      await this.journal({ verdict, action, reply: { status: fault.status, error: true } }, [])
    } catch (error) {
      this.#deps.failed(error, this.#id) // no record can be written: the client still gets its error
    }
  }
}

const ENDLESS = { reason: 'endless', detail: 'a stream without a stated length that did not end' } as const
const NO_DETAILS: readonly string[] = []
const TRICKLED: IcapReply = { status: 200, section: 'res-hdr', head: Buffer.alloc(0) }

function passes({ type }: Action): boolean {
  return type === 'allow-clean' || type === 'allow-unscanned' || type === 'allow-excluded'
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
