import { chmodSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const SHOWN = 25

/** The part of a `.cpuprofile` that is read here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** Makes every process and thread of Node write its profile there when it ends. */
export function profilerEnv(folder: string): { NODE_OPTIONS: string } {
  mkdirSync(folder, { recursive: true })
  // Workers write as their own user.
  chmodSync(folder, 0o777)
  return { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${resolve(folder)}` }
}

/** The functions that each process spends its own time in, the most first; idle time is left out. */
export function profileSummary(folder: string): string {
  const files = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))
  return files.map((name) => `\n${name}\n${summary(join(folder, name))}`).join('\n')
}

function summary(path: string): string {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, 'utf8')) as CpuProfile
  const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]))
  const byPlace = new Map<string, number>()
  samples.forEach((id, index) => {
    const place = places.get(id) ?? '?'
    if (place !== '(idle)') byPlace.set(place, (byPlace.get(place) ?? 0) + (timeDeltas[index] ?? 0))
  })
  const total = [...byPlace.values()].reduce((sum, us) => sum + us, 0)
  const top = [...byPlace].sort(([, a], [, b]) => b - a).slice(0, SHOWN)
  const lines = top.map(([place, us]) => `${((us / total) * 100).toFixed(1).padStart(5)} %  ${place}`)
  return [`${(total / 1e6).toFixed(1)} s busy`, ...lines].join('\n')
}

function placeOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName || '(anonymous)'
  return url === '' ? name : `${name} ${url.replace(/^.*\/(?=packages|node_modules)/, '')}:${lineNumber + 1}`
}
