import type { Finding } from '../opener.ts'
import { guidAt, utf16Text } from './compound-file.ts'
import { printable } from './vba-rules.ts'

/** A file packed into a document by OLE's Packager. */
export interface PackagedFile {
  /** The last segment of what it was called; '' when nothing of it could be read. */
  readonly name: string
  /** Where it was taken from, and where it is laid before it is opened. */
  readonly paths: readonly string[]
  readonly bytes: Buffer
  /** Its size said more than there is. */
  readonly cut: boolean
}

/** What Windows runs on a double click, or hands to a program that runs what is in it. */
const PROGRAMS =
  /\.(?:exe|scr|com|pif|cpl|dll|ocx|sys|msi|msp|mst|bat|cmd|ps1|psm1|psd1|vbs|vbe|vb|js|jse|mjs|wsf|wsh|wsc|sct|hta|lnk|url|jar|reg|inf|chm|hlp|msc|application|appref-ms|gadget|settingcontent-ms|library-ms|search-ms|scf|iqy|slk|xll|ppam|xlam|wll|theme|themepack|diagcab|py|pyw|iso|img|vhd|vhdx|msix|appx)$/i

/** How programs and scripts begin, whatever they are called. */
function looksRun(bytes: Buffer): string | undefined {
  const head = bytes.subarray(0, 512)
  if (head.toString('latin1', 0, 2) === 'MZ') return 'program'
  if (head.length >= 4 && head.readUInt32BE(0) === 0x7f454c46) return 'program'
  if (head.length >= 20 && head.readUInt32LE(0) === 0x4c && guidAt(head, 4).startsWith('{00021401')) return 'shortcut'
  const text = head.toString('latin1').replaceAll('\0', '').trimStart().toLowerCase()
  if (/^(?:@?echo\s{1,4}off|rem\s|#!)/.test(text)) return 'script'
  if (/<(?:hta:application|script|job\b|scriptlet|package)/.test(text)) return 'script'
  if (/\bcreateobject\(|activexobject|wscript\.|powershell|-encodedcommand|invoke-expression/.test(text))
    return 'script'
  return undefined
}

/** What to say of a file that a document carries and shows as an icon. Undefined = nothing to be told beyond that it is there. */
export function attachedFileFinding(name: string, bytes: Buffer, what: string): Finding | undefined {
  const kind = looksRun(bytes)
  const byName = PROGRAMS.test(name.trimEnd())
  if (kind === undefined && !byName) return undefined
  const detail = printable(
    `${what} carries ${name === '' ? 'a file without name' : name} (${kind ?? 'runs when opened'})`,
  )
  return { name: 'Document.EmbeddedProgram', risk: 'high', attack: 'T1204.002', detail }
}

const MAX_TEXT = 1024

/**
 * The stream `\1Ole10Native`, behind its size field ([MS-OLEDS] 2.3.6 says only "native data"; the Packager's own layout: 2, label,
 * path, 4 bytes, length and temporary path, length and content). Undefined where the content is not the Packager's.
 */
export function readPackage(native: Buffer): PackagedFile | undefined {
  const label = zeroEnded(native, 2)
  const path = label && zeroEnded(native, label.end)
  if (path === undefined || path.end + 8 > native.length) return undefined
  const tempBytes = native.readUInt32LE(path.end + 4)
  const dataAt = path.end + 8 + tempBytes
  if (tempBytes > MAX_TEXT || dataAt + 4 > native.length) return undefined
  const temp = native.toString('latin1', path.end + 8, dataAt).replace(/\0+$/, '')
  const size = native.readUInt32LE(dataAt)
  const bytes = native.subarray(dataAt + 4, dataAt + 4 + size)
  const paths = [label?.text ?? '', path.text, temp].filter((text) => text !== '')
  const names = paths.map((text) => text.split(/[\\/]/).at(-1) ?? '')
  // Any of the three may carry the real extension: the temporary path is what is opened.
  return {
    name: names.findLast((name) => PROGRAMS.test(name)) ?? names[0] ?? '',
    paths,
    bytes,
    cut: bytes.length < size,
  }
}

function zeroEnded(bytes: Buffer, from: number): { text: string; end: number } | undefined {
  const end = bytes.indexOf(0, from)
  if (end < 0 || end - from > MAX_TEXT) return undefined
  return { text: bytes.toString('latin1', from, end), end: end + 1 }
}

const URL_MONIKER = Buffer.from('e0c9ea79f9bace118c8200aa004ba90b', 'hex')
const FILE_MONIKER = Buffer.from('0303000000000000c000000000000046', 'hex')
const MAX_MONIKERS = 32
const MAX_TARGET = 4096

/** Where a linked object comes from ([MS-OSHARED] 2.3.7.6 URLMoniker, 2.3.7.8 FileMoniker). */
export function findMonikers(bytes: Buffer): string[] {
  const targets: string[] = []
  for (
    let at = bytes.indexOf(URL_MONIKER);
    at >= 0 && targets.length < MAX_MONIKERS;
    at = bytes.indexOf(URL_MONIKER, at + 1)
  ) {
    if (at + 20 > bytes.length) break
    const size = Math.min(bytes.readUInt32LE(at + 16), MAX_TARGET)
    targets.push(utf16Text(bytes, at + 20, at + 20 + size).split('\0')[0] ?? '')
  }
  for (
    let at = bytes.indexOf(FILE_MONIKER);
    at >= 0 && targets.length < MAX_MONIKERS;
    at = bytes.indexOf(FILE_MONIKER, at + 1)
  ) {
    if (at + 22 > bytes.length) break
    const size = Math.min(bytes.readUInt32LE(at + 18), MAX_TARGET)
    targets.push(bytes.toString('latin1', at + 22, at + 22 + size).split('\0')[0] ?? '')
  }
  return targets.filter((target) => target !== '')
}

/** Fetched from elsewhere when the document is opened: from the web, through a handler, or from a share. */
export function isRemote(target: string): boolean {
  if (isWeb(target)) return true
  const path = target.replace(/^file:/i, '')
  // `file:///C:/...` and `file:///home/...` lie on the machine itself.
  if (path !== target && /^\/{3}(?![\\/])/.test(path)) return false
  return /^[\\/]{2,5}(?![?.][\\/])[^\\/:]{1,255}[\\/@]/.test(path)
}

/** Anywhere in the world, or through a program that was never meant for it. A share is often a firm's own. */
export function isWeb(target: string): boolean {
  return (
    /^(?:https?|ftp|mhtml|script|search-ms|ms-[a-z]{1,30}|webdav|about|javascript|vbscript|x-usc|its|mk):/i.test(
      target,
    ) || /@(?:ssl|\d{1,5})\\|davwwwroot/i.test(target)
  )
}

/** Beyond this the name of a font overruns the equation editor's buffer (CVE-2017-11882, CVE-2018-0802). */
const FONT_NAME_BYTES = 40

/** A stream `Equation Native`: 28 bytes of OLE header, 5 of MTEF, then records; a font record's name must be short. */
export function equationOverruns(native: Buffer): boolean {
  for (let at = 28 + 5; at < Math.min(native.length, 28 + 5 + 24); at++) {
    if (((native[at] ?? 0) & 0x0f) !== 8) continue
    const end = native.indexOf(0, at + 3)
    const length = (end < 0 ? native.length : end) - (at + 3)
    if (length > FONT_NAME_BYTES) return true
  }
  return false
}

/** Class ids whose objects are used to break in, or to run what is loaded. */
export const CLASSES: Readonly<Record<string, { readonly what: string; readonly risk: Finding['risk'] }>> = {
  '{06290BD3-48AA-11D2-8432-006008C3FBFC}': { what: 'script moniker', risk: 'high' },
  '{ECABB0C7-7F19-11D2-978E-0000F8757E2A}': { what: 'composite script moniker', risk: 'high' },
  '{D27CDB6E-AE6D-11CF-96B8-444553540000}': { what: 'Flash object', risk: 'medium' },
  '{D27CDB70-AE6D-11CF-96B8-444553540000}': { what: 'Flash object', risk: 'medium' },
  '{8856F961-340A-11D0-A96B-00C04FD705A2}': { what: 'web browser control', risk: 'medium' },
  '{BDD1F04B-858B-11D1-B16A-00C0F0283628}': { what: 'list view control (CVE-2012-0158)', risk: 'medium' },
  '{996BF5E0-8044-4650-ADEB-0B013914E99C}': { what: 'list view control (CVE-2012-0158)', risk: 'medium' },
  '{C74190B6-8589-11D1-B16A-00C0F0283628}': { what: 'tree view control (CVE-2012-0158)', risk: 'medium' },
  '{1EFB6596-857C-11D1-B16A-00C0F0283628}': { what: 'tab strip control (CVE-2012-1856)', risk: 'medium' },
  '{DD9DA666-8594-11D1-B16A-00C0F0283628}': { what: 'image combo control (CVE-2014-1761)', risk: 'medium' },
  '{4315D437-5B8C-11D0-BD3B-00A0C911CE86}': { what: 'device moniker', risk: 'medium' },
  '{72C24DD5-D70A-438B-8A42-98424B88AFB8}': { what: 'WScript.Shell', risk: 'high' },
  '{13709620-C279-11CE-A49E-444553540000}': { what: 'Shell.Application', risk: 'high' },
}
export const EQUATION_CLASS = '{0002CE02-0000-0000-C000-000000000046}'
