import { Unscanned } from '../../domain/verdict.ts'
import type { OpenerNode, OpenRun } from '../opener.ts'
import type { CompoundFile } from './compound-file.ts'
import { type PackageCipher, parseEncryptionInfo, SEGMENT_BYTES } from './office-crypto.ts'

/** Excel encrypts with this where only a sheet is protected, and opens such files without asking ([MS-OFFCRYPTO] 2.3 has it nowhere; [MS-XLS] 2.2.10). */
export const DEFAULT_PASSWORD = 'VelvetSweatshop'

export interface EncryptedDocument {
  readonly file: CompoundFile
  readonly node: OpenerNode
  readonly run: OpenRun
  readonly locked: LockedParts
}

/** What no password opened; said at the end, so that the rest is looked at first. */
export class LockedParts {
  reason: string | undefined
  /** Streams, by `id`, that were handed over decrypted in another shape. */
  readonly opened = new Set<number>()
}

/** The default, then what the walk knows. */
export function passwordsFor({ node, run }: EncryptedDocument): readonly string[] {
  return [...new Set([DEFAULT_PASSWORD, ...run.passwords.candidates(node)])]
}

const MAX_INFO = 64 * 1024

/** An OOXML package inside a compound file ([MS-OFFCRYPTO] 2.3.4): handed over decrypted, as one member. */
export async function openEncryptedPackage(document: EncryptedDocument): Promise<void> {
  const { file, run, locked } = document
  const info = file.find('EncryptionInfo')
  const entry = file.find('EncryptedPackage')
  if (info === undefined || entry === undefined) return lookForRights(document)
  const cipher = parseEncryptionInfo(file.read(info, MAX_INFO))
  if (cipher === undefined) {
    locked.reason = 'the document is encrypted in a way that is not read'
    return
  }
  for (const password of passwordsFor(document)) {
    const key = await cipher.unlock(password, run.signal)
    if (key === undefined) continue
    run.passwords.succeeded(password)
    locked.opened.add(entry.id)
    await emitPackage(document, { cipher, key, password })
    return
  }
  locked.reason = 'no password opens the document'
}

/** Information Rights Management ([MS-OFFCRYPTO] 2.2): only a server has the key. */
function lookForRights({ file, locked }: EncryptedDocument): void {
  const spaces = file.entries.some((entry) => entry.name === '\u0009DRMContent' || entry.name === '\u0006DataSpaces')
  if (spaces && file.entries.some((entry) => entry.name === '\u0009DRMContent' || entry.name === 'EncryptedPackage')) {
    locked.reason = 'the document is protected by a rights server'
  }
}

interface OpenedPackage {
  readonly cipher: PackageCipher
  readonly key: Buffer
  readonly password: string
}

/** 2.3.4.4: eight bytes of size, then the encrypted bytes. */
async function emitPackage(
  { file, node, run }: EncryptedDocument,
  { cipher, key, password }: OpenedPackage,
): Promise<void> {
  const entry = file.find('EncryptedPackage')
  if (entry === undefined) return
  const sink = run.member({ name: node.fileName === '' ? 'decrypted package' : `decrypted ${node.fileName}`, password })
  let size = -1
  let done = 0
  let index = 0
  for (const segment of segmentsOf(file.pieces(entry))) {
    if (run.signal.aborted) throw new Unscanned('timeout', 'stopped while decrypting')
    if (size < 0) {
      size = Number(segment.readBigUInt64LE(0))
      continue
    }
    const plain = cipher.decrypt(key, segment, index++).subarray(0, Math.max(0, size - done))
    done += plain.length
    if (plain.length > 0) await sink.write(plain)
  }
  await sink.end(
    done < size ? { reason: 'malformed', detail: `${done} of ${size} encrypted bytes are there` } : undefined,
  )
}

/** The size first (nothing where it is not whole), then pieces of `SEGMENT_BYTES`. */
function* segmentsOf(pieces: Iterable<Buffer>): Generator<Buffer, void, undefined> {
  let rest: Buffer = Buffer.alloc(0)
  let wanted = 8
  for (const piece of pieces) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    let at = 0
    while (rest.length - at >= wanted) {
      yield rest.subarray(at, at + wanted)
      at += wanted
      wanted = SEGMENT_BYTES
    }
    rest = rest.subarray(at)
  }
  if (wanted !== 8 && rest.length > 0) yield rest
}
