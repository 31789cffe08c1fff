import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { RulesFault } from '../cli/rules-fault.ts'
import type { RetroFile, RetroOptions } from '../cli/tools.ts'
import type { Evidence } from '../domain/evidence.ts'
import { ruleOf } from '../domain/rule-hit.ts'
import type { ScanResult } from '../domain/verdict.ts'
import type { CompiledRules, RuleSource } from '../scan/scanners/yara/rule-compiler.ts'
import { loadSettings } from '../settings/load.ts'
import type { Config } from '../settings/settings.ts'
import { sampleOf } from './scan-files.ts'
import { createScanning, type Scanning } from './scanning.ts'

/** A sample that was kept, wherever: a file of a folder, or (unsealed into a file without a name) one of the sample store. */
export interface StoredSample {
  readonly name: string
  /** Whoever opens it closes it. */
  open(): Promise<FileHandle>
}

export interface RetroScan {
  readonly rules: RuleSource
  readonly samples: AsyncIterable<StoredSample>
  compile(files: readonly RuleSource[]): Promise<CompiledRules>
}

/** The files of the command line as samples. */
export async function* samplesOf(files: RetroOptions['files']): AsyncGenerator<StoredSample> {
  for await (const path of files) yield { name: path, open: () => open(path) }
}

/** One rule file on samples of before: in shadow, alone, and on everything inside them. Throws RulesFault where it does not compile. */
export async function* retroScan({ rules, samples, compile }: RetroScan): AsyncGenerator<RetroFile> {
  const compiled = await compile([{ ...rules, options: { shadow: true } }])
  const faults = compiled.quarantined.flatMap((file) => file.faults.map(({ line, text }) => `line ${line}: ${text}`))
  if (faults.length > 0) throw new RulesFault(`${rules.name} does not compile`, faults)
  const config = retroConfig()
  const spoolDirectory = await mkdtemp(join(tmpdir(), 'assay-retro-'))
  const scanning = createScanning({ config, spoolDirectory, onThreadDead: () => {} })
  try {
    await scanning.useRules(compiled.blob)
    for await (const sample of samples) yield await scanSample(sample, scanning, config)
  } finally {
    await scanning.close()
    await rm(spoolDirectory, { recursive: true, force: true })
  }
}

/** As it comes: what the data folder says of engines and lists is not asked. */
function retroConfig(): Config {
  const box = {
    open(): string {
      throw new Error('there is no secret')
    },
  }
  const loaded = loadSettings({ saved: {}, box, environment: {} })
  if (!loaded.ok) throw new Error('the settings have no defaults')
  return loaded.config
}

async function scanSample({ name, open }: StoredSample, scanning: Scanning, config: Config): Promise<RetroFile> {
  const file = await open()
  try {
    const { size } = await file.stat()
    const inMemory = size <= config['intake.memoryThresholdBytes']
    const sample = await sampleOf(file, { path: basename(name), size, inMemory })
    const before = performance.now()
    const { results, evidence, trueType } = await scanning.prescan(sample, { client: 'cli' })
    const ms = Math.round((performance.now() - before) * 100) / 100
    const { sha256 } = sample
    const hits = hitsOf(evidence)
    return { path: name, sha256, size: sample.size, type: trueType, hits, unscanned: unscannedOf(results), ms }
  } finally {
    await file.close()
  }
}

function hitsOf(evidence: Evidence | undefined): RetroFile['hits'] {
  return (evidence?.nodes ?? []).flatMap(({ path, findings }) =>
    findings.flatMap(({ engine, offset, detail = '' }) => {
      const rule = engine === 'yara' ? ruleOf(detail) : undefined
      if (rule === undefined) return []
      return [{ rule: rule.rule, member: path, ...(offset === undefined ? {} : { offset }), detail }]
    }),
  )
}

function unscannedOf(results: readonly ScanResult[]): string[] {
  return results.flatMap((result) =>
    result.outcome === 'unscanned' ? [`${result.engine}: ${result.reason}: ${result.detail ?? ''}`] : [],
  )
}
