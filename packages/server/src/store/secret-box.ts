import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { messageOf, StoreError } from './errors.ts'

/** Seals small secrets (passphrases, private keys, tokens) so that the database and its backups hold none in the clear. */
export interface SecretBox {
  /** `purpose` (the setting's key) is bound to it: a sealed string opens only under the same one. */
  seal(secret: string, purpose: string): string
  /** Throws StoreError SECRET_DAMAGED when it was not sealed with this key and purpose. */
  open(sealed: string, purpose: string): string
}

const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16
const PREFIX = 'sealed:1:'

export function isSealed(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith(PREFIX)
}

/** Opens the box of this data folder; its key, `secret.key` (0600), is made at the first call. Throws StoreError SECRET_KEY. */
export function openSecretBox(dataDir: string): SecretBox {
  const key = readOrMakeKey(join(dataDir, 'secret.key'))
  return {
    seal(secret, purpose) {
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(purpose))
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      return PREFIX + Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url')
    },
    open: (sealed, purpose) => openSealed(key, sealed, purpose),
  }
}

function openSealed(key: Buffer, sealed: string, purpose: string): string {
  if (!isSealed(sealed)) throw new StoreError('SECRET_DAMAGED')
  const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64url')
  if (bytes.length < IV_BYTES + TAG_BYTES) throw new StoreError('SECRET_DAMAGED')
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(purpose))
      .setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
    return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8')
  } catch (error) {
    throw new StoreError('SECRET_DAMAGED', '', { cause: error })
  }
}

function readOrMakeKey(path: string): Buffer {
  try {
    return readKey(path) ?? makeKey(path)
  } catch (error) {
    if (error instanceof StoreError) throw error
    throw new StoreError('SECRET_KEY', messageOf(error), { cause: error })
  }
}

function readKey(path: string): Buffer | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  // Never replaced: a new key would make every sealed secret unreadable without a word.
  if (bytes.length !== KEY_BYTES) throw new StoreError('SECRET_KEY', `${path} is not ${KEY_BYTES} bytes long`)
  if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
  return bytes
}

/** Written beside and linked into place, so that two starters agree on one key and a crash leaves a whole one or none. */
function makeKey(path: string): Buffer {
  const beside = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  const fd = openSync(beside, 'wx', 0o600)
  try {
    writeSync(fd, randomBytes(KEY_BYTES))
    fsyncSync(fd)
    linkSync(beside, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error // the other one's key counts
  } finally {
    closeSync(fd)
    unlinkSync(beside)
  }
  const key = readKey(path)
  if (key === undefined) throw new StoreError('SECRET_KEY', `${path} disappeared`)
  return key
}
