import { Unscanned } from '../../domain/verdict.ts'
import { type CompoundEntry, type CompoundFile, isCompoundFile, openCompoundFile } from '../documents/compound-file.ts'
import type { MemberInfo, Opener, OpenerNode, OpenRun } from '../opener.ts'
import { nameFindings, tellingName } from './attachment-names.ts'
import { RtfDecoder, rtfText } from './lzfu.ts'
import { MailText } from './mail-text.ts'
import { PROPERTY, PROPERTY_TYPE } from './mapi-properties.ts'
import { decodeText } from './mime-words.ts'
import { identityDecoder, type TransferDecoder } from './transfer-decoder.ts'

/**
 * Outlook's .msg ([MS-OXMSG]): attachments, messages in messages, bodies, and every other stream that is long enough to hide
 * something. @kenjiuno/msgreader is not taken: it wants the whole in memory and returns nothing, without a word, where it fails.
 */
export function msgOpener(): Opener {
  return { name: 'msg', version: '1', wants: wantsMsg, open: openMsg }
}

const STREAMS = /__(?:properties_version1\.0|substg1\.0_|nameid_version1\.0|recip_version1\.0|attach_version1\.0)/
const STREAM_MARK = Buffer.from('__substg1.0_', 'utf16le')

/** Its streams' names among the first of the directory, or anywhere near the file's beginning. */
function wantsMsg(node: OpenerNode): 'members' | undefined {
  if (node.type !== 'ole' || node.size < 512 || !isCompoundFile(node.view)) return undefined
  const sectorBytes = node.view.head.readUInt16LE(0x1e) === 12 ? 4096 : 512
  const first = node.view.read((node.view.head.readUInt32LE(0x30) + 1) * sectorBytes, 512)
  const isNamed = /\.(?:msg|oft)$/i.test(node.fileName) || node.declaredType === 'application/vnd.ms-outlook'
  const isMsg = isNamed || STREAMS.test(first.toString('utf16le', 0, first.length & ~1))
  return isMsg || node.view.head.includes(STREAM_MARK) ? 'members' : undefined
}

const MAX_NESTING = 16
/** Shorter streams are numbers, names and addresses. */
const LEAST_UNKNOWN = 512
const TEXT_BYTES = 256 * 1024
const MAX_REPORTED_FAULTS = 16

async function openMsg(node: OpenerNode, run: OpenRun): Promise<void> {
  const file = openCompoundFile(node.view)
  for (const fault of file.faults.slice(0, MAX_REPORTED_FAULTS)) run.unscanned(fault)
  const reader = new MsgReader(file, run)
  const [root] = file.entries
  if (root !== undefined) reader.plan(root, { folder: '', depth: 0 })
  reader.planRest()
  reader.readTexts()
  await reader.passAll()
}

interface Planned {
  readonly entry: CompoundEntry
  readonly info: MemberInfo
  readonly kind: 'text' | 'html' | 'rtf' | 'other'
}

interface Place {
  /** Names of the messages that it lies in, each with its slash. */
  readonly folder: string
  readonly depth: number
}

class MsgReader {
  readonly #file: CompoundFile
  readonly #run: OpenRun
  readonly #planned: Planned[] = []
  readonly #seen = new Set<number>()
  readonly #text: MailText

  constructor(file: CompoundFile, run: OpenRun) {
    this.#file = file
    this.#run = run
    this.#text = new MailText(run)
  }

  /** Section 2.2: a message's streams and the storages of its attachments. */
  plan(message: CompoundEntry, place: Place): void {
    for (const entry of this.#file.children(message)) {
      if (entry.kind === 'storage') {
        if (/^__attach_version1\.0_/i.test(entry.name)) this.#planAttachment(entry, place)
        continue
      }
      const property = propertyOf(entry.name)
      const body = BODIES[property?.id ?? 0]
      if (body !== undefined) this.#add(entry, { name: `${place.folder}${body.name}` }, body.kind)
      else if (property?.id === PROPERTY.subject) this.#text.hint(this.#string(entry))
    }
  }

  /** What no structure reaches, or no structure names, is looked at too. */
  planRest(): void {
    for (const entry of this.#file.entries) {
      if (entry.kind !== 'stream' || this.#seen.has(entry.id)) continue
      if (entry.size >= LEAST_UNKNOWN && !isTable(entry)) this.#add(entry, { name: entry.path }, 'other')
    }
  }

  readTexts(): void {
    for (const { entry, kind } of this.#planned) {
      if (kind === 'other') continue
      const bytes = this.#file.read(entry, TEXT_BYTES)
      if (kind === 'rtf')
        this.#text.read(rtfText(new RtfDecoder().push(bytes).toString('latin1', 0, TEXT_BYTES)), false)
      else this.#text.read(textOf(bytes, propertyOf(entry.name)?.type), kind === 'html')
    }
  }

  async passAll(): Promise<void> {
    for (const planned of this.#planned) await this.#pass(planned)
  }

  #planAttachment(attachment: CompoundEntry, place: Place): void {
    const names: string[] = []
    let declaredType = ''
    const children = this.#file.children(attachment)
    for (const entry of children) {
      const id = propertyOf(entry.name)?.id
      if (id === PROPERTY.attachLongName) names.unshift(this.#string(entry))
      else if (id === PROPERTY.attachName || id === PROPERTY.displayName) names.push(this.#string(entry))
      else if (id === PROPERTY.attachMime) declaredType = this.#string(entry).toLowerCase()
    }
    const given = names.filter((name) => name !== '')
    for (const finding of nameFindings(given)) this.#run.finding(finding)
    const name = `${place.folder}${tellingName(given)}`
    for (const entry of children) {
      if (propertyOf(entry.name)?.id !== PROPERTY.attachData) continue
      if (entry.kind === 'storage') this.#planStorage(entry, name, place)
      else this.#add(entry, declaredType === '' ? { name } : { name, declaredType }, 'other')
    }
  }

  /** A message in the message, or an object's streams, under the attachment's name. */
  #planStorage(storage: CompoundEntry, name: string, { depth }: Place): void {
    if (depth >= MAX_NESTING)
      this.#run.unscanned({ reason: 'too-deep', detail: 'messages lie in messages too deep' }, name)
    else this.plan(storage, { folder: `${name || 'message'}/`, depth: depth + 1 })
  }

  #add(entry: CompoundEntry, info: MemberInfo, kind: Planned['kind']): void {
    if (entry.size === 0 || this.#seen.has(entry.id)) return
    this.#seen.add(entry.id)
    this.#planned.push({ entry, info, kind })
  }

  #string(entry: CompoundEntry): string {
    return textOf(this.#file.read(entry, 2048), propertyOf(entry.name)?.type).split('\0', 1)[0]?.trim() ?? ''
  }

  async #pass({ entry, info, kind }: Planned): Promise<void> {
    const decoder: TransferDecoder = kind === 'rtf' ? new RtfDecoder() : identityDecoder
    const sink = this.#run.member(info)
    let size = 0
    for (const piece of this.#file.pieces(entry)) {
      if (this.#run.signal.aborted) throw new Unscanned('timeout', 'a stream was not read to its end')
      size += piece.length
      const bytes = decoder.push(piece)
      if (bytes.length > 0) await sink.write(bytes)
    }
    const rest = decoder.end()
    if (rest.length > 0) await sink.write(rest)
    await sink.end(
      size < entry.size ? { reason: 'malformed', detail: 'a stream of the message is cut short' } : undefined,
    )
  }
}

const BODIES: Readonly<Record<number, { readonly name: string; readonly kind: Planned['kind'] }>> = {
  [PROPERTY.body]: { name: 'body.txt', kind: 'text' },
  [PROPERTY.html]: { name: 'body.html', kind: 'html' },
  [PROPERTY.rtf]: { name: 'body.rtf', kind: 'rtf' },
}

/** Section 2.2.4: `__substg1.0_` and a property's id and type in hex. */
function propertyOf(name: string): { readonly id: number; readonly type: number } | undefined {
  const match = /^__substg1\.0_([0-9a-f]{4})([0-9a-f]{4})/i.exec(name)
  if (match === null) return undefined
  return { id: Number.parseInt(match[1] ?? '', 16), type: Number.parseInt(match[2] ?? '', 16) }
}

/** Section 2.4: sixteen bytes a property; no message has a thousand. */
function isTable({ name, size }: CompoundEntry): boolean {
  return size <= 16_384 && /^__properties_version1\.0$/i.test(name)
}

function textOf(bytes: Buffer, type: number | undefined): string {
  return type === PROPERTY_TYPE.unicode ? bytes.toString('utf16le', 0, bytes.length & ~1) : decodeText(bytes)
}
