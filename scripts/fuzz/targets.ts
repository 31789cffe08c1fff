import type { Target } from './target.ts'
import { ARCHIVE_TARGETS } from './targets-archives.ts'
import { DOCUMENT_TARGETS } from './targets-documents.ts'
import { FEED_TARGETS } from './targets-feeds.ts'
import { NETWORK_TARGETS } from './targets-network.ts'
import { PROGRAM_TARGETS } from './targets-programs.ts'
import { TEXT_TARGETS } from './targets-text.ts'
import { TRIAL_TARGETS } from './targets-trial.ts'

export const TARGETS: readonly Target[] = [
  ...NETWORK_TARGETS,
  ...FEED_TARGETS,
  ...ARCHIVE_TARGETS,
  ...DOCUMENT_TARGETS,
  ...TEXT_TARGETS,
  ...PROGRAM_TARGETS,
]

export function targetNamed(name: string): Target | undefined {
  return [...TARGETS, ...TRIAL_TARGETS].find((target) => target.name === name)
}
