import type { Content } from '../../domain/sample.ts'
import { Unscanned } from '../../domain/verdict.ts'
import type { Damage, OpenRun } from '../opener.ts'
import { type SevenZipOptions, unpackOne } from './seven-zip-tool.ts'
import { complaintIn, damageOf } from './seven-zip-words.ts'

interface MemberJob {
  /** A ZIP of one member that is not encrypted. */
  readonly zip: Content
  readonly run: OpenRun
  write(chunk: Buffer): void | Promise<void>
}

/** Unpacks the one member of a ZIP, whatever its method; the damage where not all of it came. Fits zip-decode's OtherMethods. */
export function zipMemberBySevenZip(options: SevenZipOptions): (job: MemberJob) => Promise<Damage | undefined> {
  return async ({ zip, run, write }) => {
    const stream = { content: zip, format: 'zip', run, write }
    return await streamBySevenZip(stream, options)
  }
}

interface StreamJob {
  readonly content: Content
  /** 7-Zip's name of it. */
  readonly format: string
  readonly run: OpenRun
  write(chunk: Buffer): void | Promise<void>
}

/** The bytes of the one thing inside. Throws Unscanned (engine-down, timeout) and what `write` throws. */
export async function streamBySevenZip(
  { content, format, run, write }: StreamJob,
  options: SevenZipOptions,
): Promise<Damage | undefined> {
  const { signal, runTool } = run
  if (runTool === undefined) throw new Unscanned('engine-down', '7-Zip needs bubblewrap; assay doctor says how to mend')
  const { code, stderr } = await unpackOne({ options, runTool, content, signal, format }, undefined, {
    password: '',
    onStdout: write,
    // One more, so that the budget says what is wrong.
    maxStdoutBytes: run.left.bytes + 1,
  })
  if (code === 0) return undefined
  if (code === undefined) return { reason: 'bomb', detail: 'it unpacks to more than what is left' }
  return damageOf(complaintIn(stderr) ?? `ended with ${code}`)
}
