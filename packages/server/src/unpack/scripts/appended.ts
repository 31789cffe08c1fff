import { Unscanned } from '../../domain/verdict.ts'
import type { ContentView } from '../content-view.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'

/**
 * Archives behind a script, which unpacks itself: makeself's `.run` (`tail -n +N "$0" | tar xz`), batch files before a cabinet
 * (`extrac32 "%~f0"`), PHP's and Python's one-file programs. The script's last line ends where the archive begins. What is behind
 * is handed over from there to the end, and is then what its own first bytes say.
 */
export function appendedOpener(): Opener {
  return { name: 'appended', version: '1', wants: wantsAppended, open: openAppended }
}

/** All of them are looked into anyway: pages and their scripts, which are most of what comes, are not searched for it. */
const SCRIPTS = new Set(['sh', 'bat', 'ps1', 'py', 'perl', 'php', 'vbs', 'hta', 'lnk'])
/** The first binary byte makes a short script data: then its first line tells. */
const SCRIPT_LINE = /^(?:#!|@|:|rem[ \t]|echo[ \t]|<\?php)/i
const SCRIPT_NAME = /\.(?:sh|run|bat|cmd|ps1|py|pyw|pl|php|phar|vbs|js)$/i

/** First bytes that say enough: archives that `file`, tar or extrac32 take from a stream. ZIPs are found by their end. */
const MARKS = [
  '\x1f\x8b\x08',
  'BZh',
  '\xfd7zXZ\0',
  '(\xb5/\xfd',
  '\x04"M\x18',
  ']\0\0',
  'MSCF\0\0\0\0',
  "7z\xbc\xaf'\x1c",
  'Rar!\x1a\x07',
  '\x1f\x9d',
].map((mark) => Buffer.from(mark, 'latin1'))
/** 7-Zip's block magic: three letters alone would be found in texts. */
const BZIP2_BLOCK = Buffer.from('314159265359', 'hex')
const TAR_MARK = Buffer.from('ustar')
const TAR_MARK_AT = 257
/** Searched from any place, because they are long: extrac32 and SFX programs do no more. */
const ANYWHERE = ['MSCF\0\0\0\0', "7z\xbc\xaf'\x1c", 'Rar!\x1a\x07'].map((mark) => Buffer.from(mark, 'latin1'))

const WINDOW_BYTES = 1024 * 1024
const OVERLAP_BYTES = 512
const LF = 0x0a
const CR = 0x0d
/** Self-extractors keep what is of text short: makeself's is 20 KiB. */
const MAX_SEARCHED = 16 * WINDOW_BYTES
const MAX_FOUND = 8

function wantsAppended(node: OpenerNode): 'looks' | undefined {
  if (!isScript(node)) return undefined
  return placesIn(node.view).next().done === true ? undefined : 'looks'
}

function isScript({ type, view, fileName }: OpenerNode): boolean {
  if (SCRIPTS.has(type)) return true
  return type === 'data' && (SCRIPT_NAME.test(fileName) || SCRIPT_LINE.test(view.head.toString('latin1', 0, 16)))
}

async function openAppended(node: OpenerNode, run: OpenRun): Promise<void> {
  let found = 0
  for (const at of placesIn(node.view)) {
    if (found++ >= MAX_FOUND) {
      run.unscanned({ reason: 'not-unpacked', detail: 'more archives behind a script than are looked at' })
      return
    }
    const sink = run.member({ name: '(behind the script)' })
    for (let from = at; from < node.size; ) {
      if (run.signal.aborted) throw new Unscanned('timeout', 'what is behind the script was not read to its end')
      const piece = node.view.read(from, WINDOW_BYTES / 4)
      if (piece.length === 0) break
      from += piece.length
      await sink.write(piece)
    }
    await sink.end()
  }
}

/** Where archives begin behind a line's end, or anywhere where their mark is long. In order; one place once. */
function* placesIn(view: ContentView): Generator<number> {
  let last = -1
  for (let from = 0; from < Math.min(view.size, MAX_SEARCHED); from += WINDOW_BYTES - OVERLAP_BYTES) {
    const window = view.read(from, WINDOW_BYTES)
    if (window.length === 0) return
    for (const at of placesInWindow(window)) {
      if (from + at <= last || from + at === 0) continue
      last = from + at
      yield last
    }
  }
}

function placesInWindow(window: Buffer): number[] {
  const places = new Set<number>()
  for (const mark of MARKS) {
    const isAnywhere = ANYWHERE.some((one) => one.equals(mark))
    let at = window.indexOf(mark)
    for (let count = 0; at >= 0 && count < MAX_LOOKS && places.size < MAX_FOUND * 2; count++) {
      if ((isAnywhere || isBehindLine(window, at)) && isArchive(window, at, mark)) places.add(at)
      at = window.indexOf(mark, at + 1)
    }
  }
  let tar = window.indexOf(TAR_MARK)
  for (let count = 0; tar >= 0 && count < MAX_LOOKS && places.size < MAX_FOUND * 2; count++) {
    if (tar > TAR_MARK_AT && isBehindLine(window, tar - TAR_MARK_AT)) places.add(tar - TAR_MARK_AT)
    tar = window.indexOf(TAR_MARK, tar + 1)
  }
  return [...places].sort((a, b) => a - b)
}

const MAX_LOOKS = 1000

function isBehindLine(window: Buffer, at: number): boolean {
  return window[at - 1] === LF || window[at - 1] === CR
}

function isArchive(window: Buffer, at: number, mark: Buffer): boolean {
  if (mark.toString('latin1') === 'BZh') return window.subarray(at + 4, at + 10).equals(BZIP2_BLOCK)
  if (mark.toString('latin1') === ']\0\0') return window[at + 12] === 0 || window[at + 12] === 0xff
  return true
}
