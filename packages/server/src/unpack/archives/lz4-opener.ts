import type { Damage, Opener, OpenerNode, OpenRun } from '../opener.ts'
import { ByteWindow } from './byte-window.ts'
import { LZ4_FRAME_MARK, LZ4_LEGACY_MARK, Lz4Frames } from './lz4-frames.ts'
import { unpackedName } from './member-name.ts'
import { failIfLate, MemberWriter, passStray } from './member-writer.ts'
import { firstFrame, skippableAt } from './zstd-skippable.ts'

/**
 * LZ4 frames, today's and legacy; all of them are one file. Our own decoder: the runtime has none, 7-Zip has none, and the packages
 * that there are take a whole file at once, believe its sizes and throw away what stands before a damage.
 */
export function lz4Opener(): Opener {
  return {
    name: 'lz4',
    version: '1',
    wants(node) {
      const mark = node.type === 'lz4' ? LZ4_FRAME_MARK : firstFrame(node.view)
      return mark === LZ4_FRAME_MARK || mark === LZ4_LEGACY_MARK ? 'members' : undefined
    },
    open: openLz4,
  }
}

async function openLz4(node: OpenerNode, run: OpenRun): Promise<void> {
  const source = new ByteWindow(node.view, node.content)
  const writer = new MemberWriter(run, { name: unpackedName(node.fileName, ENDINGS) })
  const frames = new Lz4Frames(source, writer.write)
  const skipped: { from: number; to: number }[] = []
  let damage: Damage | undefined
  let at = 0
  for (;;) {
    failIfLate(run.signal)
    const skippable = skippableAt(source, at)
    if (skippable !== undefined) {
      if (skipped.length < MAX_SKIPPED) skipped.push(skippable)
      at = skippable.to
      continue
    }
    const frame = await frames.decode(at)
    if (frame === undefined) break
    damage ??= frame.damage
    at = frame.end
    if (frame.isLost) break
  }
  await writer.end(damage)
  for (const range of skipped) await passStray(run, source, { ...range, name: '(skippable frame)' })
  if (damage === undefined) await passStray(run, source, { from: at, to: source.size, name: '(data after)' })
}

const MAX_SKIPPED = 1000
const ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/\.tlz4$/i, '.tar'],
  [/\.lz4$/i, ''],
]
