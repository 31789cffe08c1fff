import {
  isMap,
  isNode,
  isScalar,
  Lexer,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml'
import type { Fault } from './parse.ts'
import { isSettingKey, SETTING_KEYS, type SettingKey } from './settings.ts'
import { unknownKeyText } from './unknown-key.ts'

/** Three pages of 5 MB and what quoting adds: every export can be applied. */
export const MAX_FILE_BYTES = 24 * 1024 * 1024
/** 40,000 list entries; the parser needs about a second for so many, and much longer for ten times as many. */
const MAX_TOKENS = 200_000
const MAX_DEPTH = 32

/** What a settings file says, by key. `lines` counts from 1. */
export interface FileValues {
  readonly name: string
  readonly values: Readonly<Partial<Record<SettingKey, unknown>>>
  readonly lines: Readonly<Partial<Record<SettingKey, number>>>
  readonly faults: readonly Fault[]
}

export function placeOf(name: string, line: number | undefined): string {
  return line === undefined ? name : `${name} line ${line}`
}

/** The text of a settings file: YAML (so JSON too), keys nested or dotted. `name` is for the faults. */
export function parseSettingsText(text: string, name: string): FileValues {
  const tooMuch = hostileShape(text)
  if (tooMuch !== undefined) return { name, values: {}, lines: {}, faults: [{ key: '', text: tooMuch, where: name }] }
  const lineCounter = new LineCounter()
  try {
    // Keys are checked here: the parser's own check is quadratic (20,000 keys took it 5 s).
    const document = parseDocument(text, { lineCounter, uniqueKeys: false, prettyErrors: false })
    const reader = new DocumentReader(name, lineCounter)
    reader.refuseBroken([...document.errors, ...document.warnings])
    if (reader.faults.length === 0) reader.readDocument(document.contents)
    return reader.result()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return {
      name,
      values: {},
      lines: {},
      faults: [{ key: '', text: `is not readable YAML (${reason.slice(0, 100)})`, where: name }],
    }
  }
}

/** Bounds what the parser is given: it takes 11 s for a million brackets. */
function hostileShape(text: string): string | undefined {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) return `is larger than ${MAX_FILE_BYTES} bytes`
  let tokens = 0
  let depth = 0
  for (const token of new Lexer().lex(text)) {
    if (token === '{' || token === '[') depth++
    if (token === '}' || token === ']') depth--
    if (++tokens > MAX_TOKENS) return 'holds too many entries'
    if (depth > MAX_DEPTH) return `is nested more than ${MAX_DEPTH} deep`
  }
  return undefined
}

const MAX_FAULTS = 50

class DocumentReader {
  readonly faults: Fault[] = []
  readonly #values: Partial<Record<SettingKey, unknown>> = {}
  readonly #lines: Partial<Record<SettingKey, number>> = {}
  readonly #name: string
  readonly #lineCounter: LineCounter

  constructor(name: string, lineCounter: LineCounter) {
    this.#name = name
    this.#lineCounter = lineCounter
  }

  result(): FileValues {
    const faults = this.faults.slice(0, MAX_FAULTS)
    return { name: this.#name, values: this.#values, lines: this.#lines, faults }
  }

  refuseBroken(errors: readonly { message: string; pos: readonly [number, number] }[]): void {
    for (const { message, pos } of errors.slice(0, MAX_FAULTS)) this.#refuse('', message, pos[0])
  }

  readDocument(contents: Node | null): void {
    if (contents === null || (isScalar(contents) && contents.value === null)) return // an empty file
    if (isMap(contents)) this.#readTop(contents)
    else this.#refuse('', 'must be a list of KEY: VALUE', contents.range?.[0])
  }

  #readTop(map: YAMLMap): void {
    this.#refuseHidden(map)
    if (this.faults.length === 0) this.#readMap(map, '')
  }

  /** What YAML has and settings have no use for: aliases (bombs), and keys that are twice there or no text. */
  #refuseHidden(contents: Node): void {
    visit(contents, {
      Alias: (_, alias) => this.#refuse('', 'aliases (*name) are not taken', alias.range?.[0]),
      Map: (_, map) => this.#refuseKeys(map),
    })
  }

  #refuseKeys(map: YAMLMap): void {
    const seen = new Set<string>()
    for (const { key } of map.items) {
      const name = isScalar(key) ? String(key.value) : undefined
      const at = isNode(key) ? key.range?.[0] : undefined
      if (name === undefined) this.#refuse('', 'has a key that is not text', at)
      else if (seen.has(name)) this.#refuse(name.slice(0, 80), 'is given twice', at)
      else seen.add(name)
    }
  }

  #readMap(map: YAMLMap, prefix: string): void {
    for (const pair of map.items) this.#readPair(pair, prefix)
  }

  #readPair({ key, value }: Pair, prefix: string): void {
    const name = prefix + (isScalar(key) ? String(key.value) : '')
    const at = isNode(key) ? key.range?.[0] : undefined
    const isGroup = SETTING_KEYS.some((known) => known.startsWith(`${name}.`))
    // A group whose lines are all comments is null.
    const isEmpty = value === null || (isScalar(value) && value.value === null)
    if (isSettingKey(name)) this.#take(name, value, at)
    else if (isGroup && isMap(value)) this.#readMap(value, `${name}.`)
    else if (!isGroup || !isEmpty) this.#refuse(name.slice(0, 80), this.#unknownText(name), at)
  }

  /** Only the first ones get a hint: looking for it takes time. */
  #unknownText(name: string): string {
    return this.faults.length < 20 ? unknownKeyText(name) : 'unknown setting'
  }

  #take(key: SettingKey, value: unknown, at: number | undefined): void {
    if (Object.hasOwn(this.#values, key)) this.#refuse(key, `is given twice (first in line ${this.#lines[key]})`, at)
    this.#values[key] = toPlain(value)
    if (at !== undefined) this.#lines[key] = this.#lineCounter.linePos(at).line
  }

  #refuse(key: string, text: string, at: number | undefined): void {
    const line = at === undefined ? undefined : this.#lineCounter.linePos(at).line
    this.faults.push({ key, text, where: placeOf(this.#name, line) })
  }
}

/** Maps become objects without inherited parts: `__proto__` is a key like any other. */
function toPlain(value: unknown): unknown {
  if (isScalar(value)) return value.value
  if (isMap(value)) {
    const entries = value.items.map(({ key, value: part }) => [isScalar(key) ? String(key.value) : '', toPlain(part)])
    return Object.fromEntries(entries)
  }
  if (isNode(value) && 'items' in value && Array.isArray(value.items)) return value.items.map(toPlain)
  return value ?? null
}
