import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { ScanLine } from '../api/contract.ts'
import type { ScannedFile, ScanOptions } from '../cli/tools.ts'
import type { Evidence } from '../domain/evidence.ts'
import { evidenceTree } from '../domain/evidence-tree.ts'
import { buildListTable } from '../domain/list-table.ts'
import { isAtLeast } from '../domain/risk.ts'
import type { Content, Sample } from '../domain/sample.ts'
import { decideVerdict, type Verdict } from '../domain/verdict.ts'
import { compileRules } from '../scan/scanners/yara/rule-compiler.ts'
import { readSettingsFile } from '../settings/file.ts'
import { loadSettings } from '../settings/load.ts'
import { faultLine } from '../settings/parse.ts'
import type { Config } from '../settings/settings.ts'
import { openDatabase } from '../store/database.ts'
import { ruleFilesIn } from '../store/rule-files.ts'
import { openSecretBox } from '../store/secret-box.ts'
import { settingsRevisionsIn } from '../store/settings-revisions.ts'
import { databaseLocation } from './database-check.ts'
import { installedModels } from './models-service.ts'
import { builtInRules, enabledSources, knownFiles, type RuleSet } from './rule-sources.ts'
import { createScanning, type Scanning } from './scanning.ts'

const READ_BYTES = 1 << 20

/** The pre-scan without ICAP and without a server, with the settings, rules and lists of the data folder where it has any. */
export async function* scan(options: ScanOptions): AsyncGenerator<ScannedFile> {
  const stored = await readStore(options.data)
  const config = configFor(options, stored.values)
  // Nothing is left in it: members that are too large for memory go to files without a name.
  const spoolDirectory = await mkdtemp(join(tmpdir(), 'assay-scan-'))
  const scanning = createScanning({ config, spoolDirectory, onThreadDead: () => {} })
  try {
    const sources = enabledSources(knownFiles(await builtInRules(), stored.rules))
    await scanning.useModels(installedModels(join(options.data, 'models')))
    await scanning.useRules((await compileRules(sources)).blob)
    scanning.useLists(newestLists(options.data))
    for await (const path of options.files) yield await scanFile(path, scanning, config)
  } finally {
    await scanning.close()
    await rm(spoolDirectory, { recursive: true, force: true })
  }
}

interface Stored {
  readonly values: Readonly<Record<string, unknown>>
  readonly rules: RuleSet
}

/** A folder that no server has used yet has neither settings nor rules of its own; nothing is made in it. */
async function readStore(data: string): Promise<Stored> {
  const location = databaseLocation(data, process.env)
  if ('dataDir' in location && !existsSync(join(data, 'assay.db')))
    return { values: {}, rules: { files: [], options: [] } }
  const database = await openDatabase(location)
  try {
    const revision = await settingsRevisionsIn(database).latest()
    const rules = ruleFilesIn(database)
    return {
      values: revision?.values ?? {},
      rules: { files: await rules.all(), options: await rules.options() },
    }
  } finally {
    await database.close()
  }
}

/** What a running server was allowed is not refused here: a model that is gone is an engine that is down. */
const HAS_ALL = { hasModel: true, hasSynchronizedSource: true }

function configFor({ data, settingsFile }: ScanOptions, saved: Stored['values']): Config {
  const box = {
    open: (sealed: string) => openSecretBox(data).open(sealed, 'settings'),
  }
  const file = settingsFile === undefined ? {} : { file: readSettingsFile(settingsFile) }
  const loaded = loadSettings({ saved, box, environment: process.env, context: HAS_ALL, ...file })
  if (!loaded.ok) throw new Error(loaded.faults.map(faultLine).join('\n'))
  return loaded.config
}

/** The lists as the server published them last; empty ones where there has been no server. */
function newestLists(data: string): Buffer {
  const folder = join(data, 'worker', 'snapshots')
  const revisions = existsSync(folder)
    ? readdirSync(folder).flatMap((name) => /^lists-(\d+)\.bin$/.exec(name)?.[1] ?? [])
    : []
  const newest = revisions.map(Number).sort((a, b) => b - a)[0]
  return newest === undefined ? buildListTable([], '0') : readFileSync(join(folder, `lists-${newest}.bin`))
}

async function scanFile(path: string, scanning: Scanning, config: Config): Promise<ScannedFile> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const sample = await sampleOf(file, { path, size, inMemory: size <= config['intake.memoryThresholdBytes'] })
    const scanned = await scanning.prescan(sample, { client: 'cli' })
    const results = [...scanned.results, ...(await scanning.lists(sample, scanned.members, NO_CONTEXT))]
    const verdict = decideVerdict(results)
    const risk = verdict.state === 'complete' ? verdict.risk : verdict.atLeast
    return {
      line: lineOf({
        path,
        sample,
        type: scanned.trueType,
        verdict,
        engines: scanned.engines,
        evidence: scanned.evidence,
      }),
      reachesThreshold: isAtLeast(risk, config['policy.blockFrom']),
    }
  } finally {
    await file.close()
  }
}

/** A file on disk belongs to no message. */
const NO_CONTEXT = {} as Parameters<Scanning['lists']>[2]

export async function sampleOf(
  file: FileHandle,
  { path, size, inMemory }: { path: string; size: number; inMemory: boolean },
): Promise<Sample> {
  const sha256 = createHash('sha256')
  const sha1 = createHash('sha1')
  const kept: Buffer[] = []
  let bytes = 0
  for (;;) {
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, Math.max(1, size - bytes)))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, bytes)
    if (bytesRead === 0) break
    const chunk = buffer.subarray(0, bytesRead)
    sha256.update(chunk)
    sha1.update(chunk)
    if (inMemory) kept.push(chunk)
    bytes += bytesRead
    if (bytes >= size) break
  }
  const content: Content = inMemory
    ? { kind: 'memory', bytes: Buffer.concat(kept) }
    : { kind: 'file', fd: file.fd, size: bytes }
  return {
    content,
    size: bytes,
    sha256: sha256.digest('hex'),
    sha1: sha1.digest('hex'),
    declaredType: '',
    fileName: basename(path),
    // It shrank or grew under us.
    partial: bytes !== size,
    decoded: [],
  }
}

interface Scanned {
  readonly path: string
  readonly sample: Sample
  readonly type: string
  readonly verdict: Verdict
  readonly engines: string
  readonly evidence: Evidence | undefined
}

function lineOf({ path, sample, type, verdict, engines, evidence }: Scanned): ScanLine {
  const detected = verdict.detections.length > 0
  return {
    path,
    sha256: sample.sha256,
    sha1: sample.sha1 ?? '',
    size: sample.size,
    type,
    outcome: verdict.state === 'unscanned' ? 'unscanned' : detected ? 'detected' : 'clean',
    risk: verdict.state === 'complete' ? verdict.risk : verdict.atLeast,
    reasons: verdict.state === 'unscanned' ? verdict.reasons : [],
    detections: verdict.detections,
    evidence: evidenceTree({
      ...sample,
      type,
      engines,
      detections: verdict.detections,
      reasons: verdict.state === 'unscanned' ? verdict.reasons : [],
      details: verdict.state === 'unscanned' ? verdict.details : [],
      evidence,
    }),
  }
}
