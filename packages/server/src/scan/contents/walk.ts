import type { Evidence } from '../../domain/evidence.ts'
import { MEMBER_JOINT } from '../../domain/evidence.ts'
import type { Content } from '../../domain/sample.ts'
import { type Detection, type Note, type ScanResult, Unscanned } from '../../domain/verdict.ts'
import { ContentView } from '../../unpack/content-view.ts'
import type {
  Damage,
  Finding,
  MemberInfo,
  MemberSink,
  Opener,
  OpenerNode,
  OpenRun,
  PasswordTrial,
} from '../../unpack/opener.ts'
import type { RunTool } from '../../unpack/run-tool.ts'
import { failed } from '../engine-run.ts'
import { hiddenArchive } from '../hidden-archive.ts'
import { protectionOf } from '../protection.ts'
import type { ScannedMember } from '../scanners/suspicious-objects.ts'
import { typeOfView } from '../true-file-type.ts'
import type { TrueType } from '../true-types.ts'
import { Budget, type WalkLimits } from './budget.ts'
import { Findings, type NodeRecord } from './findings.ts'
import type { MemberBody, TakenMember } from './member-body.ts'
import { readingsOf } from './readings.ts'

/** An engine as the walk asks it: about the sample itself only where nobody else does. */
export interface MemberEngine {
  readonly name: string
  readonly version: string
  /** False: this kind of content is none of its business. */
  applies(type: string): boolean
  /** Also of the sample itself; the other engines have it from the pipeline. */
  readonly looksAtSample: boolean
  scan(node: MemberFacts, signal: AbortSignal): Promise<MemberAnswer> | MemberAnswer
}

export interface MemberFacts {
  readonly content: Content
  readonly size: number
  readonly sha256: string
  readonly type: string
  readonly fileName: string
  readonly declaredType: string
}

export interface MemberAnswer {
  readonly detections: readonly Detection[]
  /** Worth keeping as evidence though it accuses nobody (a score in monitor mode). */
  readonly note?: Note
  readonly notes?: readonly Note[]
}

/** The trial of one walk, and what it learns of. */
export interface WalkPasswords extends PasswordTrial {
  note(text: string): void
  /** Never the password itself. */
  describe(password: string): string
}

export interface WalkOptions {
  readonly openers: readonly Opener[]
  readonly engines: readonly MemberEngine[]
  readonly limits: WalkLimits
  readonly passwords: WalkPasswords
  readonly runTool: RunTool | undefined
  readonly signal: AbortSignal
  openBody(): MemberBody
  /** Milliseconds, monotonic. */
  now(): number
}

/** The sample that is walked. */
export interface WalkSample {
  readonly content: Content
  readonly size: number
  readonly sha256: string
  readonly fileName: string
  readonly declaredType: string
}

/** What the walk found: of the members everything, of the sample itself what openers and the engines for samples said. */
export interface ContentsResult {
  readonly results: readonly ScanResult[]
  readonly members: readonly ScannedMember[]
  readonly evidence: Evidence
}

export const UNPACK = 'unpack'
export const DOCUMENTS = 'documents'
const MAX_NAME = 300
const MAX_PATH = 2000
const MAX_URLS = 500
const MAX_URL = 4096

interface Level {
  readonly record: NodeRecord
  readonly depth: number
  readonly within: OpenerNode['within']
}

/** Looks into a sample and all that is inside it, depth first: a member is gone before the next one comes. Never rejects. */
export async function walk(sample: WalkSample, options: WalkOptions): Promise<ContentsResult> {
  return await new Walk(options, sample).run(sample)
}

class Walk {
  readonly #options: WalkOptions
  readonly #budget: Budget
  readonly #findings = new Findings()
  readonly #members: { path: string; sha256: string; sha1?: string; urls?: string[] }[] = []
  /** Contents that were walked whole, with nothing found or left: an archive of copies is not walked copy by copy. */
  readonly #known = new Set<string>()

  constructor(options: WalkOptions, { size }: WalkSample) {
    this.#options = options
    this.#budget = new Budget(options.limits, size)
  }

  async run(sample: WalkSample): Promise<ContentsResult> {
    const record = newRecord('', undefined)
    record.sha256 = sample.sha256
    // Somebody looked inside, whatever comes of it.
    this.#findings.answered(UNPACK)
    await this.#visit(sample, { record, depth: 0, within: [] })
    return { results: this.#findings.results(), members: this.#members, evidence: this.#findings.evidence() }
  }

  /** One node: the engines, then whoever can open it. */
  async #visit(sample: WalkSample, level: Level): Promise<void> {
    const { record } = level
    const started = this.#options.now()
    this.#findings.node(record)
    record.size = sample.size
    try {
      const view = new ContentView(sample.content)
      const type = typeOfView(view, sample)
      record.type = type.name
      await this.#ask(sample, type.name, level)
      const node: OpenerNode = {
        content: sample.content,
        size: sample.size,
        view,
        type: type.name,
        family: type.family,
        packed: type.packed,
        fileName: sample.fileName,
        declaredType: sample.declaredType,
        within: level.within,
      }
      await this.#open(node, type, level)
    } catch (error) {
      this.#fault(record, UNPACK, error)
    }
    record.ms += this.#options.now() - started
  }

  async #ask(sample: WalkSample, type: string, { record, depth }: Level): Promise<void> {
    for (const engine of this.#options.engines) {
      if ((depth === 0 && !engine.looksAtSample) || !engine.applies(type)) continue
      this.#findings.answered(engine.name)
      try {
        this.#deadline()
        const { detections, note, notes = [] } = await engine.scan({ ...sample, type }, this.#options.signal)
        for (const detection of detections) this.#detected(record, engine, detection)
        for (const one of note === undefined ? notes : [note, ...notes]) {
          const finding = { engine: engine.name, engineVersion: engine.version, risk: 'none' as const, ...one }
          this.#findings.detected(record, finding, false)
        }
      } catch (error) {
        if (error instanceof Unscanned)
          for (const detection of error.detections) this.#detected(record, engine, detection)
        this.#fault(record, engine.name, error)
      }
    }
  }

  async #open(node: OpenerNode, type: TrueType, level: Level): Promise<void> {
    const { record, depth } = level
    let isOpened = false
    let isLooked = false
    const readings = readingsOf(node)
    for (const opener of this.#options.openers) {
      const wants = readings.map((reading) => this.#wants(opener, reading, record))
      if (wants.every((want) => want === undefined)) continue
      // What it is only called does not stand for what it is.
      isOpened ||= wants[0] === 'members'
      isLooked = true
      if (depth >= this.#options.limits.maxDepth) {
        this.#limit(record, UNPACK, { reason: 'too-deep', detail: `nested deeper than ${depth}` })
        return
      }
      for (const [at, reading] of readings.entries())
        if (wants[at] !== undefined) await this.#run(opener, reading, level)
    }
    const damage = isOpened ? undefined : notOpened(node, type, isLooked)
    if (damage !== undefined) this.#limit(record, UNPACK, damage)
  }

  /** A member that the opener began and did not end is scanned as far as it came. */
  async #run(opener: Opener, node: OpenerNode, level: Level): Promise<void> {
    const begun = new Set<MemberSink>()
    let damage: Damage = { reason: 'malformed', detail: 'it was not read to its end' }
    try {
      this.#deadline()
      await opener.open(node, this.#runFor(node, level, { opener, begun }))
    } catch (error) {
      this.#fault(level.record, UNPACK, error, opener.name)
      if (error instanceof Unscanned) damage = { reason: error.reason, detail: 'it was not read to its end' }
    }
    for (const sink of begun) await sink.end(damage)
  }

  #wants(opener: Opener, node: OpenerNode, record: NodeRecord): ReturnType<Opener['wants']> {
    try {
      return opener.wants(node)
    } catch (error) {
      this.#fault(record, UNPACK, error, opener.name)
      return undefined
    }
  }

  #runFor(node: OpenerNode, level: Level, { opener, begun }: { opener: Opener; begun: Set<MemberSink> }): OpenRun {
    const { record } = level
    const budget = this.#budget
    const within = [...level.within, { type: node.type, fileName: node.fileName }]
    const urls = new Set<string>()
    const member = (info: MemberInfo) => this.#sink(info, { record, depth: level.depth + 1, within }, begun)
    return {
      signal: this.#options.signal,
      passwords: this.#trialFor(record),
      runTool: this.#options.runTool,
      get left() {
        return budget.left
      },
      member,
      async emit(info, bytes) {
        const sink = member(info)
        await sink.write(bytes)
        await sink.end()
      },
      spend: (bytes) => {
        this.#deadline()
        budget.spend(bytes)
      },
      unscanned: (damage, name) => this.#limit(record, UNPACK, named(damage, name)),
      finding: (finding) => this.#findings.detected(record, documentFinding(finding, opener)),
      url: (url) => this.#url(record, urls, url),
      hint: (text) => this.#options.passwords.note(text),
    }
  }

  #trialFor(record: NodeRecord): PasswordTrial {
    const { passwords } = this.#options
    return {
      candidates: (node) => passwords.candidates(node),
      succeeded(password) {
        record.openedBy = passwords.describe(password)
        passwords.succeeded(password)
      },
    }
  }

  #sink(info: MemberInfo, level: Level, begun: Set<MemberSink>): MemberSink {
    this.#deadline()
    this.#budget.member()
    const body = this.#options.openBody()
    const record = newRecord(pathOf(level.record.path, info.name, ++level.record.members), level.record)
    const sink: MemberSink = {
      write: (chunk) => {
        this.#deadline()
        this.#budget.spend(chunk.length)
        // The opener may use its buffer again.
        return body.write(Buffer.from(chunk))
      },
      end: async (damage) => {
        if (!begun.delete(sink)) return
        const before = this.#options.now()
        try {
          if (damage !== undefined) this.#limit(record, UNPACK, damage)
          await this.#member(await body.finish(), info, { ...level, record })
        } finally {
          body.discard()
          // The time of what is inside is not the container's own.
          level.record.ms -= this.#options.now() - before
        }
      },
    }
    begun.add(sink)
    return sink
  }

  async #member(taken: TakenMember, info: MemberInfo, level: Level): Promise<void> {
    const { record } = level
    record.sha256 = taken.sha256
    this.#members.push({
      path: record.path,
      sha256: taken.sha256,
      ...(taken.sha1 === '' ? {} : { sha1: taken.sha1 }),
    })
    if (taken.content === undefined) {
      this.#findings.node(record)
      this.#limit(record, UNPACK, taken.unscanned ?? { reason: 'no-space', detail: 'it was not kept' })
      return
    }
    const fileName = lastName(info.name)
    const sample: WalkSample = {
      content: taken.content,
      size: taken.size,
      sha256: taken.sha256,
      fileName,
      declaredType: info.declaredType ?? '',
    }
    const key = `${taken.sha256} ${extensionOf(fileName)} ${sample.declaredType} ${level.within.at(-1)?.type}`
    if (this.#known.has(key)) return
    const before = this.#findings.weight
    await this.#visit(sample, level)
    if (this.#findings.weight === before) this.#known.add(key)
  }

  #detected(record: NodeRecord, engine: MemberEngine, detection: Detection): void {
    this.#findings.detected(record, {
      engine: engine.name,
      engineVersion: engine.version,
      name: detection.name,
      risk: detection.risk,
      ...(detection.offset === undefined ? {} : { offset: detection.offset }),
      ...(detection.evidence === undefined ? {} : { detail: detection.evidence }),
    })
  }

  #url(record: NodeRecord, seen: Set<string>, url: string): void {
    if (seen.size >= MAX_URLS || url.length > MAX_URL || seen.has(url)) return
    seen.add(url)
    let entry = this.#members.findLast(({ path }) => path === record.path)
    if (entry === undefined) {
      // The sample itself: its hash is asked of the lists without us.
      entry = { path: record.path, sha256: '' }
      this.#members.push(entry)
    }
    entry.urls ??= []
    if (entry.urls.length < MAX_URLS) entry.urls.push(url)
  }

  #deadline(): void {
    if (this.#options.signal.aborted) throw new Unscanned('timeout', 'the deadline passed while it was looked into')
  }

  #limit(record: NodeRecord, engine: string, { reason, detail }: Damage): void {
    this.#findings.unscanned(record, { engine, reason, detail })
  }

  #fault(record: NodeRecord, engine: string, error: unknown, opener?: string): void {
    const result = failed(engine, error)
    if (result.outcome !== 'unscanned') return
    const detail = opener === undefined ? (result.detail ?? '') : `${opener}: ${result.detail ?? ''}`
    this.#limit(record, engine, { reason: result.reason, detail })
  }
}

function newRecord(path: string, parent: NodeRecord | undefined): NodeRecord {
  return { path, parent, type: '', size: 0, sha256: '', ms: 0, members: 0, findings: [], limits: [] }
}

/** What nobody opened: a container, something behind a password that nobody looked at, an archive hidden behind other bytes. */
function notOpened(node: OpenerNode, type: TrueType, isLooked: boolean): Damage | undefined {
  const isPlain = type.family === 'text' || type.family === 'image'
  if ((type.packed || (!isLooked && !isPlain)) && protectionOf(node.view, type) === 'encrypted')
    return { reason: 'encrypted', detail: `${type.name} behind a password` }
  if (type.packed) return { reason: 'not-unpacked', detail: `${type.name}: nothing here opens it` }
  if (type.name === 'data' && DISKS.has(node.within.at(-1)?.type ?? '') && isFileSystem(node))
    return { reason: 'not-unpacked', detail: 'a file system that nothing here reads' }
  const hidden = hiddenArchive(node.view, node)
  return hidden === undefined ? undefined : { reason: 'not-unpacked', detail: `${type.name}: ${hidden}` }
}

/** What lies in them is a disk or a part of one. */
const DISKS: ReadonlySet<string> = new Set(['vhd', 'vhdx', 'qcow', 'vmdk', 'disk'])
const LEAST_FILE_SYSTEM = 64 * 1024

/** Reserved partitions are small or empty. */
function isFileSystem({ view, size }: OpenerNode): boolean {
  return size >= LEAST_FILE_SYSTEM && view.read(0, LEAST_FILE_SYSTEM).some((byte) => byte !== 0)
}

function named({ reason, detail }: Damage, name: string | undefined): Damage {
  return name === undefined ? { reason, detail } : { reason, detail: `${shown(name)}: ${detail}` }
}

function documentFinding({ name, risk, attack, detail, offset }: Finding, opener: Opener) {
  return {
    engine: DOCUMENTS,
    engineVersion: `${opener.name} ${opener.version}`,
    name,
    risk,
    attack,
    detail: `${detail} [${attack}]`,
    ...(offset === undefined ? {} : { offset }),
  }
}

function pathOf(parent: string, name: string, place: number): string {
  const own = shown(name) || `(part ${place})`
  const path = parent === '' ? own : `${parent}${MEMBER_JOINT}${own}`
  return path.length <= MAX_PATH ? path : `${path.slice(0, MAX_PATH / 2)}...${path.slice(-MAX_PATH / 2)}`
}

/** Names are the attacker's: control and direction characters are shown as what they are. */
function shown(name: string): string {
  const cut = name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}...` : name
  return cut
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

function lastName(name: string): string {
  return name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1)
}

function extensionOf(fileName: string): string {
  const dot = fileName.lastIndexOf('.')
  return dot < 0 ? '' : fileName.slice(dot + 1, dot + 20).toLowerCase()
}
