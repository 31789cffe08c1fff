import { createHash, type Hash, hash } from 'node:crypto'
import type { Content } from '../domain/sample.ts'
import type { UnscannedReason } from '../domain/verdict.ts'
import { BodyStore } from './body-store.ts'
import type { IntakeLimits } from './handler-deps.ts'
import type { Spool } from './spool.ts'

/** Bodies up to this size are hashed in one call at the end: a Hash object costs more than it saves. */
const ONE_SHOT_BYTES = 64 * 1024

/** A body that was taken in. `content` is the intake's: `discard` frees it. */
export interface TakenBody {
  /** undefined: not all of it was kept, so it can be neither scanned nor given back. */
  readonly content: Content | undefined
  readonly size: number
  readonly sha256: string
  /** '' where not asked for. */
  readonly sha1: string
  readonly md5: string
  readonly unscanned: { readonly reason: UnscannedReason; readonly detail: string } | undefined
}

const NOT_KEPT = { reason: 'no-space', detail: 'body was not kept' } as const

interface Digests {
  readonly sha256: Hash
  readonly sha1: Hash | undefined
  readonly md5: Hash | undefined
}

/** Takes one body in while it streams: hashes it and keeps it, in memory or in the spool. */
export class Intake {
  readonly store: BodyStore
  readonly #limits: IntakeLimits
  #digests: Digests | undefined

  constructor(spool: Spool, limits: IntakeLimits) {
    this.store = new BodyStore(spool, limits)
    this.#limits = limits
  }

  get size(): number {
    return this.store.size
  }

  write(chunk: Buffer): void | Promise<void> {
    if (this.#digests !== undefined) this.#update(this.#digests, chunk)
    else if (this.store.size + chunk.length > ONE_SHOT_BYTES) {
      this.#digests = this.#startDigests()
      const before = this.store.bytesInMemory()
      if (before.length > 0) this.#update(this.#digests, before)
      this.#update(this.#digests, chunk)
    }
    return this.store.write(chunk)
  }

  /** To be called once, after the last byte. */
  finish(): TakenBody | Promise<TakenBody> {
    const hashes = this.#digests === undefined ? this.#oneShot(this.store.bytesInMemory()) : digest(this.#digests)
    const content = this.store.finish()
    return content instanceof Promise ? content.then((kept) => this.#taken(kept, hashes)) : this.#taken(content, hashes)
  }

  discard(): void {
    this.store.discard()
  }

  #taken(content: Content | undefined, hashes: Pick<TakenBody, 'sha256' | 'sha1' | 'md5'>): TakenBody {
    return {
      content,
      size: this.store.size,
      sha256: hashes.sha256,
      sha1: hashes.sha1,
      md5: hashes.md5,
      unscanned: content === undefined ? (this.store.full ?? NOT_KEPT) : undefined,
    }
  }

  #oneShot(bytes: Buffer): Pick<TakenBody, 'sha256' | 'sha1' | 'md5'> {
    return {
      sha256: hash('sha256', bytes),
      sha1: this.#limits.sha1 ? hash('sha1', bytes) : '',
      md5: this.#limits.md5 ? hash('md5', bytes) : '',
    }
  }

  #startDigests(): Digests {
    return {
      sha256: createHash('sha256'),
      sha1: this.#limits.sha1 ? createHash('sha1') : undefined,
      md5: this.#limits.md5 ? createHash('md5') : undefined,
    }
  }

  #update(digests: Digests, chunk: Buffer): void {
    digests.sha256.update(chunk)
    digests.sha1?.update(chunk)
    digests.md5?.update(chunk)
  }
}

function digest(digests: Digests): Pick<TakenBody, 'sha256' | 'sha1' | 'md5'> {
  return {
    sha256: digests.sha256.digest('hex'),
    sha1: digests.sha1?.digest('hex') ?? '',
    md5: digests.md5?.digest('hex') ?? '',
  }
}
