import { Unscanned } from '../../domain/verdict.ts'
import type { Damage, MemberSink, Opener, OpenerNode, OpenRun } from '../opener.ts'
import { extractWithSevenZip, type Place } from './seven-zip-extract.ts'
import { type Kind, kindsOf } from './seven-zip-kinds.ts'
import { type SevenZipOptions, type ToolRun, unpackOne } from './seven-zip-tool.ts'
import { damageOf } from './seven-zip-words.ts'

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
  if (run.runTool === undefined)
    throw new Unscanned('engine-down', '7-Zip needs bubblewrap; assay doctor says how to mend')
  const format = kind.formats[0] ?? ''
  const toolRun: ToolRun = { options, runTool: run.runTool, content: node.content, signal: run.signal, format }
  let sink: MemberSink | undefined
  const { code, stderr } = await unpackOne(toolRun, undefined, {
    password: '',
    onStdout(chunk) {
      sink ??= run.member({ name: innerName(node.fileName) })
      return sink.write(chunk)
    },
    maxStdoutBytes: run.left.bytes + 1,
  })
  const damage = streamDamage(code, stderr)
  if (sink !== undefined) await sink.end(damage)
  else if (damage !== undefined) throw new Unscanned(damage.reason, damage.detail)
  else await run.member({ name: innerName(node.fileName) }).end()
}

function streamDamage(code: number | undefined, stderr: string): Damage | undefined {
  if (code === 0) return undefined
  if (code === undefined) return { reason: 'bomb', detail: 'it unpacks to more than what is left' }
  const complaint = /^(?:ERROR|ERRORS|WARNINGS|Open ERROR): ?\n?(.+)$/m.exec(stderr)?.[1]
  return damageOf(complaint ?? `ended with ${code}`)
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
