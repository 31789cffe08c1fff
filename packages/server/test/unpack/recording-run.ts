import type { Content } from '../../src/domain/sample.ts'
import { Unscanned } from '../../src/domain/verdict.ts'
import { ContentView } from '../../src/unpack/content-view.ts'
import type { Damage, Finding, MemberInfo, MemberSink, OpenerNode, OpenRun } from '../../src/unpack/opener.ts'
import type { RunTool } from '../../src/unpack/run-tool.ts'

export interface RecordedMember extends MemberInfo {
  readonly bytes: Buffer
  readonly damage: Damage | undefined
}

export interface RecordingOptions {
  readonly passwords?: readonly string[]
  readonly maxMembers?: number
  readonly maxBytes?: number
  readonly runTool?: RunTool
  readonly signal?: AbortSignal
}

/** An OpenRun that keeps what an opener hands over, under a budget. */
export interface RecordingRun extends OpenRun {
  readonly members: RecordedMember[]
  readonly faults: (Damage & { readonly name?: string })[]
  readonly findings: Finding[]
  readonly urls: string[]
  readonly hints: string[]
  readonly opened: string[]
}

export function recordingRun(options: RecordingOptions = {}): RecordingRun {
  const members: RecordedMember[] = []
  const left = { members: options.maxMembers ?? 10_000, bytes: options.maxBytes ?? 64 * 1024 * 1024 }
  const opened: string[] = []
  const run: Omit<RecordingRun, 'emit'> = {
    members,
    faults: [],
    findings: [],
    urls: [],
    hints: [],
    opened,
    left,
    signal: options.signal ?? new AbortController().signal,
    runTool: options.runTool,
    passwords: { candidates: () => options.passwords ?? [], succeeded: (password) => void opened.push(password) },
    member(info): MemberSink {
      if (--left.members < 0) throw new Unscanned('bomb', 'too many members')
      const pieces: Buffer[] = []
      return {
        write(chunk) {
          run.spend(chunk.length)
          // Openers may use their buffer again: whoever keeps bytes copies them.
          pieces.push(Buffer.from(chunk))
        },
        async end(damage) {
          members.push({ ...info, bytes: Buffer.concat(pieces), damage })
        },
      }
    },
    spend(bytes) {
      left.bytes -= bytes
      if (left.bytes < 0) throw new Unscanned('bomb', 'too many bytes')
    },
    unscanned: (damage, name) => void run.faults.push({ ...damage, ...(name === undefined ? {} : { name }) }),
    finding: (finding) => void run.findings.push(finding),
    url: (url) => void run.urls.push(url),
    hint: (text) => void run.hints.push(text),
  }
  return Object.assign(run, {
    async emit(info: MemberInfo, bytes: Buffer) {
      const sink = run.member(info)
      await sink.write(bytes)
      await sink.end()
    },
  })
}

export interface NodeFacts extends Partial<Omit<OpenerNode, 'content' | 'view' | 'size'>> {
  readonly type: string
}

/** A node as the walker would make it of these bytes; `type` is the true type's name. */
export function nodeOf(bytes: Buffer, facts: NodeFacts): OpenerNode {
  const content: Content = { kind: 'memory', bytes }
  return {
    content,
    size: bytes.length,
    view: new ContentView(content),
    family: 'data',
    packed: false,
    fileName: '',
    declaredType: '',
    within: [],
    ...facts,
  }
}
