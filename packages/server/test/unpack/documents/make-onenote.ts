import { Buffer } from 'node:buffer'
import { guidBytes } from './make-ole.ts'

export interface Attachment {
  /** Absent: a picture on the page. */
  readonly name?: string
  readonly bytes: Buffer
}

/** The parts of a OneNote section ([MS-ONESTORE]) that matter: header, property values with names, file data objects. */
export function makeOneNote(attachments: readonly Attachment[]): Buffer {
  const header = Buffer.alloc(1024)
  guidBytes('{7B5C52E4-D88C-4DA7-AEB1-5378D02996D3}').copy(header)
  const names = attachments.flatMap(({ name }) => (name === undefined ? [] : [embeddedFileName(name)]))
  return Buffer.concat([header, ...names, ...attachments.map(({ bytes }) => fileData(bytes)), Buffer.alloc(64)])
}

function embeddedFileName(name: string): Buffer {
  const text = Buffer.from(`${name}\0`, 'utf16le')
  const size = Buffer.alloc(4)
  size.writeUInt32LE(text.length)
  return Buffer.concat([Buffer.from('f31d001c', 'hex'), size, text, Buffer.alloc((4 - (text.length % 4)) % 4)])
}

function fileData(bytes: Buffer): Buffer {
  const head = Buffer.alloc(36)
  guidBytes('{BDE316E7-2665-4511-A4C4-8D4D0B7A9EAC}').copy(head)
  head.writeBigUInt64LE(BigInt(bytes.length), 16)
  const footer = guidBytes('{71FBA722-0F79-4A0B-BB13-899256426B24}')
  return Buffer.concat([head, bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8), footer])
}
