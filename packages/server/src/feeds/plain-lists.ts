import type { FeedConfig } from '../domain/feed.ts'
import { addressRange } from '../domain/ip-value.ts'
import type { ObjectType } from '../domain/suspicious-object.ts'
import { type Collector, shown } from './collector.ts'
import { guess, refang } from './defang.ts'
import { FeedFault } from './feed-fault.ts'
import { textOf } from './source-client.ts'

const MAX_LINE = 16_384
const MAX_NAMES_A_LINE = 1000

/** Names that stand in every hosts file for the host itself (hosts(5) of the usual systems). */
const OF_THE_HOST =
  /^(?:localhost|localhost\.localdomain|local|broadcasthost|ip6-(?:localhost|loopback|localnet|mcastprefix|allnodes|allrouters|allhosts)|0\.0\.0\.0)$/i

/** Each line of a text, with its number from 1; one that is too long comes as undefined. */
export function* linesOf(bytes: Buffer): Generator<readonly [number: number, line: string | undefined]> {
  textOf(bytes.subarray(0, 8192)) // a web page or binary data is refused as a whole
  let at = 0
  for (let number = 1; at < bytes.length; number++) {
    const found = bytes.indexOf(0x0a, at)
    const end = found === -1 ? bytes.length : found
    const line = end - at > MAX_LINE ? undefined : bytes.toString('utf8', at, end)
    yield [number, number === 1 ? line?.replace(/^\ufeff/, '') : line]
    at = end + 1
  }
}

/** One object a line; `#`, `;` and `//` begin comments, and what follows the first word is a remark. */
export function readTextList(bytes: Buffer, { types }: Pick<FeedConfig, 'types'>, collector: Collector): void {
  for (const [number, line] of linesOf(bytes)) {
    const where = `line ${number}`
    if (line === undefined) collector.bad(where, `longer than ${MAX_LINE} bytes`)
    else readTextLine(line, { where, only: types.length === 1 ? types[0] : undefined }, collector)
  }
}

interface TextPlace {
  readonly where: string
  /** The one type that the source is said to hold. */
  readonly only: ObjectType | undefined
}

function readTextLine(line: string, { where, only }: TextPlace, collector: Collector): void {
  const text = line.trim()
  if (text === '' || /^(?:[#;!]|\/\/)/.test(text)) return
  const range = /^([0-9a-f.:]{2,45})\s*-\s*([0-9a-f.:]{2,45})(?=\s|$)/i.exec(text)
  const word = range ? `${range[1]}-${range[2]}` : (text.split(/[\s,]/, 1)[0] ?? '')
  takeWord(word, { where, only }, collector)
}

/** A word that is known to be of one type is taken as that; any other by its look. */
export function takeWord(word: string, { where, only }: TextPlace, collector: Collector): void {
  const seen = guess(word)
  if (seen.type === 'md5') return void collector.ignore('md5')
  if (only === 'ip' && seen.type !== 'ip') return void collector.bad(where, `${shown(word)} is no address`)
  if (only === 'url' && seen.type === 'domain') return void collector.take({ type: 'url', value: seen.value }, where)
  if (seen.type === 'unknown') return void collector.bad(where, `${shown(word)} is no object that is known here`)
  collector.take({ type: seen.type, value: seen.value }, where)
}

/** `ADDRESS NAME [NAME ...]`, as hosts(5) says: the names are listed; the address only says where they are sent to. */
export function readHostsFile(bytes: Buffer, collector: Collector): void {
  for (const [number, line] of linesOf(bytes)) {
    const where = `line ${number}`
    if (line === undefined) {
      collector.bad(where, `longer than ${MAX_LINE} bytes`)
      continue
    }
    const [address, ...names] = (line.split('#', 1)[0] ?? '').trim().split(/\s+/, MAX_NAMES_A_LINE)
    if (address === undefined || address === '') continue
    if (addressRange(address.replace(/%.*/, '')) === undefined || names.length === 0)
      collector.bad(where, 'is not ADDRESS NAME')
    else for (const name of names) takeHostName(name, where, collector)
  }
}

function takeHostName(name: string, where: string, collector: Collector): void {
  if (OF_THE_HOST.test(name)) return void collector.ignore('the host itself')
  collector.take({ type: 'domain', value: refang(name) }, where)
}

/** Refuses what is no list at all, though some of its lines may look like objects. */
export function checkMostlyGood({ taken, bad }: { readonly taken: number; readonly bad: number }): void {
  if (bad > 0 && bad > taken)
    throw new FeedFault('damaged', `${bad} of its entries are damaged and only ${taken} are good`)
}
