export { ChunkedDecoder, type ChunkedLimits } from './chunked-decoder.ts'
export { chunkHead, IEOF_CHUNK, LAST_CHUNK, useOriginalBodyChunk } from './chunked-encoder.ts'
export {
  createIcapClient,
  type IcapClient,
  IcapClientError,
  type IcapClientErrorCode,
  type IcapClientHeaders,
  type IcapClientLimits,
  type IcapClientOptions,
  type IcapClientReply,
  type IcapClientRequest,
  type IcapClientTimeouts,
  type IcapClientTls,
} from './client.ts'
export { type BodySection, type Encapsulated, type EncapsulatedIn, parseEncapsulated } from './encapsulated.ts'
export { ICAP_FAULTS, IcapError, type IcapErrorCode, type IcapErrorOptions, reasonPhrase } from './errors.ts'
export { HeaderLines, type IcapHeaders, listItems, parseHeaders } from './headers.ts'
export { DEFAULT_LIMITS, DEFAULT_STRICTNESS, type IcapLimits, type IcapStrictness } from './limits.ts'
export { type Admission, createIcapServer, type IcapFault, type IcapServer, type IcapServerOptions } from './server.ts'
export type { IcapService, OptionsAnswer } from './service.ts'
export type {
  BodySink,
  BodyState,
  IcapMethod,
  IcapReply,
  Peer,
  ReplyBody,
  ReplyHeaders,
  Transaction,
} from './transaction.ts'
