import type { TrueType, TypeFamily } from './true-types.ts'

/** Types that may be excluded with validation on: passive, and known by their bytes. A family holds every type of it but the active. */
export const PREDEFINED_TYPES: readonly string[] = [
  'image/*',
  'audio/*',
  'video/*',
  'font/*',
  'application/font-woff',
  'application/x-font-ttf',
  'application/x-font-woff',
  'application/vnd.ms-fontobject',
]

export interface ExclusionSettings {
  readonly enabled: boolean
  /** Lower case; `type/subtype` or `type/*`. */
  readonly types: readonly string[]
  /** MIME content-type validation: the true type must agree. */
  readonly validate: boolean
}

export interface ExclusionCase {
  /** Lower case, without parameters; '' when there is none. */
  readonly declaredType: string
  /** The message has a Content-Encoding. */
  readonly compressed: boolean
  /** Only a preview is known yet. */
  readonly isPreviewOnly: boolean
  /** What the download will be called; '' when unknown. */
  readonly fileName: string
  /** Absent: not looked at yet. */
  readonly trueType?: TrueType
}

/** Types that carry script whatever family they are in: a `type/*` never means them. */
const ACTIVE_TYPES: ReadonlySet<string> = new Set(['image/svg+xml', 'image/svg', 'image/vnd.djvu', 'video/x-ms-asx'])

/** Names that a click runs or a browser renders as a page, whatever the first bytes are (a picture with a script behind it). */
const ACTIVE_NAME =
  /\.(?:exe|dll|scr|com|pif|cpl|msi|bat|cmd|ps1|vb[es]|jse?|mjs|ws[fh]|hta|x?html?|mhtml?|svgz?|xml|xsl|php|py|sh|lnk|url|chm|jar|pdf|rtf|doc\w?|xl\w{1,2}|pp\w{1,2}|one|iso|img|vhdx?|zip|rar|7z|cab)$/i
/** One media type, nothing else: of `image/png, text/html` browsers take the last. */
const ONE_TYPE = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/

/**
 * The seed's four cases (architecture.md 4a, Excluded). Without validation the declared type alone excludes; with it a body is
 * scanned all the same when it is compressed, when its preview cannot decide, when its type is custom, and when it is
 * predefined but its bytes say something else.
 */
export function isExcluded(settings: ExclusionSettings, body: ExclusionCase): 'excluded' | 'scan' | 'needs-true-type' {
  if (!settings.enabled || !covers(settings.types, body.declaredType)) return 'scan'
  if (!settings.validate) return 'excluded'
  const family = predefinedFamily(body.declaredType)
  if (family === undefined || body.compressed || ACTIVE_NAME.test(body.fileName)) return 'scan'
  // A preview that shows no type cannot decide, and what follows is not known yet.
  if (body.trueType === undefined) return body.isPreviewOnly ? 'scan' : 'needs-true-type'
  return body.trueType.family === family && !body.trueType.active ? 'excluded' : 'scan'
}

function covers(types: readonly string[], declaredType: string): boolean {
  if (!ONE_TYPE.test(declaredType)) return false
  if (types.includes(declaredType)) return true
  return !ACTIVE_TYPES.has(declaredType) && types.includes(`${declaredType.slice(0, declaredType.indexOf('/'))}/*`)
}

function predefinedFamily(declaredType: string): TypeFamily | undefined {
  if (!covers(PREDEFINED_TYPES, declaredType)) return undefined
  const family = declaredType.slice(0, declaredType.indexOf('/'))
  return family === 'application' ? 'font' : (family as TypeFamily)
}
