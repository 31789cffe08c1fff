import { Unscanned } from '../../domain/verdict.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'
import { parseShortcut, type Shortcut } from './lnk-parser.ts'
import { shortcutFindings } from './lnk-rules.ts'

const PIECE = 64 * 1024
const MAX_URLS = 50

/** Windows shortcuts: what they start, and what is hidden behind them. The command line and appended bytes are members. */
export function lnkOpener(): Opener {
  return {
    name: 'lnk',
    version: '1',
    wants: (node) => (node.type === 'lnk' ? 'members' : undefined),
    open: openShortcut,
  }
}

async function openShortcut(node: OpenerNode, run: OpenRun): Promise<void> {
  const shortcut = parseShortcut(node.view)
  for (const detail of shortcut.faults) run.unscanned({ reason: 'malformed', detail })
  const appendedBytes = node.size - shortcut.end
  for (const finding of shortcutFindings({ shortcut, fileName: node.fileName, appendedBytes })) run.finding(finding)
  const text = commandText(shortcut)
  for (const [url] of [...text.matchAll(/https?:\/\/[^\s"'<>|^)]{4,2000}/gi)].slice(0, MAX_URLS)) run.url(url)
  if (text !== '') await run.emit({ name: '(command line).txt' }, Buffer.from(text))
  if (appendedBytes > 0) await emitAppended(node, shortcut.end, run)
}

/** One line a target, as rules for text can read it (in the file it is UTF-16, in pieces). */
function commandText(shortcut: Shortcut): string {
  const lines = shortcut.targets.map((target) => `${target} ${shortcut.arguments}`.trim())
  if (lines.length === 0 && shortcut.arguments !== '') lines.push(shortcut.arguments)
  return [...lines, shortcut.icon].filter((line) => line !== '').join('\n')
}

async function emitAppended(node: OpenerNode, from: number, run: OpenRun): Promise<void> {
  const sink = run.member({ name: '(appended data)' })
  for (let at = from; at < node.size; at += PIECE) {
    if (run.signal.aborted) throw new Unscanned('timeout', 'stopped in data behind a shortcut')
    await sink.write(node.view.read(at, PIECE))
  }
  await sink.end()
}
