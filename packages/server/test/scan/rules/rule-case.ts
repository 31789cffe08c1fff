/** Stands inside words of samples, so that no scanner, ours included, takes the files of these tests for what they are about. */
const CUT = '¦'

export interface RuleCase {
  readonly rule: string
  /** Latin-1 text that the rule must match; inert: words without a working program. `¦` is taken out. */
  readonly hit: string
  /** What is changed in the sample to make it the near-miss, which the rule must not match. */
  readonly swap: readonly [from: string, to: string]
  /** Why the near-miss is no match. */
  readonly because: string
  /** Rules of the pack that match the sample too, and rightly. */
  readonly also?: readonly string[]
  readonly moreHits?: readonly string[]
  readonly moreMisses?: readonly string[]
}

export function cut(text: string): string {
  return text.replaceAll(CUT, '')
}

/** The sample with its one change. Throws where the sample does not hold what is to be changed. */
export function missOf({ rule, hit, swap: [from, to] }: RuleCase): string {
  const text = cut(hit)
  if (!text.includes(cut(from))) throw new Error(`${rule}: the sample does not hold ${JSON.stringify(cut(from))}`)
  return text.replaceAll(cut(from), cut(to))
}

/** UTF-16LE as Latin-1 text. */
export function wide(text: string): string {
  return Buffer.from(cut(text), 'utf16le').toString('latin1')
}

export function base64(text: string): string {
  return Buffer.from(cut(text), 'latin1').toString('base64')
}

/** Bytes by their hexadecimal digits, spaces aside. */
export function hex(digits: string): string {
  return Buffer.from(cut(digits).replaceAll(' ', ''), 'hex').toString('latin1')
}
