import { XMLParser } from 'fast-xml-parser'
import type { ObjectType } from '../domain/suspicious-object.ts'
import type { Collector } from './collector.ts'
import { guess } from './defang.ts'
import { FeedFault } from './feed-fault.ts'
import { arrayOf, isRecord, stringOf, textOf } from './source-client.ts'
import { stixMs } from './stix-bundle.ts'

/** STIX 1 documents that the appliance imports (Deep Discovery Analyzer, "User-defined list"). */
const VERSIONS: readonly string[] = ['1.0.1', '1.1.1', '1.2']
const MAX_NODES = 2_000_000
const MAX_DEPTH = 64
/** CybOX 2.1, "list of values": what separates them within one element. */
const SEPARATOR = '##comma##'

type Node = Readonly<Record<string, unknown>>

/**
 * The watchlists of a STIX 1.x package (File Hash, URL, Domain, IP), as the appliance reads them: @condition is Equals and
 * @apply_condition ANY (or absent, or one value). Entities are neither declared nor expanded: a DTD is refused.
 */
export function readStix1(bytes: Buffer, collector: Collector): void {
  const root = packageOf(textOf(bytes))
  const observables = observablesById(root)
  const indicators = listOf(child(root, 'Indicators'), 'Indicator')
  for (const [index, indicator] of indicators.entries()) {
    const ref = attribute(indicator, 'id') || `indicator ${index + 1}`
    readIndicator(indicator, { ref, observables, collector })
  }
}

/** True for what looks like an XML document, so that one kind of source can bring either. */
export function isXml(bytes: Buffer): boolean {
  return /^(?:\xef\xbb\xbf)?\s{0,64}</.test(bytes.toString('latin1', 0, 80))
}

function packageOf(text: string): Node {
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) throw new FeedFault('wrong-type', 'the document has a DTD, which is not read')
  let document: unknown
  try {
    document = new XMLParser({
      ignoreAttributes: false,
      attributeNamePrefix: '@',
      // Elements lose their prefix, attributes keep it: `xsi:type` and `type` stand side by side.
      transformTagName: (name) => name.replace(/^[^:]{0,100}:/, ''),
      processEntities: false,
      htmlEntities: false,
      parseTagValue: false,
      parseAttributeValue: false,
    }).parse(text, true)
  } catch (error) {
    throw new FeedFault('damaged', 'the XML is damaged, or cut short', { cause: error })
  }
  const root = isRecord(document) ? child(document, 'STIX_Package') : undefined
  if (root === undefined) throw new FeedFault('wrong-type', 'the XML is no STIX package')
  const version = attribute(root, 'version')
  if (!VERSIONS.includes(version))
    throw new FeedFault(
      'wrong-type',
      `STIX ${JSON.stringify(version.slice(0, 20))} is not one of ${VERSIONS.join(', ')}`,
    )
  return root
}

/** Those that stand for themselves, and are named from indicators by `idref`. */
function observablesById(root: Node): ReadonlyMap<string, Node> {
  const listed = listOf(child(root, 'Observables'), 'Observable')
  return new Map(listed.map((observable) => [attribute(observable, 'id'), observable]))
}

interface Reading {
  readonly ref: string
  readonly observables: ReadonlyMap<string, Node>
  readonly collector: Collector
}

interface Place {
  readonly node: Node
  readonly depth: number
  readonly untilMs: number | undefined
  readonly note: string
}

/** Level by level with a budget: nothing in the document decides how deep or how long this goes. */
function readIndicator(indicator: Node, reading: Reading): void {
  const { collector, ref } = reading
  const open: Place[] = [{ node: indicator, depth: 0, untilMs: undefined, note: '' }]
  for (let nodes = 0; open.length > 0; nodes++) {
    const place = open.pop() as Place
    if (nodes > MAX_NODES || place.depth > MAX_DEPTH) return void collector.bad(ref, 'nests too deep, or in a circle')
    if (attribute(place.node, 'negate') === 'true') collector.ignore('negated')
    else if (isBound(place.node)) collector.ignore('pattern that no list can hold')
    else open.push(...inside(place, reading))
  }
}

/** Joined by AND: none of its parts says anything by itself. */
function isBound(node: Node): boolean {
  return ['Composite_Indicator_Expression', 'Observable_Composition'].some((name) => {
    const composition = child(node, name)
    const parts = ['Indicator', 'Observable'].flatMap((part) => listOf(composition, part))
    return attribute(composition, 'operator').toUpperCase() === 'AND' && parts.length > 1
  })
}

function inside({ node, depth, untilMs, note }: Place, reading: Reading): Place[] {
  const end = stixMs(textOfNode(child(child(node, 'Valid_Time_Position'), 'End_Time')))
  const own = { untilMs: end || untilMs, note: textOfNode(child(node, 'Title')) || note }
  const place = (inner: Node): Place => ({ node: inner, depth: depth + 1, ...own })
  const referred = reading.observables.get(attribute(node, 'idref'))
  for (const object of listOf(node, 'Object')) readProperties(child(object, 'Properties'), own, reading)
  return [
    ...(referred === undefined ? [] : [place(referred)]),
    ...listOf(node, 'Observable').map(place),
    ...listOf(child(node, 'Composite_Indicator_Expression'), 'Indicator').map(place),
    ...listOf(child(node, 'Observable_Composition'), 'Observable').map(place),
  ]
}

function readProperties(properties: Node | undefined, own: Pick<Place, 'untilMs' | 'note'>, reading: Reading): void {
  if (properties === undefined) return
  const fields = fieldsOf(properties)
  if (fields === undefined) return void reading.collector.ignore('object of another type')
  for (const field of fields) takeField(field, own, reading)
}

interface Field {
  readonly type: ObjectType | undefined
  readonly node: Node | string
}

function fieldsOf(properties: Node): readonly Field[] | undefined {
  switch (attribute(properties, 'xsi:type').replace(/^[^:]{0,100}:/, '')) {
    case 'FileObjectType':
      return listOf(child(properties, 'Hashes'), 'Hash').flatMap((hash) => field(undefined, hash, 'Simple_Hash_Value'))
    case 'URIObjectType':
    case 'LinkObjectType':
      return field(attribute(properties, 'type') === 'Domain Name' ? 'domain' : undefined, properties, 'Value')
    case 'DomainNameObjectType':
      return field('domain', properties, 'Value')
    case 'HostnameObjectType':
      return field('domain', properties, 'Hostname_Value')
    case 'AddressObjectType':
      return /^(?:ipv[46]-(?:addr|net)|cidr|)$/.test(attribute(properties, 'category'))
        ? field('ip', properties, 'Address_Value')
        : undefined
    default:
      return undefined
  }
}

function field(type: ObjectType | undefined, node: Node, name: string): Field[] {
  const value = node[name]
  return typeof value === 'string' || isRecord(value) ? [{ type, node: value }] : []
}

function takeField({ type, node }: Field, own: Pick<Place, 'untilMs' | 'note'>, reading: Reading): void {
  const { collector, ref } = reading
  const values = textOfNode(node).split(SEPARATOR)
  const apply = typeof node === 'string' ? '' : attribute(node, 'apply_condition')
  if (typeof node === 'string' || attribute(node, 'condition') !== 'Equals')
    return void collector.ignore('condition is not Equals')
  if (values.length > 1 && apply !== '' && apply !== 'ANY') return void collector.ignore('apply_condition is not ANY')
  for (const value of values) {
    const seen = guess(value.trim())
    if (seen.type === 'md5') collector.ignore('md5')
    else if (type === undefined && seen.type === 'unknown') collector.bad(ref, 'has a value that is no object')
    else collector.take({ ...own, ref, type: type ?? (seen.type as ObjectType), value: seen.value }, ref)
  }
}

function child(node: Node | undefined, name: string): Node | undefined {
  const found = node !== undefined && Object.hasOwn(node, name) ? node[name] : undefined
  const first = Array.isArray(found) ? found[0] : found
  if (typeof first === 'string') return { '#text': first }
  return isRecord(first) ? first : undefined
}

function listOf(node: Node | undefined, name: string): Node[] {
  const found = node !== undefined && Object.hasOwn(node, name) ? node[name] : undefined
  return (Array.isArray(found) ? arrayOf(found) : [found]).filter(isRecord)
}

function attribute(node: Node | undefined, name: string): string {
  return node === undefined ? '' : stringOf(node[`@${name}`])
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** The five entities that XML itself has. */
function textOfNode(node: Node | string | undefined): string {
  const text = typeof node === 'string' ? node : stringOf(node?.['#text'])
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => ENTITIES[name] ?? '')
}
