import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { TOP } from '../../e2e/needs.ts'

const CACHE = join(TOP, '.cache/predictive-debian')

export interface WantedFile {
  readonly package: string
  readonly path: string
  readonly sha256?: string
}

/**
 * A file of a Debian package: downloaded with apt-get, unpacked with dpkg-deb, kept below `.cache`. Undefined, after one loud line, where
 * it cannot be had (no Debian, no package lists) or is another version; with CI=true the first is an error.
 */
export function debianFile(wanted: WantedFile): Buffer | undefined {
  const place = join(CACHE, wanted.package, wanted.path)
  if (!existsSync(place)) unpack(wanted.package)
  if (!existsSync(place)) return missing(`${wanted.package}: ${wanted.path}`)
  const bytes = readFileSync(place)
  const isWanted = wanted.sha256 === undefined || createHash('sha256').update(bytes).digest('hex') === wanted.sha256
  if (!isWanted) console.error(`SKIPPED: ${wanted.package} has another version of ${wanted.path}`)
  return isWanted ? bytes : undefined
}

function unpack(name: string): void {
  if (existsSync(join(CACHE, name))) return
  const scratch = join(CACHE, `${name}.${process.pid}`)
  try {
    mkdirSync(scratch, { recursive: true })
    const options = { cwd: scratch, stdio: 'ignore' as const, timeout: 120_000 }
    spawnSync('apt-get', ['download', '-q', name], options)
    const deb = readdirSync(scratch).find((file) => file.endsWith('.deb'))
    if (deb === undefined) return
    // Only executables: libwine alone has 600 MB of other things.
    const only = ['*.exe', '*.dll', '*.sys', '*.efi', '*.signed']
    const unpacked = spawnSync(
      'sh',
      ['-c', 'dpkg-deb --fsys-tarfile "$0" | tar -xf - --wildcards "$@"', deb, ...only],
      options,
    )
    rmSync(join(scratch, deb))
    if (unpacked.error === undefined) renameSync(scratch, join(CACHE, name))
  } catch (error) {
    // The folder is another user's: said by the caller.
    console.error(`cannot unpack ${name}: ${String(error)}`)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function missing(what: string): undefined {
  if (process.env.CI === 'true') throw new Error(`${what} cannot be downloaded (with CI=true that is a failure)`)
  console.error(`SKIPPED: ${what} cannot be downloaded`)
  return undefined
}
