/** Header fields of an ICAP head in order; names compared without case, values trimmed (RFC 3507 4.3). */
export interface IcapHeaders {
  /** The first value of that name. */
  get(name: string): string | undefined
  /** Every value of that name, in order. */
  all(name: string): readonly string[]
  /** All values of that name as one comma-separated list, empty items dropped, each trimmed. */
  list(name: string): string[]
  entries(): Iterable<readonly [name: string, value: string]>
}
