import type { OpenRun } from '../opener.ts'
import { isRemote, isWeb } from './ole-embedded.ts'
import { reportDde } from './ole-fields.ts'
import { type XmlAttributes, xmlTokens } from './ooxml-xml.ts'
import { printable } from './vba-rules.ts'

/** What the parts of a document show, taken together: a macro is in one part, what runs it in another. */
export interface OdfSight {
  /** Events that run a macro without a click: `dom:load Standard.Module1.Main`. */
  readonly autoRuns: string[]
  readonly basic: { readonly name: string; readonly source: string }[]
  /** Names of Python scripts that do more than write into cells. */
  readonly python: { readonly name: string; readonly system: boolean }[]
}

const MAX_LINKS = 5000

/** Elements whose target is loaded with the document, not clicked. */
const LOADED = new Set([
  'object',
  'object-ole',
  'section-source',
  'table-source',
  'cell-range-source',
  'floating-frame',
  'plugin',
  'applet',
  'linked-table',
  'template',
])

/** A content, styles or settings part, or a whole document in one file. */
export function lookAtContent(xml: string, sight: OdfSight, run: OpenRun): void {
  let links = 0
  for (const token of xmlTokens(xml)) {
    if (token.kind !== 'open') continue
    if (token.name === 'event-listener' || token.name === 'event') lookAtEvent(token.attributes, sight, run)
    else if (token.name === 'dde-source' || token.name === 'dde-connection-decl') lookAtDde(token.attributes, run)
    else if (links < MAX_LINKS) links += lookAtLink(token.name, token.attributes, run)
  }
}

/** OpenDocument 1.3 part 3, 10.3.19: events of the document; those of shapes that need a click are not counted. */
function lookAtEvent(attributes: XmlAttributes, sight: OdfSight, run: OpenRun): void {
  const href = attributes.get('href') ?? attributes.get('macro-name') ?? ''
  const event = attributes.get('event-name') ?? attributes.get('name') ?? ''
  if (!/^vnd\.sun\.star\.script:|^macro:/i.test(href) && attributes.get('macro-name') === undefined) return
  if (/\.\.[/\\|]/.test(decodeURIComponentSafely(href))) {
    const detail = printable(`${event} runs ${href}: a script outside the document (CVE-2018-16858)`)
    run.finding({ name: 'Exploit.OdfScriptPath', risk: 'high', attack: 'T1203', detail })
  }
  if (!/click|key|mouse(?:down|up)|submit|reset|select/i.test(event)) sight.autoRuns.push(`${event} ${href}`)
}

function decodeURIComponentSafely(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function lookAtDde(attributes: XmlAttributes, run: OpenRun): void {
  const words = ['dde-application', 'dde-topic', 'dde-item'].map((name) => attributes.get(name) ?? '')
  // LibreOffice's own links between documents are written as DDE to itself.
  if (/^soffice$/i.test(words[0] ?? '')) return
  reportDde(`DDE ${words.join(' ')}`, run)
}

/** 1 where it was a link. */
function lookAtLink(name: string, attributes: XmlAttributes, run: OpenRun): 0 | 1 {
  const href = attributes.get('href')?.trim()
  if (href === undefined || !/^[a-z][a-z0-9+.-]{1,30}:|^[\\/]{2}/i.test(href)) return 0
  if (/^https?:/i.test(href)) run.url(href)
  if (name === 'image' && isRemote(href)) {
    run.finding({
      name: 'Document.RemoteImage',
      risk: 'low',
      attack: 'T1221',
      detail: printable(`picture from ${href}`),
    })
  } else if (LOADED.has(name) && isRemote(href)) {
    // Asked for before it is loaded, unlike in Office.
    const risk = isWeb(href) && name !== 'template' ? 'medium' : 'low'
    run.finding({ name: 'Document.RemoteObject', risk, attack: 'T1221', detail: printable(`${name} from ${href}`) })
  }
  return 1
}
