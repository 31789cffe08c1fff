import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findImportFaults } from '../check-imports.ts'

const SERVER = 'packages/server/src'
const WORKSPACES = new Map([['@assay/icap', 'packages/icap/src/index.ts']])

const allowed = [
  { path: `${SERVER}/main.ts`, text: "import { a } from './scan/a.ts'", because: 'a root knows everybody' },
  { path: `${SERVER}/scan/a.ts`, text: "import { a } from '../unpack/a.ts'", because: 'scan may unpack' },
  { path: `${SERVER}/scan/scanners/a.ts`, text: "import { a } from '../a.ts'", because: 'a folder is one place' },
  { path: `${SERVER}/icap-service/a.ts`, text: "import { a } from '@assay/icap'", because: 'the service speaks ICAP' },
  {
    path: `${SERVER}/cli/a.ts`,
    text: "import type { a } from '../api/contract.ts'",
    because: 'the contract is for the command',
  },
  { path: `${SERVER}/store/a.ts`, text: "import { a } from 'kysely'", because: 'SQL is at home there' },
  { path: `${SERVER}/egress.ts`, text: 'await fetch(url)', because: 'it is the one way out' },
  {
    path: `${SERVER}/scan/a.ts`,
    text: '// never fetch(url) here\nthis.prefetch(1)\nx.fetch(1)',
    because: 'only the global is meant',
  },
  { path: 'packages/server/test/helpers/a.ts', text: 'export default 1', because: 'tests are free' },
]

const refused = [
  {
    path: `${SERVER}/domain/a.ts`,
    text: "import type { a } from '../scan/a.ts'",
    because: 'domain imports nothing, types neither',
  },
  { path: `${SERVER}/domain/a.ts`, text: "import { z } from 'zod'", because: 'domain has no dependency' },
  { path: 'packages/icap/src/a.ts', text: "import { z } from 'zod'", because: 'icap has no dependency' },
  {
    path: 'packages/icap/src/a.ts',
    text: "import { a } from '../../server/src/domain/a.ts'",
    because: 'icap stands alone',
  },
  {
    path: `${SERVER}/scan/a.ts`,
    text: "import { a } from '../store/a.ts'",
    because: 'features do not know each other',
  },
  { path: `${SERVER}/scan/a.ts`, text: "const a = await import('../store/a.ts')", because: 'a dynamic import is one' },
  {
    path: `${SERVER}/cli/a.ts`,
    text: "import { a } from '../api/server.ts'",
    because: 'only the contract is for the command',
  },
  { path: `${SERVER}/log.ts`, text: "import { a } from './store/a.ts'", because: 'files beside the roots are leaves' },
  {
    path: `${SERVER}/scan/a.ts`,
    text: "import { a } from '../log.ts'",
    because: 'a feature gets its log from the root',
  },
  {
    path: `${SERVER}/scan/a.ts`,
    text: "import { spawn } from 'node:child_process'",
    because: 'programs are run in one place',
  },
  { path: `${SERVER}/api/a.ts`, text: "import { DatabaseSync } from 'node:sqlite'", because: 'SQL has one place' },
  { path: `${SERVER}/feeds/a.ts`, text: 'await fetch(url)', because: 'there is one way out' },
  { path: `${SERVER}/scan/a.ts`, text: 'export default 1', because: 'exports have names' },
  { path: `${SERVER}/scan/utils/a.ts`, text: '', because: 'such a folder says nothing' },
  {
    path: `${SERVER}/novel/a.ts`,
    text: "import { a } from '../domain/a.ts'",
    because: 'a new folder is entered in the table',
  },
  {
    path: `${SERVER}/main.ts`,
    text: "import { a } from '../../../scripts/a.ts'",
    because: 'the product does not stand on scripts',
  },
]

describe('import rules', () => {
  for (const { path, text, because } of allowed)
    it(`allow ${path}: ${because}`, () => assert.deepEqual(findImportFaults(new Map([[path, text]]), WORKSPACES), []))
  for (const { path, text, because } of refused)
    it(`refuse ${path}: ${because}`, () =>
      assert.equal(findImportFaults(new Map([[path, text]]), WORKSPACES).length, 1))
})
