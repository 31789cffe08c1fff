import type { Transform } from 'node:stream'
import { constants, createBrotliDecompress, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib'
import { Unscanned } from '../domain/verdict.ts'

/** The codings that are understood. `deflate` is zlib by RFC 9110, raw deflate by some servers; browsers take both. */
export type Coding = 'gzip' | 'deflate' | 'br' | 'zstd'

export function codingNamed(name: string): Coding | undefined {
  switch (name) {
    case 'gzip':
    case 'x-gzip':
      return 'gzip'
    case 'deflate':
    case 'br':
    case 'zstd':
      return name
    default:
      return undefined
  }
}

/** Damage is approached in steps as small as the last, so that what stands before it is not lost with it; a step costs a thread's hand-over. */
const SALVAGE_STEPS = [1024, 16]
/** A body of which more was decoded already is not decoded twice for the last bytes before the damage. */
const SALVAGE_MAX = 1024 * 1024

export function malformed(coding: Coding, what: string, options?: ErrorOptions): Unscanned {
  return new Unscanned('malformed', `${coding} body ${what}`, options)
}

type Zlib = Transform & { readonly bytesWritten: number }

export interface EngineMaker {
  readonly coding: Coding
  make(): Zlib
  /** Tried where the first way fails before its first byte, as browsers do. */
  readonly otherwise?: EngineMaker
}

/** RFC 9659 3: nobody need take a window of more than 8 MiB. The library would allocate up to 128 MiB for a frame of a few bytes. */
const ZSTD_OPTIONS = { params: { [constants.ZSTD_d_windowLogMax]: 23 } }

const RAW_DEFLATE: EngineMaker = { coding: 'deflate', make: () => createInflateRaw() as Zlib }
const ZLIB_DEFLATE: EngineMaker = { coding: 'deflate', make: () => createInflate() as Zlib, otherwise: RAW_DEFLATE }

export function engineMaker(coding: Coding, start: Buffer): EngineMaker {
  switch (coding) {
    case 'gzip':
      return { coding, make: () => createInflateRaw() as Zlib }
    case 'deflate':
      return looksLikeZlib(start) ? ZLIB_DEFLATE : RAW_DEFLATE
    case 'br':
      return { coding, make: () => createBrotliDecompress() as Zlib }
    case 'zstd':
      return { coding, make: () => createZstdDecompress(ZSTD_OPTIONS) as Zlib }
  }
}

/** RFC 1950 2.2: method 8, and the first two bytes divide by 31. */
function looksLikeZlib(bytes: Buffer): boolean {
  const [first = 0, second = 0] = bytes
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0
}

/** One decompressor of the runtime, fed a chunk at a time. */
export class Engine {
  #maker: EngineMaker
  readonly #out: (chunk: Buffer) => void | Promise<void>
  /** What was fed, for the second try at damage; dropped when it grows too long. */
  #fed: Buffer[] | undefined = []
  #fedBytes = 0
  #delivered = 0
  #skip = 0
  #zlib: Zlib
  #fault: unknown
  /** The taker of the last chunk, while it holds back; never rejects. */
  #taking: Promise<void> | undefined
  #takerFault: unknown
  #settle: (() => void) | undefined
  #ended = false

  constructor(maker: EngineMaker, out: (chunk: Buffer) => void | Promise<void>) {
    this.#maker = maker
    this.#out = out
    this.#zlib = this.#open()
  }

  /** The bytes behind the end of this member; undefined while it goes on. */
  async feed(chunk: Buffer): Promise<Buffer | undefined> {
    const before = this.#fedBytes
    try {
      await this.#give(chunk)
    } catch (error) {
      if (!(await this.#otherwise(chunk))) {
        await this.#salvage(chunk)
        throw error
      }
    }
    this.#remember(chunk)
    // Bytes that were not taken: the member ended before them. What came out of it may still wait for a slow taker.
    if (!this.#ended && this.#zlib.bytesWritten < this.#fedBytes) await this.#wait(() => undefined)
    return this.#ended ? chunk.subarray(this.#zlib.bytesWritten - before) : undefined
  }

  /** Whether the member was whole. */
  async end(): Promise<boolean> {
    if (this.#ended) return true
    try {
      await this.#wait(() => this.#zlib.end())
      return true
    } catch (error) {
      if (isDamage(error)) return false
      throw error
    }
  }

  close(): void {
    this.#zlib.destroy()
  }

  #open(): Zlib {
    const zlib = this.#maker.make()
    zlib.on('data', (chunk: Buffer) => this.#deliver(zlib, chunk))
    zlib.on('end', () => {
      this.#ended = true
      this.#settle?.()
    })
    zlib.on('error', (error) => this.#fail(error))
    return zlib
  }

  #deliver(zlib: Zlib, chunk: Buffer): void {
    if (zlib !== this.#zlib || this.#fault !== undefined) return
    const fresh = chunk.subarray(Math.min(this.#skip, chunk.length))
    this.#skip -= chunk.length - fresh.length
    if (fresh.length === 0) return
    this.#delivered += fresh.length
    try {
      const wait = this.#out(fresh)
      if (wait instanceof Promise) this.#holdBack(zlib, wait)
    } catch (error) {
      this.#fail(error)
    }
  }

  #holdBack(zlib: Zlib, wait: Promise<void>): void {
    zlib.pause()
    this.#taking = wait.then(
      () => void zlib.resume(),
      (error: unknown) => {
        this.#takerFault ??= error
        this.#fail(error)
      },
    )
  }

  #fail(error: unknown): void {
    this.#fault ??= error
    this.#zlib.destroy()
    this.#settle?.()
  }

  #give(chunk: Buffer): Promise<void> {
    return this.#wait((done) => this.#zlib.write(chunk, () => done()))
  }

  async #wait(start: (done: () => void) => void): Promise<void> {
    // A taker may have failed since the last wait: what is destroyed tells of no end any more.
    if (this.#fault === undefined)
      await new Promise<void>((resolve) => {
        this.#settle = resolve
        start(resolve)
      })
    // Damage may be seen while the taker still has what came before it; what it says of that goes first.
    await this.#taking
    this.#fault = this.#takerFault ?? this.#fault
    if (this.#fault !== undefined) throw this.#named(this.#fault)
  }

  #named(fault: unknown): unknown {
    const { coding } = this.#maker
    if (isDamage(fault)) return malformed(coding, 'is damaged', { cause: fault })
    if (codeOf(fault) !== WINDOW_TOO_LARGE) return fault
    return new Unscanned('bomb', `${coding} body wants more memory than a browser would give it`, { cause: fault })
  }

  #remember(chunk: Buffer): void {
    this.#fedBytes += chunk.length
    if (this.#fedBytes > SALVAGE_MAX || this.#delivered > SALVAGE_MAX) this.#fed = undefined
    this.#fed?.push(chunk)
  }

  /** A raw deflate stream may begin like a zlib one; true where it was that. */
  async #otherwise(chunk: Buffer): Promise<boolean> {
    const other = this.#maker.otherwise
    if (other === undefined || this.#delivered > 0 || this.#fed === undefined || !isDamage(this.#fault)) return false
    this.#maker = other
    this.#fault = undefined
    this.#zlib = this.#open()
    try {
      for (const piece of [...this.#fed, chunk]) await this.#give(piece)
      return true
    } catch (error) {
      if (error instanceof Unscanned && error.reason === 'malformed') return false
      throw error
    }
  }

  /** The runtime drops what a failing step had decoded. So the same bytes are fed once more, in ever smaller steps up to the damage. */
  async #salvage(chunk: Buffer): Promise<void> {
    let damaged = chunk
    const sound: Buffer[] = []
    for (const step of SALVAGE_STEPS) {
      if (this.#fed === undefined || this.#fault instanceof Unscanned || !isDamage(this.#fault)) return
      this.#fault = undefined
      this.#skip = this.#delivered
      this.#zlib = this.#open()
      const at = await this.#giveSteps([...this.#fed, ...sound], damaged, step)
      sound.push(damaged.subarray(0, at))
      damaged = damaged.subarray(at, at + step)
    }
  }

  /** How many bytes of the last piece were taken, in such steps, before the damage. */
  async #giveSteps(pieces: readonly Buffer[], last: Buffer, step: number): Promise<number> {
    let at = 0
    try {
      for (const piece of pieces) await this.#give(piece)
      for (; at < last.length && !this.#ended; at += step) await this.#give(last.subarray(at, at + step))
    } catch (error) {
      if (!(error instanceof Unscanned) || error.reason !== 'malformed') throw error
    }
    return at
  }
}

const WINDOW_TOO_LARGE = 'ZSTD_error_frameParameter_windowTooLarge'

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? ''
}

/** A decompressor's own complaint about its input, as opposed to a failure of ours (no memory, not started). */
function isDamage(error: unknown): boolean {
  const code = codeOf(error)
  if (code === WINDOW_TOO_LARGE || /mem|alloc|init/i.test(code)) return false
  return code.startsWith('Z_') || code.startsWith('ERR_') || code.startsWith('ZSTD_')
}
