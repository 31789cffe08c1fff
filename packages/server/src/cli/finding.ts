/** One thing that the doctor looked at. `mend` says what to do, '' when there is nothing. */
export interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warn' | 'bad'
  readonly detail: string
  readonly mend: string
}

export function ok(check: string, detail: string): Finding {
  return { check, state: 'ok', detail, mend: '' }
}
