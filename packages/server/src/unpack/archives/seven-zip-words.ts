import type { UnscannedReason } from '../../domain/verdict.ts'
import type { Damage } from '../opener.ts'
import { INPUT_PATH } from '../run-tool.ts'

const MEANINGS: readonly (readonly [RegExp, UnscannedReason])[] = [
  [/password|encrypted/i, 'encrypted'],
  [/missing volume|unavailable data/i, 'not-unpacked'],
  [/unsupported|not implemented/i, 'not-unpacked'],
  [/allocate|memory/i, 'too-large'],
]

/** What a complaint of 7-Zip means; whatever is not known is damage. */
export function damageOf(complaint: string): Damage {
  const reason = MEANINGS.find(([words]) => words.test(complaint))?.[1] ?? 'malformed'
  return { reason, detail: `7-Zip: ${complaint.replaceAll(INPUT_PATH, 'the archive').trim()}`.slice(0, 300) }
}

/** The item's name stands behind the complaint: it must not decide what it means. */
export function itemDamage(line: string, name: string): Damage {
  const end = line.endsWith(` : ${name}`) ? line.length - name.length - 3 : line.length
  return damageOf(line.slice('ERROR: '.length, end))
}

const COMPLAINTS = [
  /^ERRORS:\n(.{1,300})$/m,
  /^Open ERROR: (.{1,300})$/m,
  /^(ERROR: .{1,300})$/m,
  /^WARNINGS:\n(.{1,300})$/m,
]

/** What the one stream's run complained of, best words first. */
export function complaintIn(stderr: string): string | undefined {
  return COMPLAINTS.map((words) => words.exec(stderr)?.[1]).find((words) => words !== undefined)
}
