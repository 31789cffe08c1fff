import { createInflateRaw, createZstdDecompress, constants as zlib } from 'node:zlib'
import { Unscanned } from '../../domain/verdict.ts'
import { Engine, type EngineMaker } from '../decode-engine.ts'
import type { Damage } from '../opener.ts'

type Zlib = ReturnType<EngineMaker['make']>

const CHUNK_BYTES = 64 * 1024

export const RAW_INFLATE: EngineMaker = {
  coding: 'deflate',
  make: () => createInflateRaw({ chunkSize: CHUNK_BYTES }) as unknown as Zlib,
}

/** What the zstd program takes without being told (`--long=27`); the memory is touched only as far as the frame fills it. */
const ZSTD_WINDOW_LOG = 27

export const ZSTD_FRAME: EngineMaker = {
  coding: 'zstd',
  make: () =>
    createZstdDecompress({
      chunkSize: CHUNK_BYTES,
      params: { [zlib.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
    }) as unknown as Zlib,
}

export interface DecodeEnd {
  /** Packed bytes that belong to the stream; up to the damage where it is damaged, in steps of what was read. */
  readonly consumed: number
  /** Set where the stream did not come to its own end. */
  readonly damage: Damage | undefined
  /** What was read and lies behind the end. */
  readonly rest: Buffer
}

/**
 * Decodes one stream to its own end, wherever somebody says it ends. Back-pressure by the promise of `out`, whose errors pass.
 * node:zlib does the work; our part is what it does not give: where the stream ended and what stands before a damage.
 */
export async function decodeStream(
  maker: EngineMaker,
  pieces: AsyncIterable<Buffer>,
  out: (chunk: Buffer) => void | Promise<void>,
): Promise<DecodeEnd> {
  const engine = new Engine(maker, out)
  let consumed = 0
  try {
    for await (const piece of pieces) {
      const rest = await engine.feed(piece)
      consumed += piece.length - (rest?.length ?? 0)
      if (rest !== undefined) return { consumed, damage: undefined, rest }
    }
    const whole = consumed > 0 && (await engine.end())
    return { consumed, damage: whole ? undefined : damaged('is cut short'), rest: NOTHING }
  } catch (error) {
    return { consumed, damage: damageOf(error), rest: NOTHING }
  } finally {
    engine.close()
  }
}

const NOTHING = Buffer.alloc(0)

export function damaged(what: string): Damage {
  return { reason: 'malformed', detail: `its data ${what}` }
}

/** The decoder's own complaints have a cause; what else comes (the budget, the deadline) is nobody's damage. */
function damageOf(error: unknown): Damage {
  if (!(error instanceof Unscanned) || error.cause === undefined) throw error
  return { reason: error.reason, detail: error.message }
}
