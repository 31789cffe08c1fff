// Makes docs/rfc3507.md out of the rows and of the test names that carry their ids; `--check` only compares.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { COUNTS, ROWS, type Row, SECTIONS } from './rfc-rows.ts'

/** A test whose name says which row it proves. */
export interface Proof {
  readonly file: string
  readonly name: string
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DOC = 'docs/rfc3507.md'
const TEST_FOLDERS = ['packages/icap/test', 'packages/server/test']
/** One or more ids at the beginning of a string: 'O2: O3: absence and null-body mean the same'. */
const NAME = /['"`]((?:[A-Z]\d{1,2}: )+[^'"`\n]*)['"`]/g

/** Every id that a test name in the sources begins with, in the order of the files' paths. */
export function findProofs(root = ROOT): ReadonlyMap<string, readonly Proof[]> {
  const proofs = new Map<string, Proof[]>()
  for (const file of TEST_FOLDERS.flatMap((folder) => testFiles(join(root, folder))).sort()) {
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(NAME)) {
      for (const [, id = ''] of name.matchAll(/([A-Z]\d{1,2}): /g)) {
        proofs.set(id, [...(proofs.get(id) ?? []), { file: relative(root, file), name }])
      }
    }
  }
  return proofs
}

function testFiles(folder: string): string[] {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.test.ts')).map((name) => join(folder, name))
}

/** Everything that is wrong with the rows: lost ids, files that are not there, rules that nothing proves. */
export function findFaults(proofs: ReadonlyMap<string, readonly Proof[]>, rows = ROWS, root = ROOT): string[] {
  return [...lostIds(rows), ...rows.flatMap((row) => rowFaults(row, proofs.get(row.id) ?? [], root))]
}

function lostIds(rows: readonly Row[]): string[] {
  const wanted = Object.entries(COUNTS).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, i) => `${letter}${i + 1}`),
  )
  const ids = rows.map((row) => row.id)
  const lost = wanted.filter((id) => !ids.includes(id)).map((id) => `${id}: no row`)
  const odd = ids
    .filter((id, at) => !wanted.includes(id) || ids.indexOf(id) !== at)
    .map((id) => `${id}: unknown or twice`)
  return [...lost, ...odd]
}

function rowFaults({ id, level, file, instead }: Row, proofs: readonly Proof[], root: string): string[] {
  const faults: string[] = []
  if (!existsSync(join(root, sourceOf(file)))) faults.push(`${id}: ${file} does not exist`)
  if (proofs.length === 0 && instead === undefined) faults.push(`${id}: no test is named for it`)
  if (instead !== undefined && (level === 'MUST' || level === 'PRODUCT')) faults.push(`${id}: ${level} needs a test`)
  return faults
}

function sourceOf(file: string): string {
  const [workspace, ...path] = file.split('/')
  return join('packages', workspace ?? '', 'src', ...path)
}

/** The page. One test a row is named, the first one; `grep` finds the others by the id. */
export function renderDoc(proofs: ReadonlyMap<string, readonly Proof[]>, rows = ROWS): string {
  const sections = Object.entries(SECTIONS).map(([letter, title]) => {
    const lines = rows.filter((row) => row.id.startsWith(letter)).map((row) => renderRow(row, proofs.get(row.id)?.[0]))
    return `## ${title}\n\n| id | level | rule | done in | proven by |\n|---|---|---|---|---|\n${lines.join('\n')}\n`
  })
  return `${INTRODUCTION}\n${sections.join('\n')}`
}

function renderRow({ id, level, rule, file, instead }: Row, proof: Proof | undefined): string {
  const source = `[${file}](../${sourceOf(file)})`
  const shown =
    proof === undefined
      ? `(${instead ?? 'nothing yet'})`
      : `[${proof.file.split('/').at(-1)}](../${proof.file}): ${cell(proof.name)}`
  return `| ${id} | ${level} | ${cell(rule)} | ${source} | ${shown} |`
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

const INTRODUCTION = `# RFC 3507, rule by rule

Made by \`node scripts/rfc-doc.ts\` out of \`scripts/rfc-rows.ts\` and of the test names that carry the ids; \`npm test\` fails when a row has no test or
this page is stale. Levels: MUST, SHOULD, MAY as in RFC 3507 and its errata; ROB: robustness, because a real client or an attack needs it;
PRODUCT: Assay's own job. Only SHOULD, MAY and ROB rows may give a reason (in brackets) instead of a test.

Errata e1 wins over RFC 3507 4.4.1: the Encapsulated header alone decides whether there is a body. Servers need not send it in 100 and 204, and we do not.

Where a rule would let a message that was not wholly scanned pass with 204 (L7, L8), Assay does not: a 204 exists only for a complete verdict below the
threshold. What policy lets pass unscanned goes out as a 200 with the original and an \`X-Response-Desc\` that says why it was not scanned; a rule that says "error" is ICAP 500.
`

function main(args: readonly string[]): void {
  const proofs = findProofs()
  const faults = findFaults(proofs)
  const page = renderDoc(proofs)
  const path = join(ROOT, DOC)
  if (!args.includes('--check')) writeFileSync(path, page)
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== page)
    faults.push(`${DOC} is stale: run node scripts/rfc-doc.ts`)
  for (const fault of faults) console.error(fault)
  if (faults.length > 0) process.exitCode = 1
}

if (import.meta.main) main(process.argv.slice(2))
