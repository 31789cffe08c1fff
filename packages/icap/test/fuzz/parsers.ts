import { isDeepStrictEqual } from 'node:util'
import { ChunkedDecoder } from '../../src/chunked-decoder.ts'
import { IcapError } from '../../src/errors.ts'
import { InputBuffer } from '../../src/input-buffer.ts'
import { DEFAULT_LIMITS, DEFAULT_STRICTNESS } from '../../src/limits.ts'
import { RequestReader } from '../../src/request-reader.ts'
import { BODIES, CORPUS } from './corpus.ts'
import { Mutator } from './mutate.ts'

/** What was wrong, and the bytes (latin1) that showed it. */
export interface Finding {
  readonly what: string
  readonly pieces: readonly string[]
}

export interface Report {
  readonly inputs: number
  readonly findings: readonly Finding[]
}

const MOST_FINDINGS = 20

/**
 * Feeds the parsers mutated bytes, whole and in pieces, for that many milliseconds. A parser must accept or refuse by an IcapError,
 * and do the same wherever the bytes are cut.
 */
export function fuzzParsers(seed: number, forMs: number): Report {
  const heads = new Mutator(seed, CORPUS)
  const bodies = new Mutator(seed + 1, BODIES)
  const findings: Finding[] = []
  let inputs = 0
  for (const end = performance.now() + forMs; performance.now() < end && findings.length < MOST_FINDINGS; inputs += 2) {
    tryBoth(heads, readRequests, findings)
    tryBoth(bodies, readBody, findings)
  }
  return { inputs, findings }
}

function tryBoth(mutator: Mutator, parse: (pieces: readonly string[]) => unknown, findings: Finding[]): void {
  const text = mutator.next()
  const pieces = mutator.pieces(text)
  try {
    const whole = parse([text])
    const cut = parse(pieces)
    if (!isDeepStrictEqual(whole, cut)) findings.push({ what: `${parse.name}: a cut changes the result`, pieces })
  } catch (error) {
    findings.push({ what: `${parse.name}: ${error}`, pieces })
  }
}

/** Runs the parser; an IcapError is a result, anything else is thrown. */
function resultOf(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    if (error instanceof IcapError) return 'refused'
    throw error
  }
}

function readRequests(pieces: readonly string[]): unknown {
  const reader = new RequestReader(DEFAULT_LIMITS, DEFAULT_STRICTNESS)
  const input = new InputBuffer()
  const heads: string[] = []
  return resultOf(() => {
    for (const piece of pieces) {
      input.append(Buffer.from(piece, 'latin1'))
      // A body would stand between two requests: only the first head is compared.
      const request = heads.length === 0 ? reader.read(input) : undefined
      if (request !== undefined) heads.push(request.head, String(request.requestHead), String(request.responseHead))
    }
    return heads
  })
}

function readBody(pieces: readonly string[]): unknown {
  const decoder = new ChunkedDecoder(DEFAULT_LIMITS)
  const data: Buffer[] = []
  let rest = ''
  return resultOf(() => {
    for (const piece of pieces) {
      if (decoder.done) {
        rest += piece
        continue
      }
      decoder.push(Buffer.from(piece, 'latin1'))
      for (let bytes = decoder.read(); bytes !== undefined; bytes = decoder.read()) data.push(Buffer.from(bytes))
      if (decoder.done) rest += decoder.takeRest().toString('latin1')
    }
    const { done, ieof, bodyBytes, useOriginalBody } = decoder
    return { done, ieof, bodyBytes, useOriginalBody, rest, data: Buffer.concat(data).toString('latin1') }
  })
}
