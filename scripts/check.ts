/** `npm run check`: types, Biome, import directions, untested files, and nothing of one machine in the repository. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import process from 'node:process'
import { findImportFaults } from './check-imports.ts'
import { findUntestedFiles } from './check-tests.ts'
import { findForeignText, foreignText } from './check-text.ts'
import { type Sources, workspaceExports } from './import-graph.ts'

const MAX_TEXT_BYTES = 4 * 1024 * 1024

/** What git ignores (an unpacked Squid, data folders) is not ours to format. */
const BIOME = ['ci', '--colors=off', '--vcs-enabled=true', '--vcs-client-kind=git', '--vcs-use-ignore-file=true', '.']

const top = new URL('..', import.meta.url).pathname
process.chdir(top)

function runTool(name: string, args: readonly string[]): string[] {
  const { status, error } = spawnSync(`node_modules/.bin/${name}`, args, {
    stdio: 'inherit',
    env: { ...process.env, NO_COLOR: '1' },
  })
  if (error !== undefined) return [`${name} did not start: ${error.message}`]
  return status === 0 ? [] : [`${name} failed`]
}

/** Tracked files and those that are about to be: what a clone would have. */
function repositoryFiles(): string[] {
  const { stdout, status } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'])
  if (status !== 0) throw new Error('npm run check needs a git checkout')
  return stdout
    .toString()
    .split('\0')
    .filter((path) => path !== '' && existsSync(path))
}

function readSources(paths: readonly string[]): Sources {
  return new Map(paths.map((path) => [path, readFileSync(path, 'utf8')]))
}

function registryHosts(): string[] {
  const { stdout } = spawnSync('npm', ['config', 'get', 'registry'])
  const apt = ['/etc/apt/sources.list', '/etc/apt/sources.list.d/debian.sources'].filter(existsSync)
  const text = `${stdout ?? ''}\n${apt.map((path) => readFileSync(path, 'utf8')).join('\n')}`
  return [...new Set([...text.matchAll(/https?:\/\/([\w.-]+\.[a-z]{2,})/g)].map(([, host = '']) => host))]
}

function foreignFaults(paths: readonly string[]): string[] {
  const foreign = foreignText(top, registryHosts())
  return paths.flatMap((path) => {
    const bytes = readFileSync(path)
    const isText = bytes.length < MAX_TEXT_BYTES && !bytes.includes(0)
    return isText ? findForeignText(path, bytes.toString(), foreign) : []
  })
}

const paths = repositoryFiles()
const sources = readSources(paths.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts')))
const workspaces = workspaceExports(readSources(paths.filter((path) => /^packages\/[\w-]+\/package\.json$/.test(path))))

const CHECKS: Readonly<Record<string, () => readonly string[]>> = {
  types: () => runTool('tsc', ['--noEmit']),
  biome: () => runTool('biome', BIOME),
  imports: () => findImportFaults(sources, workspaces),
  tests: () => findUntestedFiles(sources, workspaces),
  text: () => foreignFaults(paths),
}

let faults = 0
for (const [name, check] of Object.entries(CHECKS)) {
  const found = check()
  for (const fault of found) console.error(`${name}: ${fault}`)
  console.log(`check ${name}: ${found.length === 0 ? 'ok' : `${found.length} fault(s)`}`)
  faults += found.length
}
process.exitCode = faults === 0 ? 0 : 1
