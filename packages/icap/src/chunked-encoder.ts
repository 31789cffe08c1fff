/** Ends every body (RFC 3507 4.4: always there, also behind an empty body). */
export const LAST_CHUNK = '0\r\n\r\n'

/** The size line of a chunk; no extensions, some clients stumble over them. */
export function chunkHead(byteLength: number): string {
  return `${byteLength.toString(16)}\r\n`
}

/** The last chunk of a 206: the client goes on with its own copy from `offset` on (draft-icap-ext-partial-content). */
export function useOriginalBodyChunk(offset: number): string {
  return `0; use-original-body=${offset}\r\n\r\n`
}

/** The last chunk of a preview that held the whole body (RFC 3507 4.5). For clients. */
export const IEOF_CHUNK = '0; ieof\r\n\r\n'
