import type { Opener, OpenerNode, OpenRun } from '../opener.ts'
import { ByteScanner, type Range } from './byte-scanner.ts'
import { passDecoded } from './hand-over.ts'
import { identityDecoder } from './transfer-decoder.ts'

/** Mailboxes (RFC 4155 and its relatives): each message a member. */
export function mboxOpener(): Opener {
  return {
    name: 'mbox',
    version: '1',
    wants: (node) => (node.type === 'mbox' ? 'members' : undefined),
    open: openMbox,
  }
}

const SEPARATOR = Buffer.from('\nFrom ')
/** A separator has a year at its end and a field in the next line; a sentence in a mail has not. */
const MESSAGE = /^\n?From [^\r\n]{1,500}\d{4}[^\r\n]{0,40}(?:\r\n|\n|\r)[\x21-\x39\x3b-\x7e]{1,60}[ \t]{0,9}:/

async function openMbox(node: OpenerNode, run: OpenRun): Promise<void> {
  const bytes = new ByteScanner(node.view)
  let count = 0
  for (const message of messages(bytes)) {
    const info = { name: `message-${++count}`, declaredType: 'message/rfc822' }
    await passDecoded(run, info, { view: node.view, range: message, decoder: identityDecoder })
  }
}

function* messages(bytes: ByteScanner): Generator<Range> {
  let from = 0
  for (let at = 0; at < bytes.size; ) {
    const hit = bytes.indexOf(SEPARATOR, { from: at, to: bytes.size })
    if (hit < 0) break
    at = hit + SEPARATOR.length
    if (!MESSAGE.test(bytes.ahead(hit).toString('latin1', 0, 1024))) continue
    if (hit > from) yield { from, to: hit }
    from = hit + 1
  }
  if (from < bytes.size) yield { from, to: bytes.size }
}
