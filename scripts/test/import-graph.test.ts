import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { importsIn, resolveImport, workspaceExports } from '../import-graph.ts'

const cases = [
  { text: "import { a } from './a.ts'", finds: ['value ./a.ts'], because: 'a plain import is one' },
  { text: "import './a.ts'", finds: ['value ./a.ts'], because: 'an import for its effect is one' },
  { text: "import type { A } from './a.ts'", finds: ['type ./a.ts'], because: 'an erased import is known as such' },
  { text: "import { type A, b } from './a.ts'", finds: ['value ./a.ts'], because: 'a mixed import is loaded' },
  { text: "import {\n  a,\n  b,\n} from './a.ts'", finds: ['value ./a.ts'], because: 'it may take several lines' },
  {
    text: "export * from './a.ts'\nexport { b } from './b.ts'",
    finds: ['value ./a.ts', 'value ./b.ts'],
    because: 'a re-export loads',
  },
  { text: "const a = await import('./a.ts')", finds: ['dynamic ./a.ts'], because: 'a dynamic import loads' },
  { text: "let a: import('./a.ts').A", finds: ['type ./a.ts'], because: 'an import type is erased' },
  {
    text: "new Worker(new URL('./t.ts', import.meta.url))",
    finds: ['entry ./t.ts'],
    because: 'a thread is started by its URL',
  },
  { text: "export const from = 1\nsql(`select * from 'x'`)", finds: [], because: 'SQL is not an import' },
  {
    text: "export const a = 1\nimport { b } from './b.ts'",
    finds: ['value ./b.ts'],
    because: 'a declaration does not hide what follows',
  },
]

describe('imports of a source text', () => {
  for (const { text, finds, because } of cases)
    it(`are found: ${because}`, () =>
      assert.deepEqual(
        importsIn(text).map(({ kind, specifier }) => `${kind} ${specifier}`),
        finds,
      ))

  it('resolve to files of the checkout, by path or by the name of a workspace', () => {
    const workspaces = workspaceExports(
      new Map([['packages/icap/package.json', '{"name":"@assay/icap","exports":{".":"./src/index.ts"}}']]),
    )
    assert.equal(resolveImport('packages/a/src/b/c.ts', '../d.ts', workspaces), 'packages/a/src/d.ts')
    assert.equal(resolveImport('packages/a/src/c.ts', '@assay/icap', workspaces), 'packages/icap/src/index.ts')
    assert.equal(resolveImport('packages/a/src/c.ts', 'node:fs', workspaces), undefined)
  })
})
