import { type AuthenticodeFeatures, NO_AUTHENTICODE } from './authenticode-features.ts'
import { type ByteRange, type ByteStatistics, countBytes, entropyOf } from './byte-statistics.ts'
import { COLUMN, FEATURE_COUNT } from './feature-columns.ts'
import { addHeader } from './header-features.ts'
import { addExports, addImports } from './import-features.ts'
import { addHashed } from './murmur.ts'
import { type PeContents, readContents } from './pe-directories.ts'
import { PeImage } from './pe-image.ts'
import { PeFormatError } from './pe-warnings.ts'
import { addSections, overlayOf } from './section-features.ts'
import { countStrings, type StringStatistics } from './string-statistics.ts'

/** The extractor's own version: part of the engine's, so that a mended extractor makes cached answers void. */
export const EXTRACTOR_VERSION = 'ember3-1'

export interface ExtractedFeatures {
  /** 2,568 columns in single precision, as the models were trained. */
  readonly features: Float32Array
  /** Undefined where pefile sees no PE: the columns from 696 on are then 0 and `is a PE` is 0. */
  readonly image: PeImage | undefined
}

/**
 * EMBER version 3 features (thrember 0ef753e). Never throws for hostile bytes: what is no PE to pefile still has general, byte and
 * string features, as thrember gives them. `authenticode` is asked once, and only for a PE.
 */
export function extractFeatures(
  bytes: Buffer,
  authenticode: (image: PeImage) => AuthenticodeFeatures = () => NO_AUTHENTICODE,
): ExtractedFeatures {
  const out = new Float64Array(FEATURE_COUNT)
  const image = openImage(bytes)
  const contents = image === undefined ? undefined : readContents(image)
  const ranges = image === undefined ? [] : [...image.sections.map((s) => image.sectionData(s)), overlayOf(image)]
  const statistics = countBytes(bytes, ranges)
  addGeneral(out, bytes, { statistics, isPe: image !== undefined })
  addStrings(out, countStrings(bytes))
  if (image !== undefined && contents !== undefined) {
    addPe(out, { image, contents, statistics, ranges, authenticode: authenticode(image) })
  }
  return { features: Float32Array.from(out), image }
}

function openImage(bytes: Buffer): PeImage | undefined {
  try {
    return new PeImage(bytes)
  } catch (error) {
    if (error instanceof PeFormatError) return undefined
    throw error
  }
}

function addGeneral(
  out: Float64Array,
  bytes: Buffer,
  { statistics, isPe }: { statistics: ByteStatistics; isPe: boolean },
): void {
  const { histogram, byteEntropy } = statistics
  const size = bytes.length
  out.set([size, entropyOf(histogram, size), isPe ? 1 : 0, ...bytes.subarray(0, 4)], COLUMN.general)
  if (size === 0) return
  out.set(
    Float64Array.from(histogram, (count) => count / size),
    COLUMN.byteHistogram,
  )
  const total = byteEntropy.reduce((sum, count) => sum + count, 0)
  out.set(
    byteEntropy.map((count) => count / total),
    COLUMN.byteEntropy,
  )
}

function addStrings(out: Float64Array, { count, printables, histogram, matches }: StringStatistics): void {
  out.set([count, count === 0 ? 0 : printables / count, printables], COLUMN.strings)
  out.set(
    Float64Array.from(histogram, (of) => of / (printables || 1)),
    COLUMN.strings + 3,
  )
  out[COLUMN.strings + 99] = entropyOf(histogram, printables)
  out.set(matches, COLUMN.stringPatterns)
}

interface PeParts {
  readonly image: PeImage
  readonly contents: PeContents
  readonly statistics: ByteStatistics
  readonly ranges: readonly ByteRange[]
  readonly authenticode: AuthenticodeFeatures
}

function addPe(out: Float64Array, { image, contents, statistics, ranges, authenticode }: PeParts): void {
  addHeader(out, image)
  addSections(out, image, { entropies: statistics.entropies, overlay: ranges.at(-1) ?? { at: 0, size: 0 } })
  addImports(out, contents.imports)
  addExports(out, contents.exports)
  addDirectories(out, image, contents)
  addRich(out, contents.rich)
  addAuthenticode(out, authenticode)
  addWarnings(out, image, statistics)
}

/** thrember's loop leaves out the last directory that is there. */
function addDirectories(out: Float64Array, image: PeImage, contents: PeContents): void {
  for (const [index, { rva, size }] of image.headers.directories.slice(0, -1).entries()) {
    out[COLUMN.dataDirectories + 2 * index] = size
    out[COLUMN.dataDirectories + 2 * index + 1] = rva
  }
  out[COLUMN.dataDirectories + 32] = contents.hasRelocations ? 1 : 0
  out[COLUMN.dataDirectories + 33] = contents.hasDynamicRelocations ? 1 : 0
}

function addRich(out: Float64Array, values: readonly number[]): void {
  out[COLUMN.rich] = values.length >> 1
  const columns = { out, from: COLUMN.rich + 1, count: 32, alternate: true }
  for (let index = 0; index + 1 < values.length; index += 2) {
    addHashed(columns, String(values[index]), values[index + 1] ?? 0)
  }
}

function addAuthenticode(out: Float64Array, block: AuthenticodeFeatures): void {
  const flags = [block.selfSigned, block.noProgramName, block.noCountersigner, block.parseError].map(Number)
  out.set(
    [block.signatures, ...flags, block.chainLength, block.latestSigningTime, block.signingTimeDifference],
    COLUMN.authenticode,
  )
}

function addWarnings(out: Float64Array, image: PeImage, { histogram }: ByteStatistics): void {
  const zeros = (histogram[0] ?? 0) / image.size > 0.5
  const dominates = zeros || histogram.some((count, value) => value > 0 && count / image.size > 0.15)
  if (dominates) image.warn(2)
  for (const warning of image.warnings) out[COLUMN.warnings + warning] = 1
  out[COLUMN.warnings + 87] = image.warnings.size
}
