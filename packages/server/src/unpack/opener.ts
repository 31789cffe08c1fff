import type { RiskLevel } from '../domain/risk.ts'
import type { Content } from '../domain/sample.ts'
import type { UnscannedReason } from '../domain/verdict.ts'
import type { ContentView } from './content-view.ts'
import type { RunTool } from './run-tool.ts'

/** A sample or a member of one, before it is opened. Names and types are hostile text. */
export interface OpenerNode {
  readonly content: Content
  readonly size: number
  readonly view: ContentView
  /** The true type's short name (`zip`, `ole`, `pe`, `html`), its family and whether it holds other files by nature. */
  readonly type: string
  readonly family: string
  readonly packed: boolean
  /** As the message or the container calls it; '' when unknown. */
  readonly fileName: string
  /** Content-Type, lower case, without parameters; '' when it names none. */
  readonly declaredType: string
  /** What it lies in, outermost first; empty for the sample itself. */
  readonly within: readonly { readonly type: string; readonly fileName: string }[]
}

export interface MemberInfo {
  /** As the container has it, decoded to text; '' when it has none. Never used as a path on disk. */
  readonly name: string
  readonly declaredType?: string
  /** The password that opened it, so that it is counted; never kept in evidence. */
  readonly password?: string
}

export interface Damage {
  readonly reason: UnscannedReason
  /** One line for the record. */
  readonly detail: string
}

/** Takes one member's bytes. After `end` it has been scanned with everything inside it, and its bytes are gone. */
export interface MemberSink {
  /** A promise where it must be waited for. Throws Unscanned('bomb') when the budget is used up. */
  write(chunk: Buffer): void | Promise<void>
  /** `damage`: not all of it came. What came is scanned all the same, and the member is unscanned for that reason. */
  end(damage?: Damage): Promise<void>
}

/** What an opener found by itself, by an explainable rule. */
export interface Finding {
  /** Threat name as it stands in X-Virus-ID: `Document.AutoRunShell`. ASCII, no spaces. */
  readonly name: string
  /** `high` only for what no harmless document does. `low`: worth telling, never blocked by default. */
  readonly risk: Exclude<RiskLevel, 'none'>
  /** MITRE ATT&CK technique: `T1059.005`. */
  readonly attack: string
  /** One line for people: what was seen, where. Printable, at most 300 characters. */
  readonly detail: string
  /** Byte offset in the node's content, where there is one. */
  readonly offset?: number
}

/** Passwords to try, best first; bounded. One object a walk. */
export interface PasswordTrial {
  /** From what holds it, its name and texts near it, then the administrator's list by success. No duplicates. */
  candidates(node: OpenerNode): readonly string[]
  succeeded(password: string): void
}

/** One opener's run on one node: where it hands what it finds, and what it may use. All members together share one budget. */
export interface OpenRun {
  /** Aborted at the walk's deadline: loops that last look at it, tools are killed by it. */
  readonly signal: AbortSignal
  readonly passwords: PasswordTrial
  /** Runs a native tool confined; undefined where no confinement is to be had: the format is unscanned(engine-down). */
  readonly runTool: RunTool | undefined
  /** Members and bytes that the budget still has. */
  readonly left: { readonly members: number; readonly bytes: number }
  /** Opens a member. One at a time. Throws Unscanned('bomb') when there are too many; let it through. */
  member(info: MemberInfo): MemberSink
  /** `member`, one `write`, `end`. */
  emit(info: MemberInfo, bytes: Buffer): Promise<void>
  /** Counts bytes that were unpacked without becoming a member. Throws Unscanned('bomb'). */
  spend(bytes: number): void
  /** Part of the node could not be looked at; the opener goes on with the rest. `name`: the member it is about. */
  unscanned(damage: Damage, name?: string): void
  finding(finding: Finding): void
  /** Asked of the lists with each transaction. Absolute URL or bare host; the first few hundred a node are kept. */
  url(url: string): void
  /** Text in which a password for a neighbour may stand (a mail's body, an archive's comment). */
  hint(text: string): void
}

/** Opens one family of formats, or looks for what its kind of document does. Pure of global state. */
export interface Opener {
  readonly name: string
  /** Raised whenever the same bytes could get another answer. */
  readonly version: string
  /**
   * Cheap (microseconds, no more than `view.head` and a few reads): `members` = it opens this container, `looks` = it has
   * something to look for but does not stand for all that is inside, undefined = not its kind. A node whose type is packed and
   * that no opener takes as `members` is unscanned(not-unpacked).
   */
  wants(node: OpenerNode): 'members' | 'looks' | undefined
  /**
   * Throws Unscanned(reason) where nothing more can be had (encrypted: no password fits; malformed; bomb; ...): what was handed
   * over before stands. Any other exception is a fault of ours and counts as engine-down.
   */
  open(node: OpenerNode, run: OpenRun): Promise<void> | void
}
