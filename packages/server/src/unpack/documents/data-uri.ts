export interface DataUri {
  readonly mime: string
  readonly bytes: Buffer
  readonly index: number
}

const HEAD =
  /data\s{0,4}:\s{0,4}([\w.+/-]{0,100})((?:\s{0,4};\s{0,4}[\w.+-]{1,60}(?:=[^;,"'\s]{0,100})?){0,8})\s{0,4},/gi
const ENDS = /["'`<>)]|\s(?!\s{0,400}[A-Za-z0-9+/=])/g
const MAX_URIS = 1000

/**
 * data: URIs (RFC 2397) anywhere in a text: attributes, style sheets, scripts, srcset. Base 64 ends at the first character that is
 * none of it (white space apart), percent-encoded text at a quote or bracket. A value of an attribute is given whole by `isWhole`.
 */
export function* dataUrisIn(text: string, isWhole = false): Generator<DataUri> {
  HEAD.lastIndex = 0
  for (let count = 0; count < MAX_URIS; count++) {
    const hit = HEAD.exec(text)
    if (hit === null) return
    const from = HEAD.lastIndex
    const isBase64 = /;\s{0,4}base64\b/i.test(hit[2] ?? '')
    const end = isBase64 ? base64End(text, from) : isWhole ? text.length : textEnd(text, from)
    const next = Math.max(end, from)
    const data = text.slice(from, end)
    yield {
      mime: (hit[1] ?? '').toLowerCase(),
      bytes: isBase64 ? decodeBase64(data) : decodePercent(data),
      index: hit.index,
    }
    HEAD.lastIndex = next
  }
}

const NOT_BASE64 = /[^A-Za-z0-9+/=_%\s-]/g

function base64End(text: string, from: number): number {
  NOT_BASE64.lastIndex = from
  return NOT_BASE64.exec(text)?.index ?? text.length
}

function textEnd(text: string, from: number): number {
  ENDS.lastIndex = from
  return ENDS.exec(text)?.index ?? text.length
}

/** Percent escapes may stand in base 64 too: %2B, %3D. */
function decodeBase64(data: string): Buffer {
  const plain = data.includes('%') ? decodePercent(data).toString('latin1') : data
  return Buffer.from(plain, 'base64')
}

function decodePercent(data: string): Buffer {
  const bytes = Buffer.from(data, 'latin1')
  let length = 0
  for (let i = 0; i < bytes.length; i++) {
    const code = bytes[i] === 0x25 ? Number.parseInt(bytes.toString('latin1', i + 1, i + 3), 16) : Number.NaN
    if (Number.isNaN(code)) bytes[length++] = bytes[i] as number
    else {
      bytes[length++] = code
      i += 2
    }
  }
  return bytes.subarray(0, length)
}
