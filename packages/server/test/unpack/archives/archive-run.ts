import { spawnSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Unscanned } from '../../../src/domain/verdict.ts'
import type { Opener } from '../../../src/unpack/opener.ts'
import { type NodeFacts, nodeOf, type RecordingOptions, type RecordingRun, recordingRun } from '../recording-run.ts'

/** Opens it as the walker would: what is thrown as Unscanned is a fault of the node; anything else fails the test. */
export async function opened(
  opener: Opener,
  bytes: Buffer,
  options: RecordingOptions & NodeFacts,
): Promise<RecordingRun> {
  const run = recordingRun(options)
  try {
    await opener.open(nodeOf(bytes, options), run)
  } catch (error) {
    if (!(error instanceof Unscanned)) throw error
    run.unscanned({ reason: error.reason, detail: error.message })
  }
  return run
}

/** `name=text`, with the reason of its damage behind. */
export function membersOf({ members }: RecordingRun): string[] {
  return members.map(({ name, bytes, damage }) => {
    const shown = bytes.length > 60 ? `${bytes.length} bytes` : bytes.toString('latin1')
    return `${name}=${shown}${damage === undefined ? '' : ` (${damage.reason})`}`
  })
}

/** `reason` of the whole, `reason name` of a part. */
export function faultsOf({ faults }: RecordingRun): string[] {
  return faults.map(({ reason, name }) => (name === undefined ? reason : `${reason} ${name}`))
}

/** True where nothing was said that would keep it from being clean. */
export function isSilent({ members, faults }: RecordingRun): boolean {
  return faults.length === 0 && members.every(({ damage }) => damage === undefined)
}

/** Runs a real archiver in a folder with these files; gives the file that it makes. */
export function madeBy(
  program: string,
  args: readonly string[],
  { files, output }: { files: Readonly<Record<string, Buffer | string>>; output: string },
): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'assay-archives-'))
  try {
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeWithHoles(join(folder, name), Buffer.from(bytes as string))
    }
    const { status, stderr, error } = spawnSync(program, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr.toString()}`)
    return readFileSync(join(folder, output))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const HOLE = Buffer.alloc(4096)

/** Zeros are not written, so that archivers that look for holes find some. */
function writeWithHoles(path: string, bytes: Buffer): void {
  const fd = openSync(path, 'w')
  ftruncateSync(fd, bytes.length)
  for (let at = 0; at < bytes.length; at += HOLE.length) {
    const piece = bytes.subarray(at, at + HOLE.length)
    if (!piece.equals(HOLE.subarray(0, piece.length))) writeSync(fd, piece, 0, piece.length, at)
  }
  closeSync(fd)
}
