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
export type { IcapHeaders } from './headers.ts'
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
