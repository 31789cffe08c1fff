import { Unscanned } from '../../domain/verdict.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'
import { lookAtContent, type OdfSight } from './odf-content.ts'
import { decryptPart, encryptedParts, isReadable, type PartCipher } from './odf-crypto.ts'
import { inflateRaw, type PackageEntry, packageEntries, rawEntry, readEntry } from './odf-zip.ts'
import { decodeXml, rootOf, xmlTokens } from './ooxml-xml.ts'
import { printable, studyProject } from './vba-rules.ts'

const MAX_PART = 64 * 1024 * 1024
const MAX_LOOKED = 16 * 1024 * 1024
const MAX_MODULES = 1000
const HEAD = 4096

/**
 * OpenDocument files: macros with what runs them, links, DDE; encrypted ones are decrypted part by part. Their parts as such are the
 * zip opener's members: this one reads the package again because a manifest, a macro and its event lie in parts of their own.
 */
export function odfOpener(): Opener {
  return {
    name: 'odf',
    version: '1',
    wants(node) {
      if (node.type === 'odf') return 'looks'
      return isFlat(node) ? 'looks' : undefined
    },
    open: openOdf,
  }
}

/** A whole document as one XML file (.fodt): root `office:document`. */
function isFlat(node: OpenerNode): boolean {
  if (node.family !== 'text' && node.type !== 'xml') return false
  const head = node.view.head.subarray(0, HEAD)
  return head.includes('urn:oasis:names:tc:opendocument') && rootOf(head) === 'document'
}

async function openOdf(node: OpenerNode, run: OpenRun): Promise<void> {
  const sight: OdfSight = { autoRuns: [], basic: [], python: [] }
  if (node.type !== 'odf') {
    const xml = decodeXml(readWhole(node, run))
    lookAtContent(xml, sight, run)
    lookAtBasic(xml, '', sight)
    return report(sight, run)
  }
  const entries = packageEntries(node.view)
  const manifest = entries.find((entry) => entry.name === 'META-INF/manifest.xml')
  const text = manifest && readEntry(node.view, manifest, MAX_LOOKED)
  if (manifest !== undefined && text === undefined) {
    run.unscanned({ reason: 'malformed', detail: 'the manifest cannot be read: what is encrypted is not known' })
  }
  const parts = text === undefined ? [] : encryptedParts(decodeXml(text))
  const locked = new Set(parts.map((part) => part.name))
  for (const entry of entries) {
    if (locked.has(entry.name) || !isLookedAt(entry.name)) continue
    const bytes = entry.bytes > MAX_LOOKED ? undefined : readEntry(node.view, entry, MAX_LOOKED)
    run.spend(bytes?.length ?? 0)
    if (bytes !== undefined) lookAtPart(entry.name, bytes, sight, run)
    if (entry.bytes > MAX_LOOKED)
      run.unscanned({ reason: 'too-large', detail: 'part is too large to look at' }, entry.name)
  }
  const opened = parts.length === 0 || (await openEncrypted({ node, run, entries, parts, sight }))
  await report(sight, run)
  if (!opened) throw new Unscanned('encrypted', 'no password opens the document')
}

function readWhole(node: OpenerNode, run: OpenRun): Buffer {
  if (node.size > MAX_LOOKED) run.unscanned({ reason: 'too-large', detail: `only ${MAX_LOOKED} bytes are looked at` })
  const pieces: Buffer[] = []
  for (let at = 0; at < Math.min(node.size, MAX_LOOKED); at += 1024 * 1024) pieces.push(node.view.read(at, 1024 * 1024))
  return Buffer.concat(pieces)
}

function isLookedAt(name: string): boolean {
  return /(?:^|\/)(?:content|styles|settings|meta)\.xml$|^(?:Basic|Dialogs|Scripts)\//i.test(name)
}

function lookAtPart(name: string, bytes: Buffer, sight: OdfSight, run: OpenRun): void {
  if (/\.py$/i.test(name)) {
    const system =
      /\bos\.(?:system|popen|exec)|\bsubprocess\b|\burllib|\bsocket\b|\bctypes\b|\bpowershell\b|\bexec\s?\(/.test(
        bytes.toString('latin1'),
      )
    sight.python.push({ name, system })
  } else if (/^Basic\//i.test(name)) lookAtBasic(decodeXml(bytes), name, sight)
  else if (/\.xml$/i.test(name)) lookAtContent(decodeXml(bytes), sight, run)
}

/** `script:module`: its text is the source. */
function lookAtBasic(xml: string, part: string, sight: OdfSight): void {
  let name: string | undefined
  let source = ''
  for (const token of xmlTokens(xml)) {
    if (token.kind === 'open' && (token.name === 'module' || token.name === 'source-code')) {
      name = token.attributes.get('name') ?? part
      source = ''
    } else if (token.kind === 'text' && name !== undefined) source += token.text
    else if (
      token.kind === 'close' &&
      name !== undefined &&
      (token.name === 'module' || token.name === 'source-code')
    ) {
      if (sight.basic.length < MAX_MODULES && source.trim() !== '') sight.basic.push({ name, source })
      name = undefined
    }
  }
}

/** Basic is VBA's kin: the same rules, with the document's events as what runs by itself. */
async function report(sight: OdfSight, run: OpenRun): Promise<void> {
  const none = Buffer.alloc(0)
  const modules = sight.basic.map(({ name, source }) => ({ name, source, cache: none }))
  const study = studyProject({ path: '', modules, identifiers: none, faults: [] }, sight.autoRuns)
  for (const finding of study.findings) run.finding(finding)
  if (study.cut) run.unscanned({ reason: 'too-large', detail: 'a macro is too long to study whole' })
  for (const { name, system } of sight.python) {
    const risk = system ? (sight.autoRuns.length > 0 ? 'high' : 'medium') : 'low'
    run.finding({ name: 'Macro.Python', risk, attack: 'T1059.006', detail: printable(`Python macro ${name}`) })
  }
  for (const { name, source } of sight.basic) await run.emit({ name: `basic/${name}.bas` }, Buffer.from(source))
  if (study.revealed.length > 0) {
    await run.emit({ name: 'basic/(strings put together).txt' }, Buffer.from(study.revealed.join('\n')))
  }
}

interface EncryptedPackage {
  readonly node: OpenerNode
  readonly run: OpenRun
  readonly entries: readonly PackageEntry[]
  readonly parts: readonly PartCipher[]
  readonly sight: OdfSight
}

/** All parts share one password: it is tried on the smallest. False where none fits. */
async function openEncrypted(job: EncryptedPackage): Promise<boolean> {
  const { node, run, entries, parts, sight } = job
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  const there = parts.filter((part) => isReadable(part) && byName.has(part.name))
  const sizeOf = (part: PartCipher) => byName.get(part.name)?.packedBytes ?? 0
  there.sort((a, b) => sizeOf(a) - sizeOf(b))
  const password = await fittingPassword(job, there[0], byName)
  if (password === undefined) return false
  run.passwords.succeeded(password)
  for (const part of there) {
    if (run.signal.aborted) throw new Unscanned('timeout', 'stopped while decrypting')
    const bytes = await openPart(part, { node, run, entry: byName.get(part.name) as PackageEntry, password })
    if (bytes === undefined) {
      run.unscanned({ reason: 'encrypted', detail: 'the password does not open this part' }, part.name)
      continue
    }
    if (isLookedAt(part.name) && bytes.length <= MAX_LOOKED) lookAtPart(part.name, bytes, sight, run)
    await run.emit({ name: part.name, password }, bytes)
  }
  for (const part of parts) {
    if (!isReadable(part))
      run.unscanned({ reason: 'encrypted', detail: 'encrypted in a way that is not read' }, part.name)
  }
  return true
}

async function fittingPassword(
  { node, run }: EncryptedPackage,
  part: PartCipher | undefined,
  byName: ReadonlyMap<string, PackageEntry>,
): Promise<string | undefined> {
  const entry = part && byName.get(part.name)
  const data = entry && rawEntry(node.view, entry, MAX_PART)
  if (part === undefined || data === undefined) return undefined
  for (const password of run.passwords.candidates(node)) {
    if (run.signal.aborted) throw new Unscanned('timeout', 'stopped while trying passwords')
    const packed = await decryptPart(part, password, data)
    // Without a checksum only what inflates, or is a package itself, proves the password.
    if (packed !== undefined && unpack(packed, Math.max(1, run.left.bytes)) !== undefined) return password
  }
  return undefined
}

interface PartJob {
  readonly node: OpenerNode
  readonly run: OpenRun
  readonly entry: PackageEntry
  readonly password: string
}

async function openPart(part: PartCipher, { node, run, entry, password }: PartJob): Promise<Buffer | undefined> {
  const data = rawEntry(node.view, entry, MAX_PART)
  if (entry.packedBytes > MAX_PART)
    run.unscanned({ reason: 'too-large', detail: 'encrypted part is too large' }, part.name)
  const packed = data && (await decryptPart(part, password, data))
  return packed && unpack(packed, Math.min(MAX_PART, Math.max(1, run.left.bytes)))
}

/** Parts are deflated before they are encrypted; a package inside is not. */
function unpack(packed: Buffer, limit: number): Buffer | undefined {
  const isPackage = packed.length > 4 && packed.readUInt32LE(0) === 0x04034b50
  return inflateRaw(packed, limit) ?? (isPackage ? packed : undefined)
}
