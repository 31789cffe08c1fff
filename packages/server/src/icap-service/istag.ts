import { hash } from 'node:crypto'

/** What a service's answers depend on; any change of any of it must give a new tag (RFC 3507 4.7). */
export interface IsTagParts {
  readonly service: string
  /** `NAME VERSION` of each engine that is on. */
  readonly engines: readonly string[]
  readonly rulesVersion: string
  /** Revision of lists and exceptions. */
  readonly listsRevision: string
  /** The settings that decide answers (policies, exclusion, pages), as one canonical text. */
  readonly policies: string
}

/** The quoted ISTag: 24 characters of a hash. Equal parts give equal tags on every node, whatever the order of the engines. */
export function istagOf(parts: IsTagParts): string {
  const engines = parts.engines.toSorted()
  const text = JSON.stringify([parts.service, engines, parts.rulesVersion, parts.listsRevision, parts.policies])
  return `"${hash('sha256', text, 'base64url').slice(0, 24)}"`
}
