import { type AskOnce, askOnce } from './ask-once.ts'
import type { ClamdAddress } from './clamd-address.ts'
import { readAnswer } from './clamd-answer.ts'
import { NotClamd } from './clamd-errors.ts'
import { nestedZip } from './nested-zip.ts'

const NEEDED = ['INSTREAM', 'IDSESSION'] as const
const MAX_VERSION_CHARS = 200

/** What one clamd says of itself. */
export interface ClamdFacts {
  /** `ClamAV 1.4.6/27400/Tue ...`; without number and date where no daily.* is among its signatures. */
  readonly version: string
  /**
   * Whether it tells where it stopped looking (AlertExceedsMax). Where not, it says OK to what is over MaxFileSize, MaxScanSize,
   * MaxFiles or MaxRecursion: clamd.conf(5).
   */
  readonly tellsLimits: boolean
}

/** Rejects like `askOnce`; NotClamd too where it is a clamd that cannot serve. */
export async function askFacts(address: ClamdAddress, timeoutMs: number): Promise<ClamdFacts> {
  const version = await askVersion(address, timeoutMs)
  return { version, tellsLimits: await asksLimits(address, timeoutMs) }
}

/** The version alone, for looking again. */
export async function askVersion(address: ClamdAddress, timeoutMs: number): Promise<string> {
  const answer = await askOnce(address, { bytes: Buffer.from('zVERSIONCOMMANDS\0'), timeoutMs })
  const [version = '', commands] = answer.split('| COMMANDS:')
  if (!/^ClamAV [\x20-\x7e]*$/.test(version)) throw new NotClamd('VERSIONCOMMANDS got an answer that is no clamd')
  const has = commands?.trim().split(' ') ?? []
  const lacking = NEEDED.filter((command) => !has.includes(command))
  if (lacking.length > 0) throw new NotClamd(`a clamd without ${lacking.join(' and ')}`)
  return version.slice(0, MAX_VERSION_CHARS)
}

/** A zip deeper than the highest MaxRecursion (100): either an alert names the limit, or nobody would ever hear of one. */
async function asksLimits(address: ClamdAddress, timeoutMs: number): Promise<boolean> {
  const zip = nestedZip()
  const answer = readAnswer(await askOnce(address, { bytes: stream(zip.length, zip), timeoutMs }))
  return answer.kind === 'unscanned' && answer.reason === 'too-deep'
}

/**
 * Whether StreamMaxLength is below this. clamd answers to the length alone (handle_stream in clamd/server-th.c); to one that it would
 * take it says nothing and waits for the bytes, hence the time.
 */
export async function refusesLength(
  address: ClamdAddress,
  ask: Omit<AskOnce, 'bytes'> & { bytes: number },
): Promise<boolean> {
  if (ask.bytes > 0xffff_ffff) return true
  const bytes = Buffer.concat([Buffer.from('zINSTREAM\0'), lengthOf(ask.bytes)])
  try {
    const answer = readAnswer(await askOnce(address, { bytes, timeoutMs: ask.timeoutMs }))
    return answer.kind === 'unscanned' && answer.reason === 'too-large'
  } catch {
    return false
  }
}

function stream(length: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from('zINSTREAM\0'), lengthOf(length), bytes, lengthOf(0)])
}

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes)
  return length
}
