/** Node's Buffers have it, its types do not: the text without the look-up of an encoding name. */
interface Latin1Sliceable {
  latin1Slice(start: number, end: number): string
}

/** Bytes `from`..`to` as text, one character a byte: what heads are (RFC 2616), and what `socket.write(text, 'latin1')` gives back unchanged. */
export function latin1(bytes: Buffer, from = 0, to = bytes.length): string {
  return (bytes as Buffer & Latin1Sliceable).latin1Slice(from, to)
}
