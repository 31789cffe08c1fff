import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'

/** Top of this checkout. */
export const TOP = new URL('../../../../', import.meta.url).pathname

/** Options for `describe` or `it`: empty, or why they are skipped. */
export type Needs = { readonly skip?: string }

const PLACES = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/lib/postgresql/15/bin']

/** The path of a program, where it is installed. */
export function findProgram(name: string): string | undefined {
  return PLACES.map((place) => join(place, name)).find((path) => existsSync(path))
}

/**
 * Lets tests run where these programs are installed. Elsewhere they are skipped in one loud line, but with CI=true it throws:
 * `.ci/run` installs them, so a missing one would be tests that silently stopped. `squid` (6.13) and `squid-5` (5.7) are those of
 * scripts/squid.sh, brought here.
 */
export function needs(...programs: readonly string[]): Needs {
  const missing = programs.filter((name) =>
    name in SQUIDS ? !bringSquid(name as keyof typeof SQUIDS) : findProgram(name) === undefined,
  )
  if (missing.length === 0) return {}
  const reason = `not installed: ${missing.join(', ')}`
  if (process.env.CI === 'true') throw new Error(`${reason} (with CI=true that is a failure)`)
  return skip(reason)
}

/** For tests of what only root can do (other uids, SIGSTOP of them). */
export function needsRoot(): Needs {
  return process.getuid?.() === 0 ? {} : skip('needs root')
}

/** Lets tests run where `shared/` (models, bench tools) lies beside the checkout; skipped loudly elsewhere, CI or not. */
export function needsShared(path: string): Needs {
  return existsSync(sharedPath(path)) ? {} : skip(`../shared/${path} is not there`)
}

export function sharedPath(path: string): string {
  return join(TOP, '../shared', path)
}

function skip(reason: string): Needs {
  console.error(`SKIPPED: ${reason}`)
  return { skip: reason }
}

/** Where each Squid is unpacked below `.cache`, and the Debian release that has it. */
export const SQUIDS = { squid: 'trixie', 'squid-5': 'bookworm' } as const

const brought = new Map<keyof typeof SQUIDS, boolean>()

/** Downloads the first time (10 s); quick after. */
function bringSquid(name: keyof typeof SQUIDS): boolean {
  const known = brought.get(name)
  if (known !== undefined) return known
  const env = { ...process.env, SQUID_RELEASE: SQUIDS[name] }
  const place = ['get', join(TOP, '.cache', name)]
  const { status } = spawnSync(join(TOP, 'scripts/squid.sh'), place, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  brought.set(name, status === 0)
  return status === 0
}
