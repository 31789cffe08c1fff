import { accessSync, constants, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
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

/** Tools that unpack hostile files run in bubblewrap or not at all. */
export function checkConfinement(env: Readonly<Record<string, string | undefined>>): Finding {
  const path = (env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'bwrap'))
    .find(isExecutable)
  if (path === undefined)
    return {
      check: 'bubblewrap',
      state: 'warn',
      detail: 'bwrap is not in PATH: outside tools are unavailable',
      mend: 'apt install bubblewrap',
    }
  const obstacle = namespaceObstacle()
  if (obstacle === undefined) return ok('bubblewrap', path)
  return {
    check: 'bubblewrap',
    state: 'warn',
    detail: `${path}, but user namespaces are off (${obstacle})`,
    mend: `sysctl ${obstacle}`,
  }
}

function isExecutable(path: string): boolean {
  return tryLoad(() => accessSync(path, constants.X_OK)) === undefined
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
