import { cut, hex } from './rule-case.ts'

/** Heads of formats with texts behind them: enough for a rule's test of the magic number, nothing that runs. */

export const PDF = '%PDF-1.4\n'
export const OLE = hex('D0CF11E0A1B11AE1')
export const ONENOTE = hex('E4525C7B8CD8A74D')
/** GUID in front of a file inside OneNote ([MS-ONESTORE] 2.6.13 FileDataStoreObject). */
export const ONENOTE_BLOB = hex('E716E3BD65261145A4C48D4D0B7A9EAC')

export function pe(...texts: readonly string[]): string {
  return `MZ${'\0'.repeat(62)}${texts.join('\0\0')}\0`
}

/** With names in the section table, which stands in the first 2 KiB. */
export function peWithSections(names: readonly string[], tail = ''): string {
  return `MZ${'\0'.repeat(254)}PE\0\0${names.map((name) => cut(name).padEnd(40, '\0')).join('')}${'\0'.repeat(1024)}${tail}`
}

export function elf(...texts: readonly string[]): string {
  return `\x7fELF\x02\x01\x01${'\0'.repeat(9)}${texts.join('\0')}\0`
}

export function dex(...texts: readonly string[]): string {
  return `dex\n035\0${texts.join('\0')}\0`
}

/** ISO 9660: the volume descriptor at 0x8000, names of files behind it. */
export function iso(...names: readonly string[]): string {
  return `${'\0'.repeat(0x8000)}\x01CD001\x01${'\0'.repeat(200)}${names.join('\0')}\0`
}

export interface LinkParts {
  readonly path?: string
  readonly args?: string
  readonly icon?: string
  readonly tail?: string
}

/** A shell link of header, string data and a tail ([MS-SHLLINK] 2.1, 2.4). */
export function link({ path, args, icon, tail = '' }: LinkParts): string {
  const header = Buffer.alloc(76)
  header.writeUInt32LE(76, 0)
  header.write('0114020000000000c000000000000046', 4, 'hex')
  const flags =
    (path === undefined ? 0 : 0x08) | (args === undefined ? 0 : 0x20) | (icon === undefined ? 0 : 0x40) | 0x80
  header.writeUInt32LE(flags, 20)
  const strings = [path, args, icon].filter((text) => text !== undefined).map(countedText)
  return Buffer.concat([header, ...strings, Buffer.alloc(4), Buffer.from(cut(tail), 'latin1')]).toString('latin1')
}

function countedText(text: string): Buffer {
  const count = Buffer.alloc(2)
  count.writeUInt16LE(cut(text).length)
  return Buffer.concat([count, Buffer.from(cut(text), 'utf16le')])
}
