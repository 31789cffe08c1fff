/** The connection ended before the answer came: the question may be asked again elsewhere. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}

/** What came is not what a clamd says: the connection is of no use, and neither is the answer. */
export class NotClamd extends Error {
  override readonly name = 'NotClamd'
}
