import type { ContentView } from '../content-view.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'
import { narrowText } from '../uploads/narrow-text.ts'
import { ByteScanner } from './byte-scanner.ts'
import { passDecoded, passLeaf } from './hand-over.ts'
import { MailText } from './mail-text.ts'
import { readMail } from './mime-tree.ts'
import { readHead } from './part-head.ts'
import { identityDecoder } from './transfer-decoder.ts'

/**
 * Mails and web archives (RFC 5322, RFC 2045-2049, RFC 2557): each part a member, decoded.
 *
 * postal-mime 4.0.0 is not taken. Tried: of two boundary parameters it reads one, a wrong boundary gives no part at all, preamble,
 * epilogue and parts behind the closing delimiter are dropped, of two transfer encodings one is taken, all without a word;
 * 256 levels of nesting are an exception; 100 MB of mail take 590 MB. A gateway must read what any reader would.
 */
export function mailOpener(): Opener {
  return { name: 'mail', version: '1', wants: wantsMail, open: openMail }
}

const MAIL_TYPES = new Set(['message/rfc822', 'message/global', 'message/news', 'application/x-mimearchive'])
const MAIL_NAME = /\.(?:eml|mht|mhtml|nws|email)$/i
const HEAD_BYTES = 4096
/** What makes a text whose first line is a field a mail to its readers. */
const MIME_HEAD = /^content-(?:type:[ \t]{0,99}(?:multipart|message)\/|transfer-encoding:|disposition:)/im
const FIRST_FIELD = /^\s{0,64}(?:From [^\r\n]{1,500}[\r\n]{1,2})?[\x21-\x39\x3b-\x7e]{1,60}[ \t]{0,9}:/
const FIRST_MIME =
  /^\s{0,64}(?:content-type:[ \t]{0,99}(?:multipart|message)\/|content-transfer-encoding:|mime-version:)/i

function wantsMail(node: OpenerNode): ReturnType<Opener['wants']> {
  if (node.type === 'eml') return 'members'
  // A web archive behind a document's first bytes is one to the program that its name opens ("MalDoc in PDF", JPCERT/CC 2023).
  if (CARRIERS.has(node.type)) return lateMail(node.view) > 0 ? 'looks' : undefined
  if (node.family !== 'text' && node.family !== 'script' && node.type !== 'data') return undefined
  if (node.size === 0) return undefined
  if (MAIL_TYPES.has(node.declaredType) || MAIL_NAME.test(node.fileName)) return 'members'
  const head = node.view.head.toString('latin1', 0, HEAD_BYTES)
  if (FIRST_MIME.test(head)) return 'members'
  return FIRST_FIELD.test(head) && MIME_HEAD.test(head.split(/\r?\n\r?\n/, 1)[0] ?? '') ? 'members' : undefined
}

const CARRIERS = new Set(['pdf', 'rtf', 'ole'])
const LATE_BYTES = 1024 * 1024
const LATE_MARK = /[\r\n]mime-version:[ \t]{0,9}\d/i

/** Where a mail begins behind other lines; -1 where none does. */
function lateMail(view: ContentView): number {
  const text = view.read(0, LATE_BYTES).toString('latin1')
  const found = LATE_MARK.exec(text)
  return found === null ? -1 : found.index + 1
}

/** Texts are read before the first attachment is opened: passwords stand in them. */
async function openMail(node: OpenerNode, run: OpenRun): Promise<void> {
  const narrow = narrowText(node.view)
  if (narrow !== node.view) return passMail(run, narrow, 0)
  const late = CARRIERS.has(node.type) || !hasHead(node) ? lateMail(node.view) : -1
  if (late > 0) await passMail(run, node.view, late)
  if (CARRIERS.has(node.type)) return
  const tree = readMail(node.view, { maxLeaves: run.left.members, signal: run.signal })
  for (const damage of tree.damages) run.unscanned(damage)
  const text = new MailText(run)
  for (const leaf of tree.leaves) text.leaf(node.view, leaf)
  for (const leaf of tree.leaves) await passLeaf(run, node.view, leaf)
}

/** Whether it begins with a field: then what follows is its head and body, whatever else stands in them. */
function hasHead({ view, size }: OpenerNode): boolean {
  const { bodyFrom } = readHead(new ByteScanner(view), { from: 0, to: size }, true)
  return view.read(0, bodyFrom).toString('latin1').trim() !== ''
}

/** A mail from `from` on, made narrow or without what stands in front. */
function passMail(run: OpenRun, view: Pick<ContentView, 'read' | 'size'>, from: number): Promise<void> {
  const info = { name: '(mail inside)', declaredType: 'message/rfc822' }
  return passDecoded(run, info, { view, range: { from, to: view.size }, decoder: identityDecoder })
}
