const MIN_LETTERS = 12
const VOWELS = /[aeiouy]/g
const CONSONANTS = /[bcdfghjklmnpqrstvwxz]{6,}/
const DIGITS = /\d/g

/**
 * How much a label looks drawn by lot, as domains of generating malware do: 0 not at all, 1 entirely. Counts what hardly a word of any
 * language in Latin letters has: runs of six consonants, few vowels, figures strewn between letters, nearly no letter twice.
 */
export function randomness(label: string): number {
  if (label.length < MIN_LETTERS || label.includes('-')) return 0
  const vowels = (label.match(VOWELS)?.length ?? 0) / label.length
  const digits = label.match(DIGITS)?.length ?? 0
  const changes = label.match(/[a-z](?=\d)|\d(?=[a-z])/g)?.length ?? 0
  let score = 0
  if (CONSONANTS.test(label)) score += 0.4
  if (vowels < 0.2) score += 0.3
  if (digits >= 3 && changes >= 4) score += 0.3
  if (entropy(label) > maxEntropy(label.length)) score += 0.2
  return Math.min(1, score)
}

/** Words repeat letters: what is over this is nearly flat for its length. */
function maxEntropy(length: number): number {
  return Math.log2(Math.min(36, length)) * 0.9
}

/** Shannon's, in bits a character. */
function entropy(text: string): number {
  const counts = new Map<string, number>()
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}
