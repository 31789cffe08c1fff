import type { OpenRun } from '../opener.ts'
import type { CompoundEntry, CompoundFile } from './compound-file.ts'
import { parseCryptoHeader } from './office-crypto.ts'
import { type EncryptedDocument, passwordsFor } from './office-crypto-package.ts'
import { openRc4, openRc4CryptoApi, type StreamCipher } from './office-crypto-rc4.ts'
import { openXor, turnRight } from './office-crypto-xor.ts'

const MAX_STREAM = 64 * 1024 * 1024
const SHEET_BLOCK = 1024
const WORD_BLOCK = 512
/** [MS-DOC] 2.2.6.2: the FIB's first 68 bytes stay as they are. */
const FIB_PLAIN = 68
const FIB_MAGIC = 0xa5ec

/**
 * Binary workbooks and documents encrypted by RC4, RC4 CryptoAPI or XOR: what could be opened, decrypted, by entry `id`.
 * Each is handed over as a member too. Presentations are called locked.
 */
export async function openLegacyEncrypted(document: EncryptedDocument): Promise<ReadonlyMap<number, Buffer>> {
  const plain = new Map<number, Buffer>()
  const { file } = document
  for (const entry of file.named('WORKBOOK', 'BOOK')) await openWorkbook(document, entry, plain)
  for (const entry of file.named('WORDDOCUMENT')) await openWord(document, entry, plain)
  // [MS-PPT] 2.3.2 CurrentUserAtom.headerToken: this one says that it is encrypted.
  if (file.named('CURRENT USER').some((user) => isEncryptedUser(file.read(user, 32)))) {
    document.locked.reason = 'encrypted presentations of this kind are not opened'
  }
  return plain
}

function isEncryptedUser(atom: Buffer): boolean {
  return atom.length >= 16 && atom.readUInt32LE(12) === 0xf3d1c4df
}

async function emitPlain(run: OpenRun, opened: { name: string; bytes: Buffer; password: string }): Promise<void> {
  await run.emit({ name: opened.name, password: opened.password }, opened.bytes)
}

async function openWorkbook(
  document: EncryptedDocument,
  entry: CompoundEntry,
  plain: Map<number, Buffer>,
): Promise<void> {
  const { file, run, locked } = document
  const stream = file.read(entry, MAX_STREAM)
  const pass = filePass(stream)
  if (pass === undefined) return
  for (const password of passwordsFor(document)) {
    const bytes = decryptWorkbook(stream, pass, password)
    if (bytes === undefined) continue
    run.passwords.succeeded(password)
    plain.set(entry.id, bytes)
    return emitPlain(run, { name: entry.path, bytes, password })
  }
  locked.reason = 'no password opens the workbook'
}

/** The record that says how ([MS-XLS] 2.4.117); it stands among the first few. */
function filePass(stream: Buffer): Buffer | undefined {
  let at = 0
  for (let count = 0; count < 8 && at + 4 <= stream.length; count++) {
    const size = stream.readUInt16LE(at + 2)
    if (stream.readUInt16LE(at) === 0x2f) return stream.subarray(at + 4, at + 4 + size)
    at += 4 + size
  }
  return undefined
}

function decryptWorkbook(stream: Buffer, pass: Buffer, password: string): Buffer | undefined {
  if (pass.length < 6) return undefined
  if (pass.readUInt16LE(0) === 0) {
    const array = openXor(password, { key: pass.readUInt16LE(2), verifier: pass.readUInt16LE(4) })
    return array && decryptRecords(stream, (record) => xorRecord(record, array))
  }
  const cipher = openCipher(pass.subarray(2), password)
  if (cipher === undefined) return undefined
  const whole = cipher(stream, SHEET_BLOCK)
  return decryptRecords(stream, ({ from, to }) => whole.subarray(from, to))
}

/** EncryptionVersionInfo, then RC4's header (1.1) or CryptoAPI's (2.2, 3.2, 4.2). */
function openCipher(info: Buffer, password: string): StreamCipher | undefined {
  if (info.length < 4) return undefined
  if (info.readUInt16LE(2) === 1) return openRc4(info.subarray(4), password)
  const header = parseCryptoHeader(info.subarray(4))
  return header && openRc4CryptoApi(header, password)
}

interface BiffRecord {
  readonly stream: Buffer
  readonly from: number
  readonly to: number
}

/** [MS-XLS] 2.2.10: BOF, FilePass, UsrExcl, FileLock, InterfaceHdr, RRDInfo, RRDHead are never encrypted; record headers neither. */
const PLAIN_RECORDS: readonly number[] = [0x809, 0x2f, 0x194, 0x195, 0xe1, 0x196, 0x138]
const BOUND_SHEET = 0x85

function decryptRecords(stream: Buffer, decrypt: (record: BiffRecord) => Buffer): Buffer {
  const out = Buffer.from(stream)
  for (let at = 0; at + 4 <= stream.length; ) {
    const id = stream.readUInt16LE(at)
    const from = at + 4
    const to = Math.min(stream.length, from + stream.readUInt16LE(at + 2))
    if (!PLAIN_RECORDS.includes(id)) decrypt({ stream, from, to }).copy(out, from)
    // BoundSheet8.lbPlyPos stays as it is.
    if (id === BOUND_SHEET) stream.copy(out, from, from, Math.min(to, from + 4))
    at = from + stream.readUInt16LE(at + 2)
  }
  // Nobody shall take it for encrypted again: the record becomes one without meaning.
  const pass = PLAIN_RECORDS[1] ?? 0
  for (let at = 0, count = 0; at + 4 <= out.length && count < 8; count++) {
    if (out.readUInt16LE(at) === pass) out.writeUInt16LE(0x5c5c, at)
    at += 4 + out.readUInt16LE(at + 2)
  }
  return out
}

/** [MS-OFFCRYPTO] 2.3.7.3: where in the array a record begins follows from its place and its size. */
function xorRecord({ stream, from, to }: BiffRecord, array: Buffer): Buffer {
  const out = Buffer.alloc(to - from)
  for (let at = from, index = to % 16; at < to; at++, index = (index + 1) % 16) {
    out[at - from] = turnRight((stream[at] ?? 0) ^ (array[index] ?? 0), 5)
  }
  return out
}

/** [MS-DOC] 2.2.6: FibBase says that it is encrypted and how; the header stands first in the table stream. */
async function openWord(document: EncryptedDocument, entry: CompoundEntry, plain: Map<number, Buffer>): Promise<void> {
  const { file, run, locked } = document
  const stream = file.read(entry, MAX_STREAM)
  if (stream.length < FIB_PLAIN || stream.readUInt16LE(0) !== FIB_MAGIC || (stream.readUInt16LE(0x0a) & 0x100) === 0)
    return
  const table = file.sibling(entry, (stream.readUInt16LE(0x0a) & 0x200) !== 0 ? '1Table' : '0Table')
  const obfuscated = (stream.readUInt16LE(0x0a) & 0x8000) !== 0
  const headerBytes = Math.min(stream.readUInt32LE(0x0e), 4096)
  const header = table && file.read(table, headerBytes)
  for (const password of obfuscated || header === undefined ? [] : passwordsFor(document)) {
    const cipher = openCipher(header as Buffer, password)
    if (cipher === undefined) continue
    run.passwords.succeeded(password)
    await emitWord({ file, run, word: entry, cipher, password, headerBytes, plain })
    return
  }
  locked.reason = obfuscated ? 'XOR obfuscation of documents is not opened' : 'no password opens the document'
}

interface OpenedWord {
  readonly file: CompoundFile
  readonly run: OpenRun
  readonly word: CompoundEntry
  readonly cipher: StreamCipher
  readonly password: string
  readonly headerBytes: number
  readonly plain: Map<number, Buffer>
}

async function emitWord({ file, run, word, cipher, password, headerBytes, plain }: OpenedWord): Promise<void> {
  for (const name of ['WordDocument', '0Table', '1Table', 'Data']) {
    const entry = name === 'WordDocument' ? word : file.sibling(word, name)
    if (entry === undefined || entry.size === 0) continue
    const raw = file.read(entry, MAX_STREAM)
    const bytes = cipher(raw, WORD_BLOCK)
    raw.copy(bytes, 0, 0, name === 'WordDocument' ? FIB_PLAIN : name === 'Data' ? 0 : headerBytes)
    plain.set(entry.id, bytes)
    await emitPlain(run, { name: entry.path, bytes, password })
  }
}
