import { type Coding, Engine, engineMaker, malformed } from './decode-engine.ts'

/** RFC 1952 2.3: the length of a gzip member's header; 'short' where more bytes are needed, 'none' where it is no gzip. */
export function gzipHeaderBytes(bytes: Buffer): number | 'short' | 'none' {
  const magic = [0x1f, 0x8b, 0x08]
  for (const [index, value] of magic.entries()) {
    if (index < bytes.length && bytes[index] !== value) return 'none'
  }
  if (bytes.length < 10) return 'short'
  const flags = bytes[3] ?? 0
  let at = 10
  if (flags & 0x04) at += 2 + (bytes.length >= 12 ? bytes.readUInt16LE(10) : 0)
  for (const flag of [0x08, 0x10]) {
    if (!(flags & flag)) continue
    const end = at < bytes.length ? bytes.indexOf(0, at) : -1
    if (end < 0) return 'short'
    at = end + 1
  }
  if (flags & 0x02) at += 2
  return at <= bytes.length ? at : 'short'
}

/** A gzip header longer than this (name, comment, extra field) is an attack. */
const MAX_HEADER = 64 * 1024 + 1024

type State = 'header' | 'data' | 'trailer' | 'between' | 'done'

/** One layer. Feed it, then `end` it; both throw Unscanned('malformed') at damage, after everything before it was handed on. */
export class DecodeStage {
  readonly #coding: Coding
  readonly #out: (chunk: Buffer) => void | Promise<void>
  #state: State
  #held: Buffer = Buffer.alloc(0)
  #engine: Engine | undefined
  #members = 0
  #fault: unknown

  constructor(coding: Coding, out: (chunk: Buffer) => void | Promise<void>) {
    this.#coding = coding
    this.#out = out
    this.#state = 'header'
  }

  async write(chunk: Buffer): Promise<void> {
    if (this.#fault !== undefined) throw this.#fault
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    try {
      while (this.#held.length > 0 && (await this.#step()));
    } catch (error) {
      this.#fault = error
      throw error
    }
  }

  async end(): Promise<void> {
    if (this.#fault !== undefined) return
    if (this.#state === 'header' && this.#members === 0 && this.#held.length === 0) return
    const whole = this.#state === 'between' || this.#state === 'done' || (await this.#endsHere())
    if (!whole) throw malformed(this.#coding, 'is cut short')
  }

  close(): void {
    this.#engine?.close()
  }

  /** One step on the held bytes; false when it needs more of them. */
  #step(): boolean | Promise<boolean> {
    switch (this.#state) {
      case 'header':
        return this.#readHeader()
      case 'data':
        return this.#readData()
      case 'trailer':
        return this.#readTrailer()
      case 'between':
        return this.#readBetween()
      case 'done':
        throw malformed(this.#coding, 'is followed by other bytes')
    }
  }

  #readHeader(): boolean {
    if (this.#coding === 'deflate' && this.#held.length < 2) return false
    if (this.#coding === 'gzip') {
      const length = gzipHeaderBytes(this.#held)
      if (length === 'none')
        throw malformed('gzip', this.#members === 0 ? 'has no gzip header' : 'is followed by other bytes')
      if (length === 'short') {
        if (this.#held.length > MAX_HEADER) throw malformed('gzip', 'has an endless header')
        return false
      }
      this.#held = this.#held.subarray(length)
    }
    this.#engine = new Engine(engineMaker(this.#coding, this.#held), this.#out)
    this.#members++
    this.#state = 'data'
    return true
  }

  async #readData(): Promise<boolean> {
    const chunk = this.#held
    this.#held = Buffer.alloc(0)
    const rest = await this.#engine?.feed(chunk)
    if (rest === undefined) return false
    this.#held = rest
    this.#engine?.close()
    this.#state = this.#coding === 'gzip' ? 'trailer' : 'between'
    return true
  }

  /** RFC 1952: CRC-32 and length. Browsers show a body whose CRC is wrong, so it is scanned like any other and not compared. */
  #readTrailer(): boolean {
    if (this.#held.length < 8) return false
    this.#held = this.#held.subarray(8)
    this.#state = 'between'
    return true
  }

  #readBetween(): boolean {
    this.#state = this.#coding === 'gzip' || this.#coding === 'zstd' ? 'header' : 'done'
    return true
  }

  async #endsHere(): Promise<boolean> {
    return this.#state === 'data' && this.#engine !== undefined && (await this.#engine.end()) && this.#coding !== 'gzip'
  }
}
