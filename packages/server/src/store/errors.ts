/** Every way the store fails that a caller may have to tell apart. */
export const STORE_FAULTS = {
  JOURNAL_FULL: 'the journals have reached their cap: the database is away, or slower than the traffic',
  JOURNAL_WRITE: 'the journal could not be written',
  JOURNAL_CLOSED: 'the journal is closed',
  RECORD_TOO_LARGE: 'a transaction record is larger than a journal line may be',
  STORE_UNAVAILABLE: 'the database is not there',
  STORE_TIMEOUT: 'the database did not answer in time',
  STORE_CLOSED: 'the store is closed',
  STORE_CONFLICT: 'somebody else saved first',
  STORE_FAILED: 'the database refused',
  LIST_FULL: 'the list is full',
  SECRET_KEY: 'the secret key cannot be used',
  SECRET_DAMAGED: 'a sealed secret cannot be opened with this key',
} as const

export type StoreErrorCode = keyof typeof STORE_FAULTS

export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, detail = '', options?: ErrorOptions) {
    super(detail === '' ? STORE_FAULTS[code] : `${STORE_FAULTS[code]}: ${detail}`, options)
    this.code = code
  }

  /** One that crossed from another thread, its text as it stands. */
  static received(code: StoreErrorCode, text: string): StoreError {
    const error = new StoreError(code)
    error.message = text
    return error
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
