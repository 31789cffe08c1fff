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
