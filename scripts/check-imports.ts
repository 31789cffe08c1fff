import { importsIn, resolveImport, type Sources, type WorkspaceExports } from './import-graph.ts'

const SERVER = 'packages/server/src'

/** Who knows everybody: the roots of the three kinds of process, and the parts that they are put together of. */
const ROOTS = /^packages\/server\/src\/(?:(?:main|worker|analyzer)\.ts$|composition\/)/

/** What each folder of the server may import beside itself; a path names one file. All else comes in as function types. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  unpack: ['domain'],
  scan: ['domain', 'unpack'],
  'icap-service': ['domain', 'icap'],
  settings: ['domain'],
  store: ['domain'],
  sandbox: ['domain'],
  feeds: ['domain'],
  events: ['domain'],
  api: ['domain'],
  cli: ['domain', 'icap', 'api/contract.ts'],
  /** Of the processes themselves: permits, snapshots, hand-over. */
  supervisor: ['domain'],
  /** Files beside the roots: lifecycle, log, metrics, egress. */
  '': ['domain', 'supervisor'],
}

const FORBIDDEN_FOLDERS = /(?:^|\/)(utils?|helpers?|shared|common|lib|misc)\//

interface Rule {
  readonly what: RegExp
  readonly allowed: (path: string) => boolean
  readonly because: string
}

const under =
  (...places: readonly string[]) =>
  (path: string): boolean =>
    places.some(
      (place) => path === `${SERVER}/${place}` || (place.endsWith('/') && path.startsWith(`${SERVER}/${place}`)),
    )

const MODULE_RULES: readonly Rule[] = [
  { what: /^(kysely|pg|(node:)?sqlite)(\/|$)/, allowed: under('store/'), because: 'SQL only in store/' },
  {
    what: /^(node:)?child_process$/,
    allowed: under('unpack/run-tool.ts', 'sandbox/', 'main.ts'),
    because: 'child_process only in unpack/run-tool.ts, sandbox/ and main.ts',
  },
  {
    what: /^(node:)?cluster$/,
    allowed: under('main.ts', 'worker.ts', 'supervisor/'),
    because: 'cluster only in the roots',
  },
  { what: /^(undici|axios|got|node-fetch)$/, allowed: () => false, because: 'one way out: egress.ts' },
]

const TEXT_RULES: readonly Rule[] = [
  { what: /(?<![\w.$'"`])fetch\(/, allowed: under('egress.ts'), because: 'fetch only in egress.ts' },
  { what: /^export (default\b|\{[^}]*\bas default\b)/m, allowed: () => false, because: 'no default exports' },
]

/** `PATH: REASON` for each breach of the house's import rules in `packages/<name>/src`. */
export function findImportFaults(sources: Sources, workspaces: WorkspaceExports): string[] {
  const faults: string[] = []
  for (const [path, text] of sources) {
    if (!/^packages\/[\w-]+\/src\//.test(path)) continue
    const folder = FORBIDDEN_FOLDERS.exec(path)
    if (folder) faults.push(`${path}: no folder is named ${folder[1]}`)
    for (const { what, allowed, because } of TEXT_RULES)
      if (what.test(withoutComments(text)) && !allowed(path)) faults.push(`${path}: ${because}`)
    for (const { specifier } of importsIn(text)) {
      const fault = importFault(path, specifier, workspaces)
      if (fault !== undefined) faults.push(`${path}: ${specifier}: ${fault}`)
    }
  }
  return faults
}

function importFault(path: string, specifier: string, workspaces: WorkspaceExports): string | undefined {
  const target = resolveImport(path, specifier, workspaces)
  return target === undefined ? moduleFault(path, specifier) : directionFault(path, target)
}

function moduleFault(path: string, specifier: string): string | undefined {
  const isBuiltIn = specifier.startsWith('node:')
  if (path.startsWith('packages/icap/') && !isBuiltIn) return 'packages/icap has no dependency'
  if (path.startsWith(`${SERVER}/domain/`) && !isBuiltIn) return 'domain imports nothing'
  return MODULE_RULES.find(({ what, allowed }) => what.test(specifier) && !allowed(path))?.because
}

function directionFault(path: string, target: string): string | undefined {
  const from = placeOf(path)
  const to = placeOf(target)
  if (from === undefined || to === undefined) return `${target} is outside packages/*/src`
  if (ROOTS.test(path) || from.place === to.place) return undefined
  if (from.place === 'icap') return 'packages/icap imports nothing of the server'
  const allowed = MAY_IMPORT[from.place]
  if (allowed === undefined) return `${from.place}/ is not in the table of scripts/check-imports.ts`
  if (allowed.includes(to.place) || allowed.includes(`${to.place}/${to.rest}`)) return undefined
  const names = allowed.length === 0 ? 'nothing' : allowed.join(', ')
  return `${from.place || 'a file beside the roots'} may import ${names}, not ${to.place || to.rest}`
}

/** The part of the program a file belongs to: `icap`, a folder of the server, or '' for a file right under its `src`. */
function placeOf(path: string): { place: string; rest: string } | undefined {
  if (path.startsWith('packages/icap/src/')) return { place: 'icap', rest: '' }
  if (!path.startsWith(`${SERVER}/`)) return undefined
  const inside = path.slice(SERVER.length + 1)
  const cut = inside.indexOf('/')
  return { place: cut < 0 ? '' : inside.slice(0, cut), rest: inside.slice(cut + 1) }
}

/** Whole-line comments only: enough for the rules above, and no string is mistaken for one. */
function withoutComments(text: string): string {
  return text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '')
}
