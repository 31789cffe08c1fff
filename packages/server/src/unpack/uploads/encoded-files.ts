import { Unscanned } from '../../domain/verdict.ts'
import type { Range } from '../mail/byte-scanner.ts'
import { UuDecoder, uuName, YEncDecoder, yEncName } from '../mail/line-codecs.ts'
import type { TextSource } from './narrow-text.ts'

/** A uuencoded or yEnc file inside a text, from the line behind its opening one to the next opening one. */
export interface EncodedFile {
  readonly range: Range
  /** As its opening line has it, one char a byte. */
  readonly name: string
  readonly decoder: () => UuDecoder | YEncDecoder
}

export const UU_MARKS = [Buffer.from('begin '), Buffer.from('begin-base64 ')] as const
export const YENC_MARK = Buffer.from('=ybegin ')
const MARKS = [...UU_MARKS, YENC_MARK]
const WINDOW_BYTES = 256 * 1024
const MAX_LINE = 1200

interface Opening {
  readonly at: number
  readonly to: number
  readonly name: string
  readonly decoder: EncodedFile['decoder']
}

/** In order. A file whose last line is missing ends where the next one begins. */
export function encodedFiles(text: TextSource, most: number, signal: AbortSignal): EncodedFile[] {
  const found = new Map<number, Opening>()
  for (let at = 0; at < text.size; at += WINDOW_BYTES - MAX_LINE) {
    if (signal.aborted) throw new Unscanned('timeout', 'encoded files were not all found')
    const window = text.read(at, WINDOW_BYTES)
    for (const mark of MARKS) collect(window, at, mark, found)
    if (found.size > most) throw new Unscanned('bomb', 'more encoded files than members are allowed')
    if (window.length < WINDOW_BYTES) break
  }
  const openings = [...found.values()].sort((a, b) => a.at - b.at)
  return openings.map(({ to, name, decoder }, index) => {
    const next = openings[index + 1]?.at ?? text.size
    return { range: { from: to, to: Math.max(to, next) }, name, decoder }
  })
}

function collect(window: Buffer, base: number, mark: Buffer, found: Map<number, Opening>): void {
  for (let from = window.indexOf(mark); from >= 0; from = window.indexOf(mark, from + mark.length)) {
    const before = from === 0 ? (base === 0 ? 0x0a : 0) : window[from - 1]
    if (before !== 0x0a && before !== 0x0d) continue
    const line = /^[^\r\n]{0,1199}/.exec(window.toString('latin1', from, from + MAX_LINE))?.[0] ?? ''
    const opening = openingOf(line)
    const at = base + from
    // The windows overlap: it may have been seen.
    if (opening !== undefined && !found.has(at)) found.set(at, { at, to: at + line.length, ...opening })
  }
}

function openingOf(line: string): Pick<Opening, 'name' | 'decoder'> | undefined {
  const uu = uuName(line)
  if (uu !== undefined) return { name: uu, decoder: () => new UuDecoder(true, line.startsWith('begin-base64')) }
  const yEnc = yEncName(line)
  return yEnc === undefined ? undefined : { name: yEnc, decoder: () => new YEncDecoder() }
}
