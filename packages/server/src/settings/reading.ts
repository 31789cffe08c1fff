/** What became of one value: canonical, or everything that is wrong with it, each text to be read after the key. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly texts: readonly string[] }

export function taken<T>(value: T): Reading<T> {
  return { ok: true, value }
}

export function refused(...texts: readonly string[]): Reading<never> {
  return { ok: false, texts }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const SHOWN_CHARACTERS = 60

/** A value as a fault quotes it: short, one line, whatever it is. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}...`
}

/** At most `max` texts, then how many more there are: hostile input does not get a fault list as long as itself. */
export function firstOf(texts: readonly string[], max = 20): string[] {
  return texts.length <= max ? [...texts] : [...texts.slice(0, max), `has ${texts.length - max} more faults`]
}
