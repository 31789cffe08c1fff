import type { ScanResult } from '../domain/verdict.ts'
import type { ContentView } from '../unpack/content-view.ts'
import { failed } from './engine-run.ts'
import { hiddenArchive } from './hidden-archive.ts'
import { protectionOf } from './protection.ts'
import type { TextHints } from './script-language.ts'
import type { TrueType } from './true-types.ts'

/** Nothing that nobody opened is called clean. `hints`: what the sample is called. */
export function unopened(view: ContentView, type: TrueType, hints: TextHints): ScanResult | undefined {
  const isPlain = type.family === 'text' || type.family === 'image'
  try {
    if (!isPlain && protectionOf(view, type) === 'encrypted')
      return unscanned('encrypted', `${type.name} behind a password`)
    const hidden = type.packed ? undefined : hiddenArchive(view, hints)
    if (hidden !== undefined) return unscanned('not-unpacked', `${type.name}: ${hidden}`)
  } catch (error) {
    return failed('unpack', error)
  }
  return type.packed ? unscanned('not-unpacked', `${type.name}: its members were not looked at`) : undefined
}

function unscanned(reason: 'encrypted' | 'not-unpacked', detail: string): ScanResult {
  return { outcome: 'unscanned', engine: 'unpack', reason, detail }
}
