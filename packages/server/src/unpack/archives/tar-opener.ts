import { Unscanned } from '../../domain/verdict.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'
import { ByteWindow } from './byte-window.ts'
import { TAR_BLOCK, tarHeader } from './tar-header.ts'
import { TarWalk } from './tar-walk.ts'

/**
 * tar: ustar, pax, GNU, and what was before. Our own reader: the packages stop at the first block that is no header, believe a
 * pax size over the header's or the header's over pax (and so lose step where a sender wants them to), and skip what follows the
 * end. A program is a tar too when its first 512 bytes are a header, so the type does not decide.
 */
export function tarOpener(): Opener {
  return { name: 'tar', version: '1', wants: wantsTar, open: openTar }
}

function wantsTar({ type, packed, view }: OpenerNode): ReturnType<Opener['wants']> {
  if (type === 'tar') return 'members'
  const header = view.size < TAR_BLOCK ? undefined : tarHeader(view.head.subarray(0, TAR_BLOCK))
  if (header === undefined || !header.isSummed) return undefined
  return packed ? 'looks' : 'members'
}

async function openTar(node: OpenerNode, run: OpenRun): Promise<void> {
  const source = new ByteWindow(node.view, node.content)
  const walk = new TarWalk(source, run)
  await walk.run()
  if (walk.isEmpty) throw new Unscanned('malformed', 'no header can be read')
}
