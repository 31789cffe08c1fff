import { printable } from '../documents/printable.ts'
import type { Finding } from '../opener.ts'
import { hitsOf, type RuleHit } from './rules.ts'
import { SHORTCUT_RULES } from './rules-shortcuts.ts'
import { UNIX_RULES } from './rules-unix.ts'
import { HIDDEN_WORDS, WINDOWS_RULES } from './rules-windows.ts'

const RULES = [...WINDOWS_RULES, ...UNIX_RULES, ...SHORTCUT_RULES]

/** A rule that says no more than another which fits as well. */
const WEAKER: Readonly<Record<string, string>> = {
  'PowerShell.EncodedCommand': 'PowerShell.Encoded',
  'PowerShell.DownloadRun': 'PowerShell.HiddenDownload',
  'Shortcut.Share': 'Shortcut.RemoteProgram',
  'Registry.RunKey': 'Registry.RunsCommand',
}

export interface ScriptView {
  readonly source: string
  /** The same when nothing could be unfolded. */
  readonly unfolded: string
  readonly type: string
  readonly offsetOf: (index: number) => number
}

/** Findings of a script by its text and by what unfolding showed. */
export function judgeScriptText({ source, unfolded, type, offsetOf }: ScriptView): Finding[] {
  const plain = hitsOf(RULES, source, type)
  const later =
    unfolded === source
      ? []
      : hitsOf(RULES, unfolded, type).filter(({ rule }) => !plain.some((hit) => hit.rule === rule))
  const found = [
    ...plain.map((hit) => findingOf(hit, excerpt(source, hit.index), offsetOf(hit.index))),
    ...later.map((hit) => findingOf(hit, `after unfolding: ${excerpt(unfolded, hit.index)}`)),
    ...hiddenWords(source, unfolded),
  ]
  return found.filter(({ name }) => !found.some((other) => other.name === WEAKER[name]))
}

function findingOf({ rule }: RuleHit, seen: string, offset?: number): Finding {
  const { name, risk, attack, says } = rule
  return { name, risk, attack, detail: printable(`${says}: ${seen}`), ...(offset === undefined ? {} : { offset }) }
}

function excerpt(text: string, index: number): string {
  return text.slice(index, index + 120).replace(/\s{1,1000}/g, ' ')
}

function hiddenWords(source: string, unfolded: string): Finding[] {
  if (source === unfolded) return []
  const words = HIDDEN_WORDS.filter((word) => word.test(unfolded) && !word.test(source)).map(
    (word) => word.exec(unfolded)?.[0] ?? '',
  )
  if (words.length === 0) return []
  const detail = printable(`words that were hidden: ${words.join(', ')}`)
  return [{ name: 'Script.HiddenCalls', risk: words.length > 1 ? 'high' : 'medium', attack: 'T1027', detail }]
}
