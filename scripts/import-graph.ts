import { dirname, join, normalize } from 'node:path/posix'

/** How a file names another: `type` is erased, `entry` is `new URL('./x.ts', import.meta.url)`, the start of a thread or process. */
export type ImportKind = 'value' | 'type' | 'dynamic' | 'entry'

export interface ImportStatement {
  readonly specifier: string
  readonly kind: ImportKind
}

/** Source texts by their path from the top of the checkout. */
export type Sources = ReadonlyMap<string, string>

/** What a workspace's name and export path stand for: `@assay/icap` -> `packages/icap/src/index.ts`. */
export type WorkspaceExports = ReadonlyMap<string, string>

/** Biome keeps statements at the start of a line; the class keeps a match from running over one into the next. */
const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:[\w$*{][^'"`;()=]*?\sfrom\s+)?'([^'\n]+)'/gm
const CALL = /\bimport\(\s*'([^'\n]+)'\s*\)(\.\w)?/g
const ENTRY = /\bnew URL\(\s*'(\.{1,2}\/[^'\n]+\.ts)',\s*import\.meta\.url\s*\)/g

export function importsIn(text: string): ImportStatement[] {
  const found: ImportStatement[] = []
  for (const [, type, specifier = ''] of text.matchAll(STATEMENT))
    found.push({ specifier, kind: type === undefined ? 'value' : 'type' })
  // `import('./x.ts').Name` in a type is erased; the call is not.
  for (const [, specifier = '', member] of text.matchAll(CALL))
    found.push({ specifier, kind: member === undefined ? 'dynamic' : 'type' })
  for (const [, specifier = ''] of text.matchAll(ENTRY)) found.push({ specifier, kind: 'entry' })
  return found
}

/** The file of this checkout that a specifier names; undefined for a package or a Node module. */
export function resolveImport(file: string, specifier: string, workspaces: WorkspaceExports): string | undefined {
  if (specifier.startsWith('.')) return normalize(join(dirname(file), specifier))
  return workspaces.get(specifier)
}

/** Reads `name` and `exports` of each workspace's package.json. */
export function workspaceExports(manifests: Sources): WorkspaceExports {
  const found = new Map<string, string>()
  for (const [path, text] of manifests) {
    const { name, exports = {} } = JSON.parse(text) as { name: string; exports?: Record<string, string> }
    for (const [key, target] of Object.entries(exports)) found.set(join(name, key), join(dirname(path), target))
  }
  return found
}
