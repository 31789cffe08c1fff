import type { Opener } from '../unpack/opener.ts'

/** Everybody who can open something, containers first. Threads and the process that asks who is wanted have the same. */
export function allOpeners(): readonly Opener[] {
  return []
}
