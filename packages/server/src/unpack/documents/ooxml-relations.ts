import type { Finding, OpenRun } from '../opener.ts'
import { isRemote, isWeb } from './ole-embedded.ts'
import type { XmlAttributes } from './ooxml-xml.ts'
import { printable } from './vba-rules.ts'

const MAX_TARGET = 2000

/** Parts that are fetched as the document opens, and what it means that they lie elsewhere ([ECMA-376-2] 9.3, T1221). */
const LOADED: Readonly<
  Record<string, { readonly name: string; readonly web: Finding['risk']; readonly share: Finding['risk'] }>
> = {
  attachedTemplate: { name: 'Document.RemoteTemplate', web: 'high', share: 'medium' },
  oleObject: { name: 'Document.RemoteObject', web: 'high', share: 'medium' },
  package: { name: 'Document.RemoteObject', web: 'high', share: 'medium' },
  frame: { name: 'Document.RemoteFrame', web: 'high', share: 'medium' },
  subDocument: { name: 'Document.RemoteObject', web: 'high', share: 'medium' },
  aFChunk: { name: 'Document.RemoteObject', web: 'high', share: 'medium' },
  vbaProject: { name: 'Document.RemoteMacros', web: 'high', share: 'high' },
  control: { name: 'Document.RemoteObject', web: 'high', share: 'high' },
  image: { name: 'Document.RemoteImage', web: 'low', share: 'medium' },
  externalLinkPath: { name: 'Document.ExternalLink', web: 'low', share: 'low' },
}
const OTHER = { name: 'Document.RemotePart', web: 'low', share: 'low' } as const

/** One `Relationship` of a `.rels` part. */
export function lookAtRelation(attributes: XmlAttributes, run: OpenRun): void {
  const target = (attributes.get('Target') ?? '').trim().slice(0, MAX_TARGET)
  const type = (attributes.get('Type') ?? '').split('/').at(-1) ?? ''
  // Follina and its kin: the object comes through a handler of its own (CVE-2021-40444 `mhtml:`, CVE-2022-30190 by the page's script).
  const link = /https?:\/\/[^\s!"<>]{4,2000}/i.exec(target)?.[0]
  if (link !== undefined) run.url(link)
  if (attributes.get('TargetMode')?.toLowerCase() !== 'external') return
  if (type === 'hyperlink') {
    lookAtHyperlink(target, run)
    return
  }
  if (!isRemote(target)) return
  const rule = (Object.hasOwn(LOADED, type) ? LOADED[type] : undefined) ?? OTHER
  const risk = isWeb(target) ? rule.web : rule.share
  run.finding({ name: rule.name, risk, attack: 'T1221', detail: printable(`${type} from ${target}`) })
}

/** Hyperlinks are clicked, not loaded: only those that start something else than a browser are told. */
function lookAtHyperlink(target: string, run: OpenRun): void {
  if (!/^(?:javascript|vbscript|search-ms|ms-msdt|ms-appinstaller|ms-officecmd|shell):/i.test(target)) return
  run.finding({
    name: 'Document.ActiveLink',
    risk: 'medium',
    attack: 'T1204.001',
    detail: printable(`link to ${target}`),
  })
}
