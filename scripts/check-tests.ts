import { importsIn, resolveImport, type Sources, type WorkspaceExports } from './import-graph.ts'

const IS_SOURCE = /^packages\/[\w-]+\/src\//
const IS_TEST = /^packages\/[\w-]+\/test\/.*\.test\.ts$/
/** A declaration that lives at run time; a file without one is types only, and nothing can load it. */
const HAS_CODE = /^(?:export\s+)?(?:async\s+)?(?:function|class|const|let)\b/m

/**
 * The source files that no test loads, by the static graph of imports from the test files, started threads and processes included.
 * Coverage lists loaded files only, so a file that nobody loads would never be missed.
 */
export function findUntestedFiles(sources: Sources, workspaces: WorkspaceExports): string[] {
  const tests = [...sources.keys()].filter((path) => IS_TEST.test(path))
  const loaded = reach(tests, sources, workspaces, false)
  const named = reach(tests, sources, workspaces, true)
  return [...sources]
    .filter(([path, text]) => IS_SOURCE.test(path) && !(HAS_CODE.test(text) ? loaded : named).has(path))
    .map(([path]) => `${path}: no test loads it`)
}

function reach(starts: readonly string[], sources: Sources, workspaces: WorkspaceExports, types: boolean): Set<string> {
  const seen = new Set(starts)
  for (const path of seen) {
    for (const { specifier, kind } of importsIn(sources.get(path) ?? '')) {
      const target = resolveImport(path, specifier, workspaces)
      if (target !== undefined && sources.has(target) && (types || kind !== 'type')) seen.add(target)
    }
  }
  return seen
}
