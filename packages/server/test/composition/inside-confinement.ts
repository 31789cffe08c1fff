import { spawnSync } from 'node:child_process'
import { confineTool } from '../../src/composition/confine-tool.ts'
import { type Needs, needsRoot } from '../e2e/needs.ts'

/** Options for `describe`: skipped loudly where this host cannot confine tools; with CI=true that is an error. */
export const confines: Needs = await confinement()

async function confinement(): Promise<Needs> {
  const fault = await confineTool()
  if (fault === undefined) return {}
  const reason = `tools cannot be confined here: ${fault}`
  if (process.env.CI === 'true') throw new Error(reason)
  return skipped(reason)
}

const FORBID = `
outer=$(readlink /proc/self/ns/user)
pid=$$
(
  while [ "$(readlink /proc/$pid/ns/user)" = "$outer" ]; do sleep 0.02; done
  echo '0 0 100000' > /proc/$pid/uid_map
  echo '0 0 100000' > /proc/$pid/gid_map
) &
exec unshare --user sh -c '
  until grep -q . /proc/self/gid_map; do sleep 0.02; done
  exec sh -c "echo 0 > /proc/sys/user/max_user_namespaces && exec \\"\\$@\\"" sh "$@"' sh "$@"`

/**
 * What a program is started under so that bubblewrap fails in it, with all users still there: a user namespace in which no further
 * one may be made (user_namespaces(7)). Needs root, who maps the users.
 */
export const WITHOUT_NAMESPACES: readonly string[] = ['/bin/sh', '-c', FORBID, 'sh']

/** Options for `describe`: whether that can be done here. */
export const canForbid: Needs = forbidding()

function forbidding(): Needs {
  const root = needsRoot()
  if (root.skip !== undefined) return root
  const [program = '', ...args] = WITHOUT_NAMESPACES
  const { stdout } = spawnSync(program, [...args, 'unshare', '--user', 'echo', 'made'], { timeout: 5000 })
  const told = spawnSync(program, [...args, 'echo', 'runs'], { timeout: 5000 }).stdout
  if (String(told) === 'runs\n' && String(stdout) === '') return {}
  return skipped('no user namespace can be made in which no other can')
}

function skipped(reason: string): Needs {
  console.error(`SKIPPED: ${reason}`)
  return { skip: reason }
}
