import { SETTING_KEYS } from './settings.ts'

const MAX_KEY = 80

/** What is wrong with a key that is no setting, with the nearest one. */
export function unknownKeyText(key: string): string {
  const group = SETTING_KEYS.filter((known) => known.startsWith(`${key}.`))
  if (group.length > 0)
    return `is a group of settings, not one: ${group.slice(0, 3).join(', ')}${group.length > 3 ? ', ...' : ''}`
  const hint = nearestKey(key)
  return hint === undefined ? 'unknown setting' : `unknown setting, did you mean ${hint}?`
}

function nearestKey(key: string): string | undefined {
  if (key.length > MAX_KEY) return undefined
  const wanted = key.toLowerCase()
  const sameEnd = SETTING_KEYS.filter((known) => known.toLowerCase().endsWith(`.${wanted}`))
  if (sameEnd[0] !== undefined) return sameEnd.slice(0, 3).join(' or ')
  const ranked = SETTING_KEYS.map((known) => ({ known, distance: editDistance(wanted, known.toLowerCase()) }))
  const nearest = ranked.reduce((best, one) => (one.distance < best.distance ? one : best))
  return nearest.distance <= Math.max(2, key.length / 4) ? nearest.known : undefined
}

/** Levenshtein's: the least number of letters put in, left out or changed. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
