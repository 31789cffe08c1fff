import { Unscanned } from '../../domain/verdict.ts'
import type { MemberSink, Opener, OpenerNode, OpenRun } from '../opener.ts'
import { extractWithSevenZip, type Place } from './seven-zip-extract.ts'
import { type Kind, kindsOf } from './seven-zip-kinds.ts'
import { streamBySevenZip } from './seven-zip-member.ts'
import type { SevenZipOptions } from './seven-zip-tool.ts'

/**
 * Opens what the native 7-Zip reads: 7z, RAR, cabinets, installers, disk images, single compressed streams, and archives behind
 * a program. Native, because no JavaScript library reads RAR and 7z with all their methods, and only ever confined.
 */
export function sevenZipOpener(options: SevenZipOptions): Opener {
  return {
    name: '7-zip',
    version: '1',
    wants: (node) => (kindsOf(node).length > 0 ? 'members' : undefined),
    async open(node, run) {
      for (const kind of kindsOf(node)) {
        if (kind.isSingle) await openStream(node, run, { kind, options })
        else await openArchive(node, run, { kind, options })
      }
    },
  }
}

interface Way {
  readonly kind: Kind
  readonly options: SevenZipOptions
}

async function openArchive(node: OpenerNode, run: OpenRun, { kind, options }: Way): Promise<void> {
  const candidates = run.passwords.candidates(node)
  for (const format of kind.formats) {
    const place = await extractWithSevenZip(node.content, run, { ...options, format, candidates })
    if (place !== undefined) return await handTail(node, run, place)
  }
  if (kind.isGuess) return
  throw new Unscanned('malformed', `7-Zip cannot open it as ${kind.formats.join(' or ')}`)
}

const TAIL_NAME = '(data after the archive)'

/** What lies behind an archive may be another one; nothing but padding is no member. */
async function handTail({ view }: OpenerNode, run: OpenRun, { offset, size }: Place): Promise<void> {
  if (size === undefined) return
  let sink: MemberSink | undefined
  for (let at = offset + size; at < view.size; ) {
    const bytes = view.read(at, TAIL_STEP_BYTES)
    if (bytes.length === 0) break
    at += bytes.length
    if (sink === undefined && isPadding(bytes)) continue
    if (run.signal.aborted) throw new Unscanned('timeout', 'not all behind the archive was read')
    sink ??= run.member({ name: TAIL_NAME })
    await sink.write(bytes)
  }
  await sink?.end()
}

const TAIL_STEP_BYTES = 256 * 1024

function isPadding(bytes: Buffer): boolean {
  return bytes[0] === 0 && bytes.subarray(1).equals(bytes.subarray(0, -1))
}

async function openStream(node: OpenerNode, run: OpenRun, { kind, options }: Way): Promise<void> {
  const info = { name: innerName(node.fileName) }
  let sink: MemberSink | undefined
  const write = (chunk: Buffer) => {
    sink ??= run.member(info)
    return sink.write(chunk)
  }
  const stream = { content: node.content, format: kind.formats[0] ?? '', run, write }
  const damage = await streamBySevenZip(stream, options)
  if (sink === undefined && damage !== undefined) throw new Unscanned(damage.reason, damage.detail)
  await (sink ?? run.member(info)).end(damage)
}

const ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/\.(?:txz|tbz2?|tzst|taz|tlz)$/i, '.tar'],
  [/\.(?:xz|bz2|lzma|zst|z)$/i, ''],
]

/** The stream has no name of its own, but its last part may tell a script's language. */
function innerName(fileName: string): string {
  const ending = ENDINGS.find(([pattern]) => pattern.test(fileName))
  return ending === undefined ? '' : fileName.replace(ending[0], ending[1])
}
