import { passLeaf } from '../mail/hand-over.ts'
import { readMultipartBody } from '../mail/mime-tree.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'

/** Bodies of uploads in parts: multipart/form-data (RFC 7578), mixed, related (MTOM) and the rest; each part a member. */
export function formOpener(): Opener {
  return { name: 'form', version: '1', wants: wantsForm, open: openForm }
}

const HEAD_BYTES = 4096
/** A binary file in the first part makes the whole look like data; its first lines do not lie. */
const FIRST_PART = /^\s{0,16}--[^\r\n]{0,998}(?:\r\n|\n|\r)[ \t]{0,9}content-[a-z-]{1,40}[ \t]{0,9}:/i

function wantsForm(node: OpenerNode): 'members' | undefined {
  if (node.type === 'form') return 'members'
  if (node.family !== 'text' && node.family !== 'script' && node.type !== 'data') return undefined
  if (node.size === 0) return undefined
  if (node.declaredType.startsWith('multipart/')) return 'members'
  const { head } = node.view
  if (head[0] !== 0x2d && (head[0] as number) > 0x20) return undefined
  return FIRST_PART.test(head.toString('latin1', 0, HEAD_BYTES)) ? 'members' : undefined
}

async function openForm(node: OpenerNode, run: OpenRun): Promise<void> {
  const tree = readMultipartBody(node.view, { maxLeaves: run.left.members, signal: run.signal })
  for (const damage of tree.damages) run.unscanned(damage)
  for (const leaf of tree.leaves) await passLeaf(run, node.view, leaf)
}
