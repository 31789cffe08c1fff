import type { Finding } from '../opener.ts'

interface Mark {
  readonly pattern: RegExp
  readonly what: string
  /** A word that must stand in the text too. */
  readonly also?: string
}

/**
 * Calls and shapes that only exploits have; every repetition is bounded. References: CVE-2008-2992 (util.printf), CVE-2007-5659
 * (collectEmailInfo), CVE-2009-0927 (getIcon), CVE-2009-4324 (newPlayer), CVE-2009-1493 (customDictionaryOpen).
 */
const EXPLOITS: readonly Mark[] = [
  { pattern: /util\s{0,9}\.\s{0,9}printf\s{0,9}\(\s{0,9}["']%\d{3,}/, what: 'util.printf with an immense width' },
  { pattern: /Collab\s{0,9}\.\s{0,9}(?:collectEmailInfo|getIcons?)\s{0,9}\(/, what: 'Collab call of known exploits' },
  { pattern: /media\s{0,9}\.\s{0,9}newPlayer\s{0,9}\(\s{0,9}null/, what: 'media.newPlayer(null)' },
  { pattern: /spell\s{0,9}\.\s{0,9}customDictionaryOpen\s{0,9}\(/, what: 'spell.customDictionaryOpen' },
  { pattern: /(?:%u(?:0c0c|0d0d|0a0a|9090|4141)){2}/i, what: 'heap spray' },
  { pattern: /\.length\s{0,9}<=?\s{0,9}(?:0x[0-9a-f]{4,8}|\d{5,9})/i, also: 'unescape', what: 'heap spray loop' },
  { pattern: /exportDataObject\s{0,9}\([^)]{0,200}nLaunch\s{0,9}:\s{0,9}[12]/, what: 'exportDataObject that opens the attachment' },
] // biome-ignore format: a table

const HIDING: readonly Mark[] = [
  { pattern: /\beval\s{0,9}\(/, what: 'eval' },
  { pattern: /\bunescape\s{0,9}\(/, what: 'unescape' },
  { pattern: /String\s{0,9}(?:\.\s{0,9}fromCharCode|\[["']fromCharCode)/, what: 'fromCharCode' },
  { pattern: /\bthis\s{0,9}\[\s{0,9}["'+]|\bapp\s{0,9}\[\s{0,9}["']/, what: 'calls by computed name' },
]

/** What forms and viewers' settings call; a script of nothing else is everyday work. */
const EVERYDAY =
  /^\s{0,99}(?:AF[A-Z]\w{1,40}|this\.(?:print|zoom|pageNum|calculate|resetForm|dirty|layout)|app\.(?:alert|fs|calculate|execMenuItem))\b/

const LOOKED_AT = 1024 * 1024

export interface ScriptFacts {
  readonly text: string
  readonly where: string
  readonly offset: number
  readonly isAutomatic: boolean
}

/** Findings of one script, by its own text. */
export function judgeScript({ text, where, offset, isAutomatic }: ScriptFacts): Finding[] {
  const part = text.slice(0, LOOKED_AT)
  const exploit = EXPLOITS.find(
    ({ pattern, also }) => (also === undefined || part.includes(also)) && pattern.test(part),
  )
  if (exploit !== undefined) {
    const detail = `${where}: ${exploit.what}`
    return [{ name: 'Pdf.ExploitScript', risk: 'high', attack: 'T1203', detail, offset }]
  }
  const hiding = HIDING.filter(({ pattern }) => pattern.test(part)).map(({ what }) => what)
  if (hiding.includes('eval') && hiding.length > 1) {
    const detail = `${where}: ${hiding.join(', ')}`
    return [{ name: 'Pdf.ObfuscatedScript', risk: isAutomatic ? 'high' : 'medium', attack: 'T1027', detail, offset }]
  }
  return []
}

export function isEveryday(text: string): boolean {
  return text.length < 4096 && text.split(';').every((part) => part.trim() === '' || EVERYDAY.test(part))
}
