import { createHash } from 'node:crypto'
import { lstatSync, opendirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type LoadedRules, loadBinding } from '../packages/server/src/scan/scanners/yara/binding.ts'
import { packFiles, rulesIn } from './rules-doc.ts'

/**
 * Scans every regular file below the given folders with the signature pack and says what it took for bad: `node scripts/rules-fp.ts
 * NAME=FOLDER ... [--json FILE]`. The folders hold files known to be harmless, so each hit is a false positive or needs an
 * explanation (docs/rules-fp.md). gzip files are scanned as they are and inflated, as the walker does. One process, one thread.
 */

interface Hit {
  readonly rule: string
  readonly risk: string
  readonly path: string
}

interface Corpus {
  readonly name: string
  files: number
  bytes: number
  /** Contents that were not scanned before in this run. */
  distinct: number
  tooLarge: number
  failed: number
  readonly hits: Hit[]
}

const MAX_BYTES = 64 * 1024 * 1024
const TIMEOUT_MS = 20_000
const GZIP = 0x1f8b

/** Counts no content twice in one run, so its rates are by distinct contents. */
export class FalsePositiveWalk {
  readonly #rules: LoadedRules
  readonly #seen = new Set<string>()

  constructor() {
    const binding = loadBinding('native')
    this.#rules = binding.load(binding.serialize(packFiles()))
  }

  run(name: string, folder: string): Corpus {
    const corpus: Corpus = { name, files: 0, bytes: 0, distinct: 0, tooLarge: 0, failed: 0, hits: [] }
    for (const path of filesBelow(folder)) this.#scanFile(corpus, path, relative(folder, path))
    return corpus
  }

  #scanFile(corpus: Corpus, path: string, shown: string): void {
    const { size } = lstatSync(path)
    if (size > MAX_BYTES) {
      corpus.tooLarge++
      return
    }
    const bytes = readFileSync(path)
    corpus.files++
    corpus.bytes += bytes.length
    const key = createHash('sha256').update(bytes).digest('base64')
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    corpus.distinct++
    this.#scan(corpus, bytes, shown)
    const inflated = inflate(bytes)
    if (inflated !== undefined) this.#scan(corpus, inflated, `${shown} (inflated)`)
  }

  #scan(corpus: Corpus, bytes: Buffer, path: string): void {
    try {
      for (const { evidence, risk } of this.#rules.scan(bytes, TIMEOUT_MS).detections)
        corpus.hits.push({ rule: /^\S+: (\w+)/.exec(evidence ?? '')?.[1] ?? '?', risk, path })
    } catch (error) {
      corpus.failed++
      console.error(`${path}: ${String(error)}`)
    }
  }
}

function inflate(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 18 || bytes.readUInt16BE(0) !== GZIP) return undefined
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BYTES })
  } catch {
    return undefined
  }
}

/** Regular files only, links not followed, in one fixed order. */
function* filesBelow(folder: string): Generator<string> {
  const entries = []
  const directory = opendirSync(folder)
  for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) entries.push(entry)
  directory.closeSync()
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* filesBelow(path)
    else if (entry.isFile()) yield path
  }
}

/** The tables of the report. */
export function reportOf(corpora: readonly Corpus[]): string {
  const sum = (pick: (corpus: Corpus) => number) => corpora.reduce((total, corpus) => total + pick(corpus), 0)
  const distinct = sum((corpus) => corpus.distinct)
  const rows = corpora.map((corpus) => [
    corpus.name,
    corpus.files,
    corpus.distinct,
    mib(corpus.bytes),
    corpus.tooLarge,
    corpus.failed,
  ])
  const total = [
    '**all**',
    sum((c) => c.files),
    distinct,
    mib(sum((c) => c.bytes)),
    sum((c) => c.tooLarge),
    sum((c) => c.failed),
  ]
  return [
    ...table(['corpus', 'files', 'distinct contents', 'MiB', 'over 64 MiB, left out', 'failed'], [...rows, total]),
    ...table(['risk', 'contents with a hit', 'rate'], riskRows(corpora, distinct)),
    ...table(['rule', 'risk', 'contents'], ruleRows(corpora)),
  ].join('\n')
}

function riskRows(corpora: readonly Corpus[], distinct: number): (string | number)[][] {
  return ['high', 'medium', 'low'].map((risk) => {
    const paths = corpora.flatMap(({ name, hits }) =>
      hits.filter((hit) => hit.risk === risk).map(({ path }) => `${name}/${path}`),
    )
    const count = new Set(paths).size
    return [risk, count, `${((100 * count) / Math.max(1, distinct)).toFixed(4)} %`]
  })
}

function ruleRows(corpora: readonly Corpus[]): (string | number)[][] {
  const hits = corpora.flatMap((corpus) => corpus.hits)
  const rules = packFiles().flatMap(({ source }) => rulesIn(source))
  return rules
    .map(({ name, meta }) => [name, meta.risk ?? '', hits.filter(({ rule }) => rule === name).length] as const)
    .filter(([, , count]) => count > 0)
    .sort((a, b) => b[2] - a[2])
    .map((row) => [...row])
}

function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line), '']
}

function mib(bytes: number): number {
  return Math.round(bytes / 1024 / 1024)
}

function main(args: readonly string[]): void {
  const jsonAt = args.indexOf('--json')
  const folders = args.filter((_, index) => jsonAt < 0 || (index !== jsonAt && index !== jsonAt + 1))
  const walk = new FalsePositiveWalk()
  const corpora = folders.map((argument) => {
    const [name = '', ...folder] = argument.split('=')
    return walk.run(name, folder.join('='))
  })
  console.log(reportOf(corpora))
  for (const { name, hits } of corpora)
    for (const { rule, risk, path } of hits) console.log(`${risk} ${rule} ${name}/${path}`)
  const file = args[jsonAt + 1]
  if (jsonAt >= 0 && file !== undefined) writeFileSync(file, JSON.stringify(corpora, null, 1))
}

if (import.meta.main) main(process.argv.slice(2))
