import { readFileSync } from 'node:fs'

/** Who a process becomes when the service was started as root (ARCHITECTURE.md, "Who may touch what"). */
export interface Identity {
  readonly uid: number
  readonly gid: number
}

/** Outside Debian's and systemd's allocated ranges: used where no user `assay` was made. */
const FALLBACK_ID = 64344

/** The worker's identity: the user `assay` of the password file, else a number of its own; undefined when not root. */
export function workerIdentity(passwdFile = '/etc/passwd'): Identity | undefined {
  if (process.getuid?.() !== 0) return undefined
  const line = readFileSync(passwdFile, 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('assay:'))
  const [, , uid, gid] = line?.split(':') ?? []
  // An `assay` that is root would be no drop at all.
  if (Number(uid) > 0 && Number(gid) > 0) return { uid: Number(uid), gid: Number(gid) }
  return { uid: FALLBACK_ID, gid: FALLBACK_ID }
}

/** Irrevocably becomes that user; throws if any root right is left. */
export function becomeIdentity({ uid, gid }: Identity): void {
  process.setgroups?.([])
  process.setgid?.(gid)
  process.setuid?.(uid)
  if (process.getuid?.() !== uid || process.geteuid?.() !== uid || process.getgid?.() !== gid)
    throw new Error('could not give up root')
}
