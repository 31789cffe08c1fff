import type { ContentView } from '../content-view.ts'
import { MarkSearch } from './mark-search.ts'

const WHOLE = 4 * 1024 * 1024
const EDGE = 256 * 1024

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
  { word: 'child_process', next: /^["']\)\s{0,4}\.\s{0,4}exec/ },
]) // biome-ignore format: a table

/** Whether a JavaScript shows a reason to look closer. Past 4 MiB, or where it lies in a file, its two ends are asked. */
export function hasScriptMarks(view: ContentView): boolean {
  return windows(view).some((bytes) => MARKS.first(bytes) !== undefined)
}

function windows(view: ContentView): Buffer[] {
  if (view.head.length === view.size && view.size <= WHOLE) return [view.head]
  return [view.read(0, EDGE), view.tail(EDGE)]
}
