import type { ByteSource } from './member-writer.ts'
import { TAR_BLOCK, type TarHeader, tarNumber } from './tar-header.ts'
import { paxNumber } from './tar-pax.ts'

/** Pieces of a file with holes between them (GNU tar, "Storing Sparse Files"). */
export interface SparseMap {
  readonly pieces: readonly SparsePiece[]
  readonly size: number
  /** Where the pieces' bytes begin. */
  readonly dataAt: number
}

interface SparsePiece {
  readonly at: number
  readonly bytes: number
}

const MAX_PIECES = 100_000
/** The map's text in the data of format 1.0. */
const MAX_MAP_BYTES = 1024 * 1024

/** Type S: four pieces in the header, more in blocks behind it as long as each says so. */
export function oldSparseMap(source: ByteSource, { block }: TarHeader, dataAt: number): SparseMap {
  const pieces = piecesIn(block, 386, 4)
  let at = dataAt
  for (let isMore = block[482] === 1; isMore && pieces.length < MAX_PIECES; at += TAR_BLOCK) {
    const next = source.read(at, TAR_BLOCK)
    pieces.push(...piecesIn(next, 0, 21))
    isMore = next[504] === 1
  }
  return { pieces, size: tarNumber(block, 483, 12), dataAt: at }
}

function piecesIn(block: Buffer, from: number, count: number): SparsePiece[] {
  const pieces: SparsePiece[] = []
  for (let at = from; at < from + count * 24 && at + 24 <= block.length; at += 24) {
    const bytes = tarNumber(block, at + 12, 12)
    if (bytes > 0) pieces.push({ at: tarNumber(block, at, 12), bytes })
  }
  return pieces
}

/** pax: format 0.1 has the map in a record, 1.0 in front of the data. Undefined: not sparse; 'unknown': in a way that is not read. */
export function paxSparseMap(
  source: ByteSource,
  records: ReadonlyMap<string, string>,
  dataAt: number,
): SparseMap | 'unknown' | undefined {
  const size = paxNumber(records.get('GNU.sparse.realsize') ?? records.get('GNU.sparse.size'))
  const map = records.get('GNU.sparse.map')
  if (records.get('GNU.sparse.major') === '1') return mapInData(source, size, dataAt)
  if (map !== undefined) {
    const pieces = piecesOf(map.split(',', 2 * MAX_PIECES))
    return pieces === undefined || size === undefined ? 'unknown' : { pieces, size, dataAt }
  }
  return records.has('GNU.sparse.numblocks') || records.has('GNU.sparse.offset') ? 'unknown' : undefined
}

function mapInData(source: ByteSource, size: number | undefined, dataAt: number): SparseMap | 'unknown' {
  const lines = source
    .read(dataAt, MAX_MAP_BYTES)
    .toString('latin1')
    .split('\n', 2 * MAX_PIECES + 2)
  const count = paxNumber(lines[0])
  if (count === undefined || size === undefined || lines.length < 2 * count + 2) return 'unknown'
  const numbers = lines.slice(1, 2 * count + 1)
  const pieces = piecesOf(numbers)
  const mapBytes = numbers.reduce((sum, line) => sum + line.length + 1, (lines[0] as string).length + 1)
  const bytes = Math.ceil(mapBytes / TAR_BLOCK) * TAR_BLOCK
  return pieces === undefined ? 'unknown' : { pieces, size, dataAt: dataAt + bytes }
}

function piecesOf(numbers: readonly string[]): SparsePiece[] | undefined {
  const pieces: SparsePiece[] = []
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    const [at, bytes] = [paxNumber(numbers[i]), paxNumber(numbers[i + 1])]
    if (at === undefined || bytes === undefined) return undefined
    if (bytes > 0) pieces.push({ at, bytes })
  }
  return pieces
}
