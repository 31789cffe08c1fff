import { NotClamd } from './clamd-errors.ts'

/** A signature's name, the hash and size that ExtendedDetectionInfo adds, an id: far less than this. VERSIONCOMMANDS has about 250. */
const MAX_ANSWER_BYTES = 4096
/** More answers in one read than a session can have questions is nobody's clamd. */
const MAX_ANSWERS_A_READ = 1024

/** Cuts what clamd sends at its NULs (commands with the prefix `z` are answered with one: clamd(8)). */
export class AnswerLines {
  #rest: Buffer = Buffer.alloc(0)

  /** The whole answers so far. Throws NotClamd where one is too long. */
  push(bytes: Buffer): string[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const answers: string[] = []
    let from = 0
    for (let end = all.indexOf(0); end !== -1; end = all.indexOf(0, from)) {
      if (end - from > MAX_ANSWER_BYTES) throw new NotClamd('an answer longer than clamd gives')
      if (answers.push(all.toString('utf8', from, end)) > MAX_ANSWERS_A_READ) throw new NotClamd('answers without end')
      from = end + 1
    }
    if (all.length - from > MAX_ANSWER_BYTES) throw new NotClamd('an answer without an end')
    this.#rest = Buffer.from(all.subarray(from))
    return answers
  }
}
