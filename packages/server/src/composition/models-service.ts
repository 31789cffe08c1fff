import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MODEL_NAMES, type ModelView } from '../api/contract.ts'
import type { ApiDeps, Outcome } from '../api/deps.ts'
import type { Snapshot } from '../supervisor/messages.ts'

/** What a checked model is. */
export interface CheckedModel {
  readonly sha256: string
  readonly trees: number
}

export interface PinnedModel {
  readonly name: ModelView['name']
  readonly url: string
  readonly sha256: string
}

export interface ModelsServiceOptions {
  /** Only the administrator's: what a worker reads is copied to the snapshots. */
  readonly folder: string
  readonly snapshots: string
  /** Throws one sentence where it is no model, or not the one with this hash. */
  check(bytes: Buffer, sha256: string | undefined): CheckedModel
  /** The publisher's own. */
  readonly pinned: readonly PinnedModel[]
  /** Rejects with one sentence; never more than `maxBytes`. */
  download(url: string, maxBytes: number): Promise<Buffer>
  /** Makes every worker use them; gives the faults they met. Undefined: there is none any more. */
  publish(models: Snapshot | undefined): Promise<readonly string[]>
  /** A setting needs a model. */
  isInUse(): boolean
}

export interface ModelsService {
  readonly deps: ApiDeps['models']
  /** At the start: what the workers are to load, without publishing it. Undefined where none is installed. */
  build(): Promise<Snapshot | undefined>
  hasModel(): boolean
}

const MAX_MODEL_BYTES = 64 * 1024 * 1024

export function createModelsService(options: ModelsServiceOptions): ModelsService {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 })
  let installed = readManifest(options.folder)
  let last: Promise<unknown> = Promise.resolve()

  /** One change at a time. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work, work)
    last = done.catch(() => {})
    return done
  }

  async function build(models: readonly ModelView[]): Promise<Snapshot | undefined> {
    if (models.length === 0) return undefined
    const bytes = packModels(
      models.map(({ name, sha256 }) => ({ name, bytes: readFileSync(fileOf(options.folder, sha256)) })),
    )
    const revision = revisionOf(bytes)
    const name = `models-${revision}.bin`
    await writeWhole(join(options.snapshots, name), bytes, 0o644)
    return { revision, path: join('snapshots', name) }
  }

  /** Used by every worker first, then kept: what a worker refuses changes nothing. */
  async function change(next: readonly ModelView[]): Promise<readonly string[]> {
    const before = installed
    const snapshot = await build(next)
    const faults = await options.publish(snapshot)
    if (faults.length > 0) {
      await options.publish(await build(before))
      return [...new Set(faults)]
    }
    await removeSnapshots(options.snapshots, snapshot)
    await writeWhole(join(options.folder, MANIFEST), Buffer.from(JSON.stringify(next, undefined, 2)), 0o600)
    installed = next
    const kept = new Set(next.map(({ sha256 }) => sha256))
    for (const { sha256 } of before) if (!kept.has(sha256)) await rm(fileOf(options.folder, sha256), { force: true })
    return []
  }

  async function install(arrived: readonly Arrived[]): Promise<Outcome<{ models: readonly ModelView[] }>> {
    const added: ModelView[] = []
    try {
      for (const { name, bytes, source, sha256 } of arrived) {
        const checked = options.check(bytes, sha256)
        await writeWhole(fileOf(options.folder, checked.sha256), bytes, 0o600)
        added.push({ name, ...checked, bytes: bytes.length, source, addedMs: Date.now() })
      }
    } catch (error) {
      return { ok: false, faults: [(error as Error).message] }
    }
    const names = new Set(added.map(({ name }) => name))
    const faults = await change([...installed.filter(({ name }) => !names.has(name)), ...added])
    return faults.length > 0 ? { ok: false, faults } : { ok: true, models: installed }
  }

  async function remove(name: ModelView['name']): Promise<Outcome<{ removed: boolean }>> {
    const next = installed.filter((model) => model.name !== name)
    if (next.length === installed.length) return { ok: true, removed: false }
    if (next.length === 0 && options.isInUse())
      return { ok: false, faults: ['the last model cannot be removed while scan.predictive is on'] }
    const faults = await change(next)
    return faults.length > 0 ? { ok: false, faults } : { ok: true, removed: true }
  }

  return {
    deps: {
      async add({ name, source, sha256 }, text) {
        const bytes = await collect(text)
        if (bytes === undefined) return tooLarge()
        return inTurn(() => install([{ name, bytes, source, sha256 }]))
      },
      async download(query) {
        const wanted = wantedOf(query, options.pinned)
        if (typeof wanted === 'string') return { ok: false, faults: [wanted] }
        try {
          const arrived: Arrived[] = []
          for (const { name, url, sha256 } of wanted)
            arrived.push({ name, source: url, sha256, bytes: await options.download(url, MAX_MODEL_BYTES) })
          return await inTurn(() => install(arrived))
        } catch (error) {
          return { ok: false, faults: [(error as Error).message] }
        }
      },
      list: async () => installed,
      remove: ({ name }) => inTurn(() => remove(name)),
    },
    build: () => build(installed),
    hasModel: () => installed.length > 0,
  }
}

interface Arrived {
  readonly name: ModelView['name']
  readonly bytes: Buffer
  readonly source: string
  readonly sha256: string | undefined
}

type Wanted = Omit<PinnedModel, 'sha256'> & { readonly sha256: string | undefined }

function wantedOf(
  { from, name, sha256 }: Parameters<ApiDeps['models']['download']>[0],
  pinned: readonly PinnedModel[],
): readonly Wanted[] | string {
  if (from === 'ember2024') return name === undefined ? pinned : pinned.filter((one) => one.name === name)
  if (!URL.canParse(from)) return 'is neither ember2024 nor a URL'
  const known = pinned.find(({ url }) => url === from)
  const what = name ?? known?.name
  if (what === undefined) return `does not say which model it is: give a name (${MODEL_NAMES.join(', ')})`
  const pin = sha256 ?? known?.sha256
  return pin === undefined
    ? 'a model from a URL needs its SHA-256: whoever answers there decides what is called harmless'
    : [{ name: what, url: from, sha256: pin }]
}

async function collect(text: AsyncIterable<Buffer>): Promise<Buffer | undefined> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of text) {
    bytes += piece.length
    if (bytes > MAX_MODEL_BYTES) return undefined
    pieces.push(Buffer.from(piece))
  }
  return Buffer.concat(pieces)
}

function tooLarge(): Outcome<never> {
  return { ok: false, faults: [`the model is larger than ${MAX_MODEL_BYTES} bytes`] }
}

const MANIFEST = 'models.json'

/** A model whose file is gone is not installed. */
function readManifest(folder: string): readonly ModelView[] {
  try {
    const models = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as readonly ModelView[]
    return models.filter(({ sha256 }) => existsSync(fileOf(folder, sha256)))
  } catch {
    return [] // nothing was installed yet
  }
}

/** The installed models of a folder, for those who read them themselves. */
export function modelFilesIn(folder: string): readonly { readonly name: ModelView['name']; readonly path: string }[] {
  return readManifest(folder).map(({ name, sha256 }) => ({ name, path: fileOf(folder, sha256) }))
}

function fileOf(folder: string, sha256: string): string {
  return join(folder, `${sha256}.model`)
}

async function writeWhole(path: string, bytes: Buffer, mode: number): Promise<void> {
  await writeFile(`${path}.new`, bytes, { mode })
  await rename(`${path}.new`, path)
}

const MAGIC = 'AYM1'

/** Each is as large as all models: those that nobody reads any more go. */
async function removeSnapshots(folder: string, used: Snapshot | undefined): Promise<void> {
  for (const name of await readdir(folder))
    if (/^models-.*\.bin(\.new)?$/.test(name) && join('snapshots', name) !== used?.path)
      await rm(join(folder, name), { force: true })
}

/** The installed models of a folder as the engines take them; undefined where there is none. */
export function installedModels(folder: string): { readonly revision: string; readonly pack: Buffer } | undefined {
  const models = modelFilesIn(folder)
  if (models.length === 0) return undefined
  const pack = packModels(models.map(({ name, path }) => ({ name, bytes: readFileSync(path) })))
  return { revision: revisionOf(pack), pack }
}

function revisionOf(pack: Buffer): string {
  return createHash('sha256').update(pack).digest('hex').slice(0, 16)
}

/** `AYM1`, a JSON head's length and the head (name and length of each), then the models' texts. */
export function packModels(models: readonly { readonly name: string; readonly bytes: Buffer }[]): Buffer {
  const head = Buffer.from(JSON.stringify(models.map(({ name, bytes }) => ({ name, length: bytes.length }))))
  const length = Buffer.alloc(4)
  length.writeUInt32LE(head.length)
  return Buffer.concat([Buffer.from(MAGIC), length, head, ...models.map(({ bytes }) => bytes)])
}

/** Throws where it is not what `packModels` made. */
export function unpackModels(pack: Buffer): { readonly name: string; readonly bytes: Buffer }[] {
  if (pack.length < 8 || pack.toString('latin1', 0, 4) !== MAGIC) throw new Error('not a pack of models')
  const headBytes = pack.readUInt32LE(4)
  const head = JSON.parse(pack.toString('utf8', 8, 8 + headBytes)) as readonly { name: string; length: number }[]
  let at = 8 + headBytes
  return head.map(({ name, length }) => {
    const bytes = pack.subarray(at, at + length)
    at += length
    if (bytes.length !== length) throw new Error('the pack of models is cut short')
    return { name, bytes }
  })
}
