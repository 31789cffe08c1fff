import type { Range } from './byte-scanner.ts'

/** Properties that a mail's opener reads ([MS-OXPROPS]). */
export const PROPERTY = {
  subject: 0x0037,
  body: 0x1000,
  rtf: 0x1009,
  html: 0x1013,
  displayName: 0x3001,
  attachData: 0x3701,
  attachName: 0x3704,
  attachLongName: 0x3707,
  attachMime: 0x370e,
} as const

export const PROPERTY_TYPE = { object: 0x000d, string8: 0x001e, unicode: 0x001f, binary: 0x0102 } as const

export interface MapiProperty {
  readonly id: number
  readonly type: number
  /** Its value's bytes; of several values each one is a property. */
  readonly range: Range
  /** The value was longer than what is there. */
  readonly isCut: boolean
}

interface Bytes {
  read(offset: number, length: number): Buffer
}

/** [MS-OXCDATA] 2.11.1: bytes of the values that have a fixed size, as TNEF pads them. */
const FIXED: Readonly<Record<number, number>> = {
  2: 4,
  3: 4,
  4: 4,
  5: 8,
  6: 8,
  7: 8,
  10: 4,
  11: 4,
  20: 8,
  64: 8,
  72: 16,
}
const VARIABLE: readonly number[] = Object.values(PROPERTY_TYPE)
const MULTIPLE = 0x1000
const NAMED_FROM = 0x8000
const MAX_PROPERTIES = 20_000

/** [MS-OXTNEF] 2.1.3.5 MsgPropertyList. Ends where a type is unknown: nothing behind it can be found. */
export function* mapiProperties(bytes: Bytes, range: Range): Generator<MapiProperty, boolean> {
  const word = (at: number) => (at + 4 <= range.to ? bytes.read(at, 4) : Buffer.alloc(0))
  const number = (at: number) => {
    const four = word(at)
    return four.length === 4 ? four.readUInt32LE(0) : -1
  }
  const count = number(range.from)
  let at = range.from + 4
  for (let index = 0; index < count && index < MAX_PROPERTIES; index++) {
    const tag = number(at)
    if (tag < 0) return false
    const type = tag & 0xffff & ~MULTIPLE
    const id = tag >>> 16
    const isMultiple = (tag & MULTIPLE) !== 0
    at += 4
    if (id >= NAMED_FROM) {
      // A name: a number, or a text padded to four bytes.
      const isText = number(at + 16) === 1
      const length = isText ? number(at + 20) : 0
      if (length < 0) return false
      at += 24 + padded(length)
    }
    const isVariable = VARIABLE.includes(type)
    const fixed = FIXED[type]
    if (!isVariable && fixed === undefined) return false
    const values = isVariable || isMultiple ? number(at) : 1
    if (isVariable || isMultiple) at += 4
    if (values < 0) return false
    if (!isVariable) {
      at += (fixed as number) * values
      continue
    }
    for (let value = 0; value < values; value++) {
      const length = number(at)
      if (length < 0) return false
      at += 4
      const to = Math.min(range.to, at + length)
      yield { id, type, range: { from: at, to }, isCut: at + length > range.to }
      at += padded(length)
      if (at > range.to) return false
    }
  }
  return count >= 0 && count <= MAX_PROPERTIES
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4
}
