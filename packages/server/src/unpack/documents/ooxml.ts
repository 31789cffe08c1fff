import type { Opener, OpenerNode, OpenRun } from '../opener.ts'
import { CLASSES } from './ole-embedded.ts'
import { reportDde } from './ole-fields.ts'
import { WordFields } from './ooxml-fields.ts'
import { FLAT_ROOTS, isActiveMime, openActiveMime, openFlat } from './ooxml-flat.ts'
import { lookAtRelation } from './ooxml-relations.ts'
import { isBinarySheet, openBinarySheet, openMacroSheet } from './ooxml-sheets.ts'
import { decodeXml, rootOf, type XmlToken, xmlTokens } from './ooxml-xml.ts'
import { printable } from './vba-rules.ts'
import { AUTO_NAME } from './xlm-rules.ts'

/** Larger parts than this are hardly ever written; text of a whole book takes 5 MB. */
const MAX_PART = 48 * 1024 * 1024
const PIECE = 1024 * 1024
const HEAD = 4096

type Look = (tokens: Iterable<XmlToken>, part: Part) => Promise<void> | void

interface Part {
  readonly node: OpenerNode
  readonly run: OpenRun
}

/** Parts by their root element, which nobody can rename; their names are the document's own choice. */
const LOOKS: Readonly<Record<string, Look>> = {
  Relationships: lookAtRelations,
  document: lookAtText,
  hdr: lookAtText,
  ftr: lookAtText,
  footnotes: lookAtText,
  endnotes: lookAtText,
  comments: lookAtText,
  glossaryDocument: lookAtText,
  macrosheet: (tokens, { node, run }) => openMacroSheet(node.fileName.replace(/\.xml$/i, ''), tokens, run),
  workbook: lookAtWorkbook,
  Types: lookAtTypes,
  customUI: lookAtRibbon,
  ocx: lookAtControl,
  externalLink: lookAtExternal,
  connections: lookAtConnections,
  sld: lookAtSlide,
  sldLayout: lookAtSlide,
  sldMaster: lookAtSlide,
}

/**
 * Parts of OOXML documents, which the zip opener hands over one by one: what they load from elsewhere, fields that start programs,
 * Excel 4 macros, callbacks. Also documents that are one XML file, and ActiveMime.
 */
export function ooxmlOpener(): Opener {
  return { name: 'ooxml', version: '1', wants, open: openPart }
}

function wants(node: OpenerNode): 'members' | 'looks' | undefined {
  const { head } = node.view
  if (isActiveMime(head)) return 'members'
  const root = mayBeXml(head) ? rootOf(head.subarray(0, HEAD)) : ''
  if (FLAT_ROOTS.includes(root)) return 'looks'
  const around = node.within.at(-1)?.type
  if (around !== 'ooxml' && around !== 'zip') return undefined
  if (isBinarySheet(head)) return 'looks'
  return Object.hasOwn(LOOKS, root) ? 'looks' : undefined
}

/** A few bytes decide for nearly everything that is none. */
function mayBeXml(head: Buffer): boolean {
  return /^(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]{0,40}</.test(head.toString('latin1', 0, 64))
}

async function openPart(node: OpenerNode, run: OpenRun): Promise<void> {
  const bytes = readPart(node, run)
  if (isActiveMime(node.view.head)) return openActiveMime(bytes, run)
  if (isBinarySheet(node.view.head)) return openBinarySheet(node.fileName.replace(/\.bin$/i, ''), bytes, run)
  const xml = decodeXml(bytes)
  const root = rootOf(node.view.head.subarray(0, HEAD))
  if (FLAT_ROOTS.includes(root)) {
    await lookAtFlat(xml, { node, run })
    return openFlat(xml, run)
  }
  await LOOKS[root]?.(xmlTokens(xml), { node, run })
}

function readPart(node: OpenerNode, run: OpenRun): Buffer {
  if (node.size > MAX_PART)
    run.unscanned({ reason: 'too-large', detail: `only ${MAX_PART} bytes of the part are looked at` })
  const pieces: Buffer[] = []
  for (let at = 0; at < Math.min(node.size, MAX_PART); at += PIECE) pieces.push(node.view.read(at, PIECE))
  return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
}

/** All parts stand in one: relations and fields are told apart by their elements. */
async function lookAtFlat(xml: string, { run }: Part): Promise<void> {
  const fields = new WordFields(run)
  for (const token of xmlTokens(xml)) {
    fields.take(token)
    if (token.kind === 'open' && token.name === 'Relationship') lookAtRelation(token.attributes, run)
  }
  fields.end()
}

function lookAtRelations(tokens: Iterable<XmlToken>, { run }: Part): void {
  for (const token of tokens) {
    if (token.kind === 'open' && token.name === 'Relationship') lookAtRelation(token.attributes, run)
  }
}

function lookAtText(tokens: Iterable<XmlToken>, { run }: Part): void {
  const fields = new WordFields(run)
  for (const token of tokens) fields.take(token)
  fields.end()
}

function lookAtWorkbook(tokens: Iterable<XmlToken>, { run }: Part): void {
  for (const token of tokens) {
    const name = token.kind === 'open' && token.name === 'definedName' ? token.attributes.get('name') : undefined
    if (name === undefined || !AUTO_NAME.test(name)) continue
    run.finding({
      name: 'Macro.XlmAutoRun',
      risk: 'medium',
      attack: 'T1204.002',
      detail: printable(`runs by itself: ${name}`),
    })
  }
}

const PLAIN_NAME = /\.(?:docx|dotx|xlsx|xltx|pptx|potx|ppsx)$/i

function lookAtTypes(tokens: Iterable<XmlToken>, { node, run }: Part): void {
  const fileName = node.within.at(-1)?.fileName ?? ''
  if (!PLAIN_NAME.test(fileName)) return
  for (const token of tokens) {
    const type = token.kind === 'open' ? (token.attributes.get('ContentType') ?? '') : ''
    if (!/macroEnabled\.(?:main|12)/i.test(type)) continue
    const detail = printable(`${fileName} holds macros (${type})`)
    run.finding({ name: 'Document.MacrosUnderPlainName', risk: 'medium', attack: 'T1036', detail })
    return
  }
}

function lookAtRibbon(tokens: Iterable<XmlToken>, { run }: Part): void {
  for (const token of tokens) {
    const load = token.kind === 'open' && token.name === 'customUI' ? token.attributes.get('onLoad') : undefined
    if (load === undefined) continue
    run.finding({
      name: 'Macro.AutoRun',
      risk: 'low',
      attack: 'T1204.002',
      detail: printable(`the ribbon runs ${load}`),
    })
  }
}

function lookAtControl(tokens: Iterable<XmlToken>, { run }: Part): void {
  for (const token of tokens) {
    const id = token.kind === 'open' && token.name === 'ocx' ? token.attributes.get('classid') : undefined
    const known = id === undefined ? undefined : CLASSES[id.toUpperCase()]
    if (known === undefined) continue
    run.finding({
      name: 'Document.RiskyObject',
      risk: known.risk,
      attack: 'T1203',
      detail: `control of class ${known.what}`,
    })
  }
}

function lookAtExternal(tokens: Iterable<XmlToken>, { run }: Part): void {
  for (const token of tokens) {
    if (token.kind !== 'open' || token.name !== 'ddeLink') continue
    reportDde(`DDE ${token.attributes.get('ddeService') ?? ''} ${token.attributes.get('ddeTopic') ?? ''}`, run)
  }
}

function lookAtConnections(tokens: Iterable<XmlToken>, { run }: Part): void {
  for (const token of tokens) {
    if (token.kind !== 'open') continue
    const text = ['url', 'connection', 'command', 'sourceFile']
      .map((name) => token.attributes.get(name) ?? '')
      .join(' ')
    const url = /https?:\/\/[^\s"'<>;]{4,2000}/i.exec(text)?.[0]
    if (url === undefined) continue
    run.url(url)
    run.finding({ name: 'Document.ExternalLink', risk: 'low', attack: 'T1221', detail: printable(`data from ${url}`) })
  }
}

/** ECMA-376-1 21.1.2.3.5: an action of a shape. */
function lookAtSlide(tokens: Iterable<XmlToken>, { run }: Part): void {
  for (const token of tokens) {
    if (token.kind !== 'open' || !token.name.startsWith('hlink')) continue
    const action = token.attributes.get('action') ?? ''
    if (!/^ppaction:\/\/program/i.test(action)) continue
    // Moving the mouse over it is enough (T1204.002 without a click).
    const over = /hover|mouseover/i.test(token.name)
    const detail = over ? 'pointing at a slide runs a program' : 'a click on a slide runs a program'
    run.finding({ name: 'Document.RunsProgram', risk: over ? 'high' : 'medium', attack: 'T1204.002', detail })
  }
}
