/** Where a sample's bytes are: small ones in memory, the rest in an unlinked file, so that memory does not grow with the body. */
export type Content =
  | { readonly kind: 'memory'; readonly bytes: Buffer }
  /** `fd` is open for reading and owned by whoever made the content; positions are absolute, its file offset is not used. */
  | { readonly kind: 'file'; readonly fd: number; readonly size: number }

/** A body (or a part of one) as the engines see it. Hashes are lower-case hex. */
export interface Sample {
  readonly content: Content
  readonly size: number
  readonly sha256: string
  /** Present only where a list or a stored sample needs it. */
  readonly sha1?: string
  readonly md5?: string
  /** Content-Type as the message declares it, lower case, without parameters; '' when it names none. */
  readonly declaredType: string
  /** The last segment of the URL path, or the name from Content-Disposition; '' when unknown. */
  readonly fileName: string
  /** What is known of its completeness; a partial one is never clean (HTTP 206, truncated). */
  readonly partial: boolean
  /** Content-Encoding layers that were removed before scanning, outermost first. */
  readonly decoded: readonly string[]
}
