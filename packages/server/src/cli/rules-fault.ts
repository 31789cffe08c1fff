/** A rule file that does not compile, with all its faults. */
export class RulesFault extends Error {
  override readonly name = 'RulesFault'
  /** `line N: FAULT`. */
  readonly faults: readonly string[]

  constructor(text: string, faults: readonly string[]) {
    super(text)
    this.faults = faults
  }
}
