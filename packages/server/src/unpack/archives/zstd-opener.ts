import type { Opener, OpenerNode, OpenRun } from '../opener.ts'
import { ByteWindow } from './byte-window.ts'
import { decodeStream, ZSTD_FRAME } from './member-decoder.ts'
import { unpackedName } from './member-name.ts'
import { failIfLate, MemberWriter, passStray, piecesOf } from './member-writer.ts'
import { firstFrame, skippableAt } from './zstd-skippable.ts'

/** RFC 8878 3.1.1. */
const FRAME_MARK = 0xfd2fb528

/** Zstandard: all its frames are one file. The runtime decodes (and checks) a frame; which frame comes next is ours. */
export function zstdOpener(): Opener {
  return {
    name: 'zstd',
    version: '1',
    wants: (node) => (node.type === 'zst' || firstFrame(node.view) === FRAME_MARK ? 'members' : undefined),
    open: openZstd,
  }
}

async function openZstd(node: OpenerNode, run: OpenRun): Promise<void> {
  const source = new ByteWindow(node.view, node.content)
  const writer = new MemberWriter(run, { name: unpackedName(node.fileName, ENDINGS) })
  const skipped: { from: number; to: number }[] = []
  let at = 0
  for (;;) {
    failIfLate(run.signal)
    const skippable = skippableAt(source, at)
    if (skippable !== undefined) {
      if (skipped.length < MAX_SKIPPED) skipped.push(skippable)
      at = skippable.to
    } else if (source.read(at, 4).equals(MARK)) {
      const { consumed, damage } = await decodeStream(ZSTD_FRAME, piecesOf(source, at, source.size), writer.write)
      at += consumed
      if (damage !== undefined) return writer.end(damage)
    } else break
  }
  await writer.end()
  for (const range of skipped) await passStray(run, source, { ...range, name: '(skippable frame)' })
  await passStray(run, source, { from: at, to: source.size, name: '(data after)' })
}

const MARK = Buffer.from('28b52ffd', 'hex')
const MAX_SKIPPED = 1000
const ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/\.tzst$/i, '.tar'],
  [/\.zstd?$/i, ''],
]
