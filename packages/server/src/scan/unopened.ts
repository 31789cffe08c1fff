import type { ScanResult } from '../domain/verdict.ts'
import type { ContentView } from './content-view.ts'
import { failed } from './engine-run.ts'
import { protectionOf } from './protection.ts'
import type { TrueType } from './true-types.ts'

/** Nothing that nobody opened is called clean. */
export function unopened(view: ContentView, type: TrueType): ScanResult | undefined {
  if (type.family === 'text' || type.family === 'image') return undefined
  try {
    if (protectionOf(view, type) === 'encrypted')
      return { outcome: 'unscanned', engine: 'unpack', reason: 'encrypted', detail: `${type.name} behind a password` }
  } catch (error) {
    return failed('unpack', error)
  }
  if (!type.packed) return undefined
  return {
    outcome: 'unscanned',
    engine: 'unpack',
    reason: 'not-unpacked',
    detail: `${type.name}: its members were not looked at`,
  }
}
