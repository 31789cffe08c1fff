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
 * `.ci/run` installs them, so a missing one would be tests that silently stopped. `squid` is the one of scripts/squid.sh, brought here.
 */
export function needs(...programs: readonly string[]): Needs {
  const missing = programs.filter((name) => (name === 'squid' ? !bringSquid() : findProgram(name) === undefined))
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

let squid: boolean | undefined

/** Downloads the first time (10 s); quick after. */
function bringSquid(): boolean {
  squid ??= spawnSync(join(TOP, 'scripts/squid.sh'), ['get'], { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
  return squid
}
