import type { ContentView } from '../content-view.ts'
import { MarkSearch } from './mark-search.ts'

/** Past this, whoever opens it looks for the marks part by part. */
export const WHOLE = 4 * 1024 * 1024
const STEP = 1024 * 1024
const OVERLAP = 128

/**
 * What is worth unfolding in a page's script. Every page's scripts pass here, so a word that stands in every library counts only
 * where constants follow at once.
 */
const MARKS = new MarkSearch([
  { word: 'activexobject', next: /^\s{0,4}\(\s{0,4}[^)]{0,20}(?:shell|adodb|scripting|\+|["']\w{1,20}["']\s{0,4}\+)/i },
  { word: 'wscript.' },
  { word: 'wscript"' },
  { word: 'powershell' },
  { word: 'script.encode' },
  { word: 'mssaveoropenblob' },
  { word: '/dev/tcp/' },
  { word: 'adodb' },
  { word: 'mshta' },
  { word: 'fromcharcode(', next: /^\s{0,4}(?:0x[0-9a-f]{1,2}|\d{2,3})\s{0,4},\s{0,4}(?:0x[0-9a-f]{1,2}|\d{2,3})\s{0,4},/i },
  { word: 'unescape(', next: /^\s{0,4}["']%[0-9a-f]{2}%[0-9a-f]{2}%/i },
  { word: 'atob(', next: /^\s{0,4}["'][\w+/=]{16}/ },
  { word: 'eval(', next: /^\s{0,4}(?:atob|unescape|String\.|\[["']|["']\\)/ },
  // Archives and programs in base 64 or as numbers.
  { word: 'uesdb' },
  { word: 'tvqqa' },
  { word: 'n3q8rycc' },
  { word: 'umfyiro' },
  { word: '0m8r4kgx' },
  { word: 'h4siaaa' },
  { word: 'tvndrgaaa' },
  { word: '80,75,3,4' },
  { word: '77,90,144' },
  { word: '0x50,0x4b' },
  { word: '0x4d,0x5a' },
  { word: 'child_process', next: /^["']\)\s{0,4}\.\s{0,4}exec/ },
]) // biome-ignore format: a table

/** Whether a JavaScript shows a reason to look closer. In UTF-16, or past 4 MiB, it is looked into without asking. */
export function hasScriptMarks(view: ContentView): boolean {
  if (isWide(view.head) || view.size > WHOLE) return true
  if (view.head.length === view.size) return hasMarks(view.head)
  for (let at = 0; at < view.size; at += STEP - OVERLAP) if (hasMarks(view.read(at, STEP))) return true
  return false
}

export function hasMarks(bytes: Buffer): boolean {
  return MARKS.first(bytes) !== undefined
}

/** The words of a UTF-16 text stand apart. */
function isWide([first, second]: Buffer): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || first === 0 || second === 0
}
