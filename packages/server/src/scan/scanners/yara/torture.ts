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
function commonCorpora(): readonly Buffer[] {
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

/** ms of CPU for 64 KiB. Costs of several rules do not add up: YARA searches for the patterns of all of them in one pass. */
export interface RuleCost {
  /** Over the bodies that are the same for all rules, so that rules can be compared. */
  readonly meanMs: number
  /** Also on those made of the rules' own words. */
  readonly worstMs: number
}

export interface Ordeal {
  readonly cost: RuleCost
  /** The first body that costs more than the budget, where the ordeal ended; absent: none does. */
  readonly excess?: Excess
}

/** Tries the rules on the whole torture corpus, or until they exceed the budget. */
export function tryRules(rules: LoadedRules, file: RuleSource, limits: TortureLimits): Ordeal {
  const common = commonCorpora()
  const costs: number[] = []
  // The first scan of a rule set also pays for its set-up.
  tortureMs(rules, Buffer.alloc(16), limits)
  for (const corpus of [...common, ...ownWordsCorpora(file.source)]) {
    const before = performance.now()
    const ms = tortureMs(rules, corpus, limits)
    const wallMs = performance.now() - before
    // Some systems count CPU time in ticks of milliseconds: no scan takes longer than the clock says.
    costs.push(ms === 0 ? wallMs : Math.min(ms, wallMs))
    if (ms > limits.budgetMs) return { cost: costOf(costs, common.length), excess: { corpus, ms } }
  }
  return { cost: costOf(costs, common.length) }
}

function costOf(costs: readonly number[], common: number): RuleCost {
  const compared = costs.slice(0, common)
  const meanMs = compared.reduce((sum, ms) => sum + ms, 0) / compared.length
  return { meanMs: rounded(meanMs), worstMs: rounded(Math.max(...costs)) }
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000
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
function ownWordsCorpora(source: string): Buffer[] {
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
