import type { OpenerNode, PasswordTrial } from './opener.ts'
import { nameWords, plainWords, wordsNearKeywords } from './password-words.ts'

/** How often each password has opened something; outlives a walk, so that the process remembers. */
export interface PasswordCounts {
  get(password: string): number
  add(password: string): void
}

export interface PasswordTrialOptions {
  /** The administrator's list, in order. */
  readonly listed: readonly string[]
  /** Most passwords that `candidates` gives; 200 where it is not said. */
  readonly maxTries?: number
  readonly counts?: PasswordCounts
}

/** The passwords of one walk: what stands in its texts and names, then the list. */
export interface NotedPasswordTrial extends PasswordTrial {
  /** A text in which a password may stand: a mail's body, an archive's comment. Only its first 64 KiB are read. */
  note(text: string): void
  /** Where a candidate comes from: `from the mail's text`, `listed #3`, `from the name`. Never the password. */
  describe(password: string): string
}

const MAX_TRIES = 200
const MAX_NOTES = 256
/** Of what stands behind a word for "password" or in quotes, the newest; of all other words, the first. */
const MAX_NEAR = 60
const MAX_PLAIN = 100
const MAX_OPENED = 20
const MAX_COUNTED = 10_000

/** Counts in memory. Passwords that opened something are bounded by nobody but the sender, so the oldest go. */
export function passwordCounts(): PasswordCounts {
  const counts = new Map<string, number>()
  return {
    get: (password) => counts.get(password) ?? 0,
    add(password) {
      const count = (counts.get(password) ?? 0) + 1
      counts.delete(password)
      counts.set(password, count)
      const oldest = counts.size > MAX_COUNTED ? counts.keys().next().value : undefined
      if (oldest !== undefined) counts.delete(oldest)
    },
  }
}

export function createPasswordTrial(options: PasswordTrialOptions): NotedPasswordTrial {
  return new Trial(options)
}

class Trial implements NotedPasswordTrial {
  readonly #listed: readonly string[]
  readonly #maxTries: number
  readonly #counts: PasswordCounts
  #opened: readonly string[] = []
  #near: readonly string[] = []
  #plain: readonly string[] = []
  #notes = 0
  /** The list by success; made again after one. */
  #ordered: readonly string[] | undefined

  constructor({ listed, maxTries = MAX_TRIES, counts = passwordCounts() }: PasswordTrialOptions) {
    this.#listed = [...new Set(listed)].filter((password) => password !== '')
    this.#maxTries = maxTries
    this.#counts = counts
  }

  note(text: string): void {
    if (++this.#notes > MAX_NOTES) return
    this.#near = [...new Set([...wordsNearKeywords(text), ...this.#near])].slice(0, MAX_NEAR)
    if (this.#plain.length >= MAX_PLAIN) return
    this.#plain = [...new Set([...this.#plain, ...plainWords(text, MAX_PLAIN)])].slice(0, MAX_PLAIN)
  }

  candidates(node: OpenerNode): readonly string[] {
    this.#ordered ??= this.#listed.toSorted((a, b) => this.#counts.get(b) - this.#counts.get(a))
    const guesses = new Set([...this.#opened, ...this.#near, ...namesOf(node), ...this.#plain])
    // A mail full of words must not keep the list from being tried: half of the tries are the list's.
    const listedTries = Math.min(this.#ordered.length, Math.ceil(this.#maxTries / 2))
    const first = [...guesses].slice(0, this.#maxTries - listedTries)
    return [...new Set([...first, ...this.#ordered, ...guesses])].slice(0, this.#maxTries)
  }

  succeeded(password: string): void {
    this.#counts.add(password)
    this.#ordered = undefined
    this.#opened = [password, ...this.#opened.filter((other) => other !== password)].slice(0, MAX_OPENED)
  }

  describe(password: string): string {
    if (this.#near.includes(password)) return "from the mail's text"
    const place = this.#listed.indexOf(password)
    if (place >= 0) return `listed #${place + 1}`
    return this.#plain.includes(password) ? "from the mail's text" : 'from the name'
  }
}

function namesOf({ fileName, within }: OpenerNode): readonly string[] {
  // What lies nearest is the best guess.
  return [fileName, ...within.map((outer) => outer.fileName).toReversed()].slice(0, 4).flatMap(nameWords)
}
