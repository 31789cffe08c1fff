import * as fixtures from '../conformance/fixtures.ts'
import { chunked, GET_HEAD, HELLO, options, POST_HEAD, reqmod, respmod } from '../conformance/messages.ts'

/** Good messages to start from: what real clients send, and one of each kind. */
export const CORPUS: readonly string[] = [
  ...Object.values(fixtures.COMPLETE),
  fixtures.SQUID_POST_5000,
  fixtures.SQUID_POST_5000 + fixtures.SQUID_POST_5000_REST,
  fixtures.SQUID_RESPMOD_PREVIEW,
  options('both', ['Encapsulated: opt-body=0']) + HELLO,
  reqmod({ req: POST_HEAD, body: HELLO }),
  respmod({ req: GET_HEAD, body: chunked('x'.repeat(3_000), 100), lines: ['Allow: 204, 206'] }),
  respmod({ lines: ['Preview: 5', 'Allow: 206'] }) + HELLO,
  respmod({ body: '5;a="x;y"\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n' }) + options(),
]

/** Good chunked bodies. */
export const BODIES: readonly string[] = [
  HELLO,
  chunked('hello world', 1),
  chunked('x'.repeat(5_000), 700),
  '5\r\nhello\r\n0; ieof\r\n\r\n',
  '0; use-original-body=12\r\n\r\n',
  '5;a="x;y";b\r\nhello\r\n00\r\nX-T: 1\r\nX-U: 2\r\n folded\r\n\r\nREST',
]
