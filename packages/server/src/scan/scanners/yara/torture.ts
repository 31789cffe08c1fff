import { randomFillSync } from 'node:crypto'
import { Unscanned } from '../../../domain/verdict.ts'
import type { LoadedRules, RuleSource } from './binding.ts'
import { RULE_TOKEN } from './split-rules.ts'

/** As large as the largest body that is scanned inline. */
const CORPUS_BYTES = 64 * 1024
const GROUP_WORDS = 32
/** Words of each group that are tried alone too: an anchor that fits on itself makes a scan quadratic. */
const ALONE_WORDS = 4
const MAX_WORDS = 32 * GROUP_WORDS

/** What makes regular expressions walk back and loops run long: bytes that nearly match, again and again. */
const SEEDS = [
  'a',
  'A',
  '(',
  '0',
  ' ',
  '\0',
  '\xff',
  '\n',
  'ab',
  '/*',
  'a=',
  '00 ',
  '<a ',
  'QUFBQUFB',
  'eval(',
  '\\x41',
  '%41',
  '&#x41;',
  '<script>',
  'var a="a"+"b";\n',
  'chr(65)&',
  'http://a.b/c',
  '-enc aaaaaaaaaaaaaaaa ',
  '$a = "b" + $c; ',
]

let common: readonly Buffer[] | undefined

/** The bodies that are the same for all rules. */
export function commonCorpora(): readonly Buffer[] {
  common ??= [
    ...SEEDS.map((seed) => Buffer.alloc(CORPUS_BYTES, Buffer.from(seed, 'latin1'))),
    randomFillSync(Buffer.alloc(CORPUS_BYTES)),
  ]
  return common
}

export interface TortureLimits {
  readonly budgetMs: number
  readonly timeoutMs: number
}

/** A body on which rules exceeded their budget, and by how much. */
export interface Excess {
  readonly corpus: Buffer
  /** ms of CPU time; `timeoutMs` where YARA's limit stopped it. */
  readonly ms: number
}

/** The first body of the torture corpus that costs more than the budget; undefined when none does. */
export function findExcess(rules: LoadedRules, file: RuleSource, limits: TortureLimits): Excess | undefined {
  for (const corpus of [...commonCorpora(), ...ownWordsCorpora(file.source)]) {
    const ms = tortureMs(rules, corpus, limits)
    if (ms > limits.budgetMs) return { corpus, ms }
  }
  return undefined
}

/** ms of this thread's CPU time (a busy machine must not make a rule slow) for one body, or `timeoutMs` where YARA's limit stopped it. */
export function tortureMs(rules: LoadedRules, corpus: Buffer, { budgetMs, timeoutMs }: TortureLimits): number {
  return Math.min(
    timeoutMs,
    bestOf(3, () => scanMs(rules, corpus, timeoutMs), budgetMs),
  )
}

/** The first scan of a rule set also pays for its set-up, so only a repeated excess counts. */
function bestOf(tries: number, measure: () => number, enoughMs: number): number {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < tries && best > enoughMs; i++) {
    best = Math.min(best, measure())
    // What the time limit stopped is slow at once: no second and third wait.
    if (best === Number.POSITIVE_INFINITY) break
  }
  return best
}

function scanMs(rules: LoadedRules, bytes: Buffer, timeoutMs: number): number {
  const before = process.threadCpuUsage()
  try {
    rules.scan(bytes, timeoutMs)
  } catch (error) {
    if (error instanceof Unscanned && error.reason === 'timeout') return Number.POSITIVE_INFINITY
    throw error
  }
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

/**
 * A rule whose anchor is a rare word is slow only on bodies that hold the word, and rules are public: so each file is also
 * tried on the words of its own regular expressions, in a row and each followed by what a greedy tail likes.
 */
export function ownWordsCorpora(source: string): Buffer[] {
  const expressions = [...source.matchAll(RULE_TOKEN)].map(([text]) => text).filter((text) => /^\/[^/*]/.test(text))
  const words = [...new Set(expressions.flatMap((text) => text.match(/[A-Za-z0-9_]{3,}/g) ?? []))]
  const groups: Buffer[] = []
  for (let at = 0; at < words.length && at < MAX_WORDS; at += GROUP_WORDS)
    groups.push(...corporaOf(words.slice(at, at + GROUP_WORDS)))
  return groups
}

function corporaOf(words: readonly string[]): Buffer[] {
  const share = Math.floor(CORPUS_BYTES / words.length)
  const withTail = (filler: string) =>
    Buffer.concat(words.map((word) => Buffer.concat([Buffer.from(word), Buffer.alloc(share, filler)], share)))
  const inARow = [' ', ''].map((gap) => Buffer.alloc(CORPUS_BYTES, words.join(gap) + gap))
  return [
    ...inARow,
    ...words.slice(0, ALONE_WORDS).map((word) => Buffer.alloc(CORPUS_BYTES, word)),
    withTail('a'),
    withTail(' '),
  ]
}
