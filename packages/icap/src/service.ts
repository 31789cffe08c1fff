import type { IcapMethod } from './transaction.ts'

/** One ICAP service: a path and what it does. */
export interface IcapService {
  /** The path without slashes at its ends: `respmod`. */
  readonly name: string
  readonly methods: readonly IcapMethod[]
}

/** What OPTIONS says of a service (RFC 3507 4.10.2). */
export interface OptionsAnswer {
  /** 503: the service exists, but cannot work now. */
  readonly status: 200 | 503
  readonly methods: readonly IcapMethod[]
  /** At most 32 ASCII characters, with or without its quotes. */
  readonly isTag: string
  /** Bytes of preview wanted, of every file (`Transfer-Preview: *`); undefined: none. */
  readonly preview?: number
  readonly optionsTtlS: number
  /** What this client may open; at least 1 is said. */
  readonly maxConnections: number
  /** One line of text. */
  readonly serviceText: string
  readonly serviceId: string
  /** Header names we want from the client: `X-Client-IP`, ... (draft-stecher-icap-subid) */
  readonly xInclude?: readonly string[]
  readonly allow206: boolean
}
