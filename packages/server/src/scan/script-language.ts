import { type TrueType, typeNamed } from './true-types.ts'

const HTML = typeNamed('html')
const HTA = typeNamed('hta')
const SVG = typeNamed('svg')
const XML = typeNamed('xml')
const WSF = typeNamed('wsf')
const JSON_TEXT = typeNamed('json')
const TEXT = typeNamed('text')
const EML = typeNamed('eml')
const MBOX = typeNamed('mbox')
const FORM = typeNamed('form')
const JS = typeNamed('js')
const VBS = typeNamed('vbs')
const PS1 = typeNamed('ps1')
const BAT = typeNamed('bat')
const PHP = typeNamed('php')
const VBE = typeNamed('vbe')

/** Small text files that Windows acts on at a double click. */
const URL_SHORTCUT = typeNamed('url')
const REG = typeNamed('reg')
const INF = typeNamed('inf')
const IQY = typeNamed('iqy')

const TAGS = /<(?:!doctype html|html|head|body|script|iframe|title|meta|table|div|style|object|embed|a href)\b/i
/** RFC 2046 5.1: a part with a head of its own behind the first delimiter; RFC 4155: the separator line of a mailbox. */
const PARTS = /^--[^\r\n]{1,200}\r?\ncontent-[a-z-]{1,40}:/i
const MAILBOX = /^From [^\r\n]{1,500}\d{4}\r?\n[\w-]{1,60}:/
const MAIL = /^(?:received|from|to|subject|date|return-path|delivered-to|message-id|mime-version|x-[\w-]+):\s/i

const INTERPRETERS: readonly (readonly [RegExp, TrueType])[] = [
  [/python/, typeNamed('py')],
  [/perl/, typeNamed('perl')],
  [/node|deno|bun/, JS],
  [/php/, PHP],
  [/pwsh|powershell/, PS1],
  [/./, typeNamed('sh')],
]

/**
 * Words that a language has and prose has not; the first row that fits wins. Any one word may stand in prose, two rarely do.
 * Hostile text goes through these inline: every repetition is bounded, or begins at a line's start only.
 */
const LANGUAGES: readonly (readonly [TrueType, RegExp, number])[] = [
  [PHP, /<\?php\b|<\?=/gi, 1],
  [BAT, /^[ \t]*@?(?:echo off\b|setlocal|goto :?\w|start \/\w|rem )|%~dp0|%[a-z]{1,32}%\\|\bif (?:not )?exist\s/gim, 2],
  [
    PS1,
    /\$(?:env:|_\b|psscriptroot|true\b|null\b)|\b(?:new-object|invoke-expression|invoke-webrequest|write-host|set-executionpolicy|start-process|get-[a-z]|param\s?\()|\[(?:system|convert|net)\.|-join\b|\biex\b/gi,
    2,
  ],
  [
    VBS,
    /\b(?:createobject|wscript\.\w|on error resume next|end (?:sub|function|if)|dim \w|set \w{1,64} ?=|chrw?\s?\()/gi,
    2,
  ],
  [typeNamed('py'), /^(?:import \w|from [\w.]{1,64} import |def \w{1,64}\(|class \w{1,64}[:(])|__name__/gm, 2],
  [
    JS,
    /\b(?:function ?\w{0,64} ?\(|(?:var|let|const) [\w$]{1,64} ?=|activexobject|document\.\w|window\.\w|eval ?\(|require ?\(|module\.exports)|=> ?[{(]|===|\}\)\(/gi,
    2,
  ],
]

const BY_EXTENSION: Readonly<Record<string, TrueType>> = {
  js: JS,
  mjs: JS,
  cjs: JS,
  jse: JS,
  vbs: VBS,
  vbe: VBS,
  ps1: PS1,
  psm1: PS1,
  bat: BAT,
  cmd: BAT,
  hta: HTA,
  wsf: WSF,
  wsc: WSF,
  sct: WSF,
  php: PHP,
  py: typeNamed('py'),
  pyw: typeNamed('py'),
  pl: typeNamed('perl'),
  sh: typeNamed('sh'),
  htm: HTML,
  html: HTML,
  xhtml: HTML,
  svg: SVG,
  eml: EML,
  mht: EML,
  mhtml: EML,
  json: JSON_TEXT,
  url: URL_SHORTCUT,
  website: URL_SHORTCUT,
  reg: REG,
  inf: INF,
  iqy: IQY,
}

const BY_MIME: Readonly<Record<string, TrueType>> = {
  'text/javascript': JS,
  'application/javascript': JS,
  'application/x-javascript': JS,
  'text/html': HTML,
  'application/hta': HTA,
  'text/vbscript': VBS,
  'application/xhtml+xml': HTML,
  'image/svg+xml': SVG,
  'message/rfc822': EML,
  'application/json': JSON_TEXT,
}

/** How a text is called: it decides only where the bytes are text and no language shows itself at once. */
export interface TextHints {
  readonly declaredType: string
  readonly fileName: string
}

/**
 * What its name and its declared type make of it, whatever its bytes are: whoever opens a file by its name, or a body by its
 * Content-Type, does not ask the first bytes (`GIF89a=1;` begins a script, `BZh9: x` a mail). At most two.
 */
export function calledTypes({ declaredType, fileName }: TextHints): readonly TrueType[] {
  const byName = BY_EXTENSION[extensionOf(fileName)]
  const byMime = declaredType.startsWith('multipart/') ? FORM : BY_MIME[declaredType]
  if (byName === undefined && byMime === undefined) return NO_TYPES
  return [...new Set([byName, byMime])].filter((type) => type !== undefined && type !== JSON_TEXT) as TrueType[]
}

const NO_TYPES: readonly TrueType[] = []

/** What kind of text this is, from its first characters. `isProse`: it has too few signs for a program. */
export function textType(text: string, hints: TextHints, isProse = false): TrueType {
  const first = text.trimStart()
  const named = BY_EXTENSION[extensionOf(hints.fileName)] ?? BY_MIME[hints.declaredType]
  if (first.startsWith('#!')) return interpreterOf(first)
  const acted = actedOn(first)
  if (acted !== undefined) return acted
  if (first.startsWith('<')) return markupType(first, named)
  if (first.startsWith('{') || first.startsWith('['))
    return named === PS1 || named === JS ? named : jsonOr(first, named)
  if (PARTS.test(first) || (first.startsWith('--') && hints.declaredType.startsWith('multipart/'))) return FORM
  if (named !== undefined) return named
  if (MAILBOX.test(first)) return MBOX
  if (MAIL.test(first)) return EML
  if (isProse) return TEXT
  return languageOf(first) ?? (TAGS.test(first) ? HTML : TEXT)
}

/** Encoded scripts have no mark but `#@~^`; a comment may stand before it. The others by their fixed first lines. */
function actedOn(first: string): TrueType | undefined {
  switch (first[0]) {
    case '[':
      if (/^\[internetshortcut(?:\.[aw])?\]/i.test(first) || /^\[\{[0-9a-f-]{36}\}[^\n]{0,40}\]/i.test(first))
        return URL_SHORTCUT
      return /^\[version\]\s{0,99}signature\s{0,9}=/i.test(first) || /^\[autorun\]/i.test(first) ? INF : undefined
    case 'W':
    case 'w':
      if (/^windows registry editor version \d/i.test(first)) return REG
      return /^web\r?\n\d\r?\n[a-z]{3,8}:/i.test(first) ? IQY : undefined
    case 'R':
      return first.startsWith('REGEDIT4') ? REG : undefined
    default:
      return first.includes('#@~^') && !first.startsWith('<') ? VBE : undefined
  }
}

function interpreterOf(text: string): TrueType {
  const line = text.slice(0, 128).split('\n', 1)[0] ?? ''
  return INTERPRETERS.find(([pattern]) => pattern.test(line))?.[1] ?? TEXT
}

function markupType(text: string, named: TrueType | undefined): TrueType {
  if (named === HTA || /<hta:application\b/i.test(text)) return HTA
  if (/^<(?:!doctype html|html)\b/i.test(text)) return HTML
  if (/<scriptlet\b/i.test(text) && !/<html\b/i.test(text)) return WSF
  if (/<(?:job|package)\b/i.test(text) && /<script\b/i.test(text) && !/<html\b/i.test(text)) return WSF
  if (/^<\?php|^<\?=/i.test(text)) return PHP
  if (/<svg\b/i.test(text) && !/<html\b/i.test(text)) return SVG
  if (TAGS.test(text) && !/^<\?xml/i.test(text)) return HTML
  if (/^<\?xml|^<[a-z_][\w.-]*(?::[\w.-]+)?[\s>/]/i.test(text)) return /<html\b/i.test(text) ? HTML : (named ?? XML)
  return named ?? TEXT
}

/** Only a glance: the whole would have to be parsed to know. */
function jsonOr(text: string, named: TrueType | undefined): TrueType {
  return /^[[{]\s*(?:["\]}[{\d-]|true|false|null)/.test(text) ? JSON_TEXT : (named ?? languageOf(text) ?? TEXT)
}

function languageOf(text: string): TrueType | undefined {
  return LANGUAGES.find(([, pattern, times]) => matchesTimes(text, pattern, times))?.[0]
}

function matchesTimes(text: string, pattern: RegExp, times: number): boolean {
  pattern.lastIndex = 0
  for (let found = 0; found < times; found++) if (!pattern.test(text)) return false
  return true
}

/** Windows drops dots and blanks at a name's end. */
function extensionOf(fileName: string): string {
  const name = /[. ]$/.test(fileName) ? fileName.slice(0, 1024).replace(/[. ]{1,64}$/, '') : fileName
  const dot = name.lastIndexOf('.')
  return dot < 0 ? '' : name.slice(dot + 1).toLowerCase()
}
