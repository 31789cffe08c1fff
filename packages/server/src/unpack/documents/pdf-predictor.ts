import type { PdfDict } from './pdf-values.ts'

/** A row of more bytes is a lie: the largest picture of any writer has less. */
const MAX_ROW_BYTES = 1 << 20

/** ISO 32000-1 7.4.4.4: TIFF predictor 2 (8 bits a colour) and the PNG ones; anything else leaves the bytes as they are. */
export function undoPredictor(bytes: Buffer, parms: PdfDict | undefined): Buffer {
  const predictor = parms?.number('Predictor') ?? 1
  if (parms === undefined || predictor < 2) return bytes
  const bits = parms.number('BitsPerComponent') ?? 8
  const colors = parms.number('Colors') ?? 1
  const row = Math.ceil(((parms.number('Columns') ?? 1) * colors * bits) / 8)
  if (!(row > 0 && row <= MAX_ROW_BYTES)) return bytes
  const step = Math.max(1, Math.ceil((colors * bits) / 8))
  if (predictor === 2) return bits === 8 ? undoTiff(bytes, row, step) : bytes
  return undoPng(bytes, row, step)
}

function undoTiff(bytes: Buffer, row: number, step: number): Buffer {
  const out = Buffer.from(bytes)
  for (let i = 0; i < out.length; i++) if (i % row >= step) out[i] = (out[i] as number) + (out[i - step] as number)
  return out
}

/** RFC 2083 6: each row has its own filter. */
function undoPng(bytes: Buffer, row: number, step: number): Buffer {
  const rows = Math.ceil(bytes.length / (row + 1))
  const out = Buffer.alloc(rows * row)
  let length = 0
  for (let r = 0; r < rows; r++) {
    const from = r * (row + 1)
    const filter = bytes[from]
    const count = Math.min(row, bytes.length - from - 1)
    const base = r * row
    for (let i = 0; i < count; i++) {
      const left = i >= step ? (out[base + i - step] as number) : 0
      const up = r > 0 ? (out[base + i - row] as number) : 0
      const corner = r > 0 && i >= step ? (out[base + i - row - step] as number) : 0
      out[base + i] = (bytes[from + 1 + i] as number) + guess(filter, left, up, corner)
    }
    length = base + Math.max(0, count)
  }
  return out.subarray(0, length)
}

function guess(filter: number | undefined, left: number, up: number, corner: number): number {
  switch (filter) {
    case 1:
      return left
    case 2:
      return up
    case 3:
      return (left + up) >> 1
    case 4:
      return paeth(left, up, corner)
    default:
      return 0
  }
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner
  const toLeft = Math.abs(estimate - left)
  const toUp = Math.abs(estimate - up)
  const toCorner = Math.abs(estimate - corner)
  if (toLeft <= toUp && toLeft <= toCorner) return left
  return toUp <= toCorner ? up : corner
}
