import type { ContentView } from '../content-view.ts'
import { MarkSearch } from '../scripts/mark-search.ts'

/** A page is searched for marks up to here; a larger one is looked into without asking. */
const WHOLE = 2 * 1024 * 1024

/** Pictures and fonts in data: URIs are on every page; what follows `base64,` tells whether it is one. */
const NOT_MEDIA =
  /^(?!\s{0,4}(?:iVBORw|\/9j\/|R0lGOD|UklGR|d09G|PHN2Zy|PD94bW|AAABAA|AAEAAA|T1RUTw|Qk[01]|AAAAI|SUkq|T2dn|SUQz|\/\/[uv]|["'`]))/

/**
 * What makes a page worth a closer look; the commonest type on the default path passes here. The words that stand on every page
 * (`<script`, `document.write`) are not among them, those that smuggling, lures and scripts of old browsers need are.
 */
const MARKS = new MarkSearch([
  { word: 'base64,', next: NOT_MEDIA },
  { word: 'data:text/html', next: /^[;,]/ },
  { word: 'data:application/', next: /^(?!font|x-font|vnd\.ms-fontobject|json)/ },
  { word: 'new blob(' },
  { word: 'new file(' },
  // A ZIP, programs, 7z, RAR, an OLE file, gzip, a cabinet in base 64: by whatever words a script gets at it.
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
  { word: '.reverse(', next: /^\s{0,4}\)\s{0,4}\.\s{0,4}join/ },
  { word: 'uint8array(', next: /^\s{0,4}\[\s{0,4}(?:0x[0-9a-f]{1,2}|\d{1,3})\s{0,4},\s{0,4}(?:0x[0-9a-f]{1,2}|\d{1,3})\s{0,4},/i },
  { word: 'mssaveoropenblob' },
  { word: 'mssaveblob' },
  { word: 'createobjecturl' },
  { word: 'atob(' },
  { word: 'fromcharcode(' },
  { word: 'unescape(', next: /^\s{0,4}["']%(?!3Cscript%20)/i },
  { word: 'document.write(', next: /^\s{0,4}(?:atob|unescape|decodeURI|String|["']\\x)/ },
  { word: 'activexobject', next: /^\s{0,4}\(\s{0,4}(?!["']?(?:microsoft\.xmlhttp|msxml2))/i },
  { word: 'vbscript' },
  { word: 'script.encode' },
  { word: 'wscript.' },
  { word: '<object' },
  { word: '<embed' },
  { word: 'powershell' },
  { word: 'mshta' },
  { word: 'clipboard', next: /^(?:\.write|data\.setdata)/i },
  { word: 'execcommand(', next: /^\s{0,4}["']copy/i },
  { word: 'api.telegram.org/bot' },
  { word: 'search-ms:' },
  { word: 'ms-msdt:' },
  { word: '"refresh"', next: /^[^>]{0,40}(?:data:|javascript:)/i },
  { word: 'foreignobject' },
]) // biome-ignore format: a table

export function hasPageMarks(view: ContentView): boolean {
  if (isWide(view.head)) return true
  if (view.size > WHOLE) return true
  for (let at = 0; at < view.size; at += STEP - OVERLAP) {
    const bytes = view.head.length === view.size ? view.head : view.read(at, STEP)
    if (MARKS.first(bytes) !== undefined) return true
    if (bytes === view.head || bytes.length === 0) return false
  }
  return false
}

const STEP = 1024 * 1024
const OVERLAP = 128

/** UTF-16 pages are rare, and their words stand apart. */
function isWide(head: Buffer): boolean {
  return (
    (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff) || head[1] === 0 || head[0] === 0
  )
}

const SVG_MARKS = new MarkSearch([
  { word: '<script' },
  { word: ':script' },
  { word: 'foreignobject' },
  { word: 'javascript:' },
  { word: 'base64,', next: NOT_MEDIA },
  { word: 'data:text/html' },
  { word: 'data:application/' },
  { word: 'onload=' },
  { word: 'onload =' },
  { word: 'onclick=' },
  { word: 'onbegin=' },
  { word: 'onmouseover=' },
  { word: '<iframe' },
  { word: '<!entity' },
]) // biome-ignore format: a table

export function hasSvgMarks(view: ContentView): boolean {
  if (isWide(view.head) || view.size > WHOLE) return true
  const bytes = view.head.length === view.size ? view.head : Buffer.concat([view.read(0, STEP), view.read(STEP, STEP)])
  return SVG_MARKS.first(bytes) !== undefined
}
