import { addressRange } from '../domain/ip-value.ts'
import type { ObjectType } from '../domain/suspicious-object.ts'

/** Longer texts are no object (`canonicalObject` takes 4,096 characters). */
const MAX_TEXT = 8192

/** Undoes what people write so that nobody clicks: hxxp, [.], (.), {.}, [dot], [:], [at] is left alone. */
export function refang(text: string): string {
  if (text.length > MAX_TEXT) return text
  return text
    .replace(/^h(?:xx|XX|tt|\*\*)p(s?)(?=:|\[:\])/i, 'http$1')
    .replace(/^(https?)(?:\[:\]|:)(?:\/\/|\[\/\/\]|\[\/\]\[\/\])/i, '$1://')
    .replace(/^(https?)\[:\/\/\]/i, '$1://')
    .replace(/[[({]\s?(?:\.|dot)\s?[\])}]/gi, '.')
    .replace(/\[:\]/g, ':')
}

export type Guess = ObjectType | 'md5' | 'unknown'

/** What one word of a plain list is, and its value refanged. */
export function guess(word: string): { readonly type: Guess; readonly value: string } {
  const value = refang(word)
  const hex = hashType(value)
  if (hex !== undefined) return { type: hex, value }
  if (addressRange(value) !== undefined) return { type: 'ip', value }
  // `1.2.3.4:8080`, as lists of command-and-control servers have it: the address is what is listed.
  const [, address = '', port] = /^(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})$/.exec(value) ?? []
  if (port !== undefined && addressRange(address) !== undefined) return { type: 'ip', value: address }
  if (/^https?:\/\//i.test(value)) return { type: 'url', value }
  if (/^[^\s/:@]+(?::\d{1,5})?\/\S*$/.test(value) && /^[^/]*\./.test(value)) return { type: 'url', value }
  if (/^(?:\*\.|\.)?[^\s/:@.]+(?:\.[^\s/:@.]+)+\.?$/.test(value))
    return { type: 'domain', value: value.replace(/^\./, '*.') }
  return { type: 'unknown', value }
}

function hashType(value: string): Guess | undefined {
  if (!/^[0-9a-f]{32,64}$/i.test(value)) return undefined
  return ({ 32: 'md5', 40: 'sha1', 64: 'sha256' } as const)[value.length as 32 | 40 | 64]
}
