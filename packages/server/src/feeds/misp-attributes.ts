import type { ObjectType } from '../domain/suspicious-object.ts'
import type { Collector } from './collector.ts'
import { refang } from './defang.ts'
import { isRecord, stringOf } from './source-client.ts'

/** Attribute types that a list can hold (MISP core format, 2.4.2.2): which part of `a|b` is which object. */
const ATTRIBUTES: Readonly<Record<string, readonly (ObjectType | undefined)[]>> = {
  sha1: ['sha1'],
  sha256: ['sha256'],
  'filename|sha1': [undefined, 'sha1'],
  'filename|sha256': [undefined, 'sha256'],
  'ip-src': ['ip'],
  'ip-dst': ['ip'],
  'ip-src|port': ['ip'],
  'ip-dst|port': ['ip'],
  domain: ['domain'],
  hostname: ['domain'],
  'hostname|port': ['domain'],
  'domain|ip': ['domain', 'ip'],
  url: ['url'],
}

export const MISP_TYPES: readonly string[] = Object.keys(ATTRIBUTES)

const MD5 = /^(?:md5|filename\|md5|malware-sample)$/

export interface MispPlace {
  /** What the rows go with. */
  readonly ref: string
  readonly note: string
  readonly where: string
}

/** Takes one attribute; what is not meant for detection (`to_ids`) or deleted is left out. */
export function takeMispAttribute(attribute: unknown, { ref, note, where }: MispPlace, collector: Collector): void {
  if (!isRecord(attribute)) return void collector.bad(where, 'is no attribute')
  const { type, value, to_ids: toIds, deleted } = attribute
  if (isTrue(deleted)) return void collector.ignore('deleted')
  if (!isTrue(toIds)) return void collector.ignore('not for detection (to_ids)')
  const name = stringOf(type)
  const types = Object.hasOwn(ATTRIBUTES, name) ? ATTRIBUTES[name] : undefined
  if (types === undefined) return void collector.ignore(MD5.test(name) ? 'md5' : 'attribute of another type')
  if (typeof value !== 'string') return void collector.bad(where, 'has no value')
  const parts = types.length > 1 || name.includes('|') ? value.split('|', 3) : [value]
  const sinceMs = secondsOf(attribute.timestamp) * 1000 || undefined
  for (const [index, part] of types.entries())
    if (part !== undefined) collector.take({ type: part, value: refang(parts[index] ?? ''), ref, note, sinceMs }, where)
}

/** MISP writes booleans as such, and as "1" and "0" in older versions. */
export function isTrue(value: unknown): boolean {
  return value === true || value === 1 || value === '1'
}

/** Unix seconds, as number or text; 0 for anything else. */
export function secondsOf(value: unknown): number {
  const text = typeof value === 'number' ? String(value) : stringOf(value)
  return /^\d{1,11}$/.test(text) ? Number(text) : 0
}
