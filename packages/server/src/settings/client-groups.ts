import { UNSCANNED_ACTIONS, type UnscannedAction } from '../domain/action.ts'
import { parseAddressRange } from '../domain/address-set.ts'
import { DIALECTS, type Dialect } from '../domain/dialect.ts'
import type { RiskThreshold } from '../domain/risk.ts'
import { UNSCANNED_REASONS, type UnscannedReason } from '../domain/verdict.ts'
import { MAX_ADDRESSES, rangeKey, readAddresses } from './addresses.ts'
import { firstOf, isRecord, quote, type Reading, refused, taken } from './reading.ts'

const MAX_GROUPS = 200
const MAX_NAME = 64

export const PASSWORD_CLASSES = ['off', 'label', 'block'] as const
export const BLOCK_FROM = ['high', 'medium', 'low'] as const satisfies readonly RiskThreshold[]
/** architecture.md section 5: the paths that Assay serves. */
export const SERVICES = ['request', 'reqmod', 'response', 'respmod', 'avscan'] as const

export type ServiceName = (typeof SERVICES)[number]

/** Early bytes for clients that cannot wait. Gives up the block page: a reply that has begun can only be cut. */
export interface Trickle {
  readonly enabled: boolean
  /** Body bytes that must have come before the head goes out. */
  readonly afterBytes: number
  /** Body bytes let through each second while the scan runs; 0 = the head only. */
  readonly bytesPerSecond: number
}

/**
 * Clients that share a policy, matched on the TCP peer's address; where ranges of groups overlap the smallest wins.
 * What a group does not name is as the settings outside it say. No services = every service.
 */
export interface ClientGroup {
  readonly name: string
  readonly addresses: readonly string[]
  readonly services: readonly ServiceName[]
  readonly policy: {
    readonly blockFrom?: RiskThreshold
    readonly unscanned: { readonly [R in UnscannedReason]?: UnscannedAction }
  }
  readonly classifyPasswordProtected?: (typeof PASSWORD_CLASSES)[number]
  /** Whose headers these clients understand. */
  readonly dialect: Dialect
  readonly trickle: Trickle
}

const NO_TRICKLE: Trickle = { enabled: false, afterBytes: 32_768, bytesPerSecond: 1_024 }

export function readClientGroups(value: unknown): Reading<readonly ClientGroup[]> {
  if (!Array.isArray(value)) return refused(`must be a list of groups, got ${quote(value)}`)
  if (value.length > MAX_GROUPS) return refused(`has ${value.length} groups, more than ${MAX_GROUPS}`)
  const count = countAddresses(value)
  if (count > MAX_ADDRESSES) return refused(`has ${count} addresses in all groups, more than ${MAX_ADDRESSES}`)
  const texts: string[] = []
  const groups: ClientGroup[] = []
  for (const [index, item] of (value as readonly unknown[]).entries()) {
    const reading = readGroup(item)
    if (reading.ok) groups.push(reading.value)
    else texts.push(...reading.texts.map((text) => `${label(item, index)} ${text}`))
  }
  texts.push(...repeatedNames(groups), ...repeatedRanges(groups))
  return texts.length > 0 ? refused(...firstOf(texts)) : taken(groups)
}

function countAddresses(items: readonly unknown[]): number {
  const counts = items.map((item) => (isRecord(item) && Array.isArray(item.addresses) ? item.addresses.length : 0))
  return counts.reduce((sum, count) => sum + count, 0)
}

function label(item: unknown, index: number): string {
  const name = isRecord(item) && typeof item.name === 'string' ? ` ${quote(item.name)}` : ''
  return `group ${index + 1}${name}:`
}

function repeatedNames(groups: readonly ClientGroup[]): string[] {
  const names = groups.map((group) => group.name.toLowerCase())
  return groups
    .filter((_, i) => names.indexOf(names[i] ?? '') < i)
    .map(({ name }) => `has two groups named ${quote(name)}`)
}

/** Overlaps are settled by size; the same range in two groups cannot be. */
function repeatedRanges(groups: readonly ClientGroup[]): string[] {
  const owners = new Map<string, string>()
  const texts: string[] = []
  const ranges = groups.flatMap(({ name, addresses }) => addresses.map((address) => ({ name, address })))
  for (const { name, address } of ranges) {
    const parsed = parseAddressRange(address)
    const key = parsed.ok ? rangeKey(parsed.range) : address
    const owner = owners.get(key)
    if (owner !== undefined) texts.push(`has ${address} in two groups, ${quote(owner)} and ${quote(name)}`)
    owners.set(key, owner ?? name)
  }
  return texts
}

/** Takes the parts of one object, and gathers what is wrong with them. */
interface Parts {
  readonly given: Record<string, unknown>
  readonly texts: string[]
}

function readGroup(value: unknown): Reading<ClientGroup> {
  if (!isRecord(value)) return refused(`must be {name, addresses, ...}, got ${quote(value)}`)
  const parts: Parts = { given: value, texts: [] }
  refuseOthers(parts, ['name', 'addresses', 'services', 'policy', 'classifyPasswordProtected', 'dialect', 'trickle'])
  const classify = takeChoice(parts, 'classifyPasswordProtected', PASSWORD_CLASSES)
  const group: ClientGroup = {
    name: takeName(parts),
    addresses: takeAddresses(parts),
    services: takeServices(parts),
    policy: takePolicy(parts),
    ...(classify === undefined ? {} : { classifyPasswordProtected: classify }),
    dialect: takeChoice(parts, 'dialect', DIALECTS) ?? 'trend',
    trickle: takeTrickle(parts),
  }
  return parts.texts.length > 0 ? refused(...parts.texts) : taken(group)
}

function refuseOthers({ given, texts }: Parts, known: readonly string[], prefix = ''): void {
  for (const name of Object.keys(given).slice(0, 20)) {
    if (!known.includes(name)) texts.push(`has the unknown part ${quote(prefix + name)}; known: ${known.join(', ')}`)
  }
}

function takeName({ given, texts }: Parts): string {
  const name = typeof given.name === 'string' ? given.name.trim() : ''
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  const plain = name !== '' && name.length <= MAX_NAME && !/[\u0000-\u001f\u007f]/.test(name) && name.isWellFormed()
  if (!plain) texts.push(`name must be 1 to ${MAX_NAME} characters on one line, got ${quote(given.name)}`)
  // Records name the clients of no group so.
  if (name.toLowerCase() === 'default') texts.push('name "default" is that of the clients in no group')
  return name
}

function takeAddresses({ given, texts }: Parts): readonly string[] {
  const reading = readAddresses(given.addresses)
  if (!reading.ok) texts.push(...reading.texts.map((text) => `addresses ${text}`))
  else if (reading.value.length === 0) texts.push('addresses is empty, so no client is in the group')
  return reading.ok ? reading.value : []
}

function takeServices({ given, texts }: Parts): readonly ServiceName[] {
  const { services = [] } = given
  const names: readonly unknown[] = Array.isArray(services) ? services : [services]
  const known = SERVICES.filter((service) => names.includes(service))
  if (known.length !== names.length)
    texts.push(`services must be some of ${SERVICES.join(', ')}, each once, got ${quote(services)}`)
  return known
}

function takePolicy({ given, texts }: Parts): ClientGroup['policy'] {
  const { policy = {} } = given
  if (!isRecord(policy)) texts.push(`policy must be {blockFrom, unscanned}, got ${quote(policy)}`)
  const parts: Parts = { given: isRecord(policy) ? policy : {}, texts }
  refuseOthers(parts, ['blockFrom', 'unscanned'], 'policy.')
  const blockFrom = takeChoice(parts, 'blockFrom', BLOCK_FROM)
  return { ...(blockFrom === undefined ? {} : { blockFrom }), unscanned: takeUnscanned(parts) }
}

function takeUnscanned({ given, texts }: Parts): ClientGroup['policy']['unscanned'] {
  const { unscanned = {} } = given
  if (!isRecord(unscanned)) texts.push(`policy.unscanned must be {REASON: ACTION}, got ${quote(unscanned)}`)
  const parts: Parts = { given: isRecord(unscanned) ? unscanned : {}, texts }
  refuseOthers(parts, UNSCANNED_REASONS, 'policy.unscanned.')
  const actions: { [R in UnscannedReason]?: UnscannedAction } = {}
  for (const reason of UNSCANNED_REASONS) {
    const action = takeChoice(parts, reason, UNSCANNED_ACTIONS)
    if (action !== undefined) actions[reason] = action
  }
  return actions
}

function takeTrickle({ given, texts }: Parts): Trickle {
  const { trickle = {} } = given
  if (typeof trickle === 'boolean') return { ...NO_TRICKLE, enabled: trickle }
  if (!isRecord(trickle)) texts.push(`trickle must be {enabled, afterBytes, bytesPerSecond}, got ${quote(trickle)}`)
  const parts: Parts = { given: isRecord(trickle) ? trickle : {}, texts }
  refuseOthers(parts, Object.keys(NO_TRICKLE), 'trickle.')
  const { enabled = NO_TRICKLE.enabled } = parts.given
  if (typeof enabled !== 'boolean') texts.push(`trickle.enabled must be true or false, got ${quote(enabled)}`)
  return {
    enabled: enabled === true,
    afterBytes: takeBytes(parts, 'afterBytes', 1_048_576),
    bytesPerSecond: takeBytes(parts, 'bytesPerSecond', 10_485_760),
  }
}

function takeBytes({ given, texts }: Parts, name: 'afterBytes' | 'bytesPerSecond', max: number): number {
  const value = given[name] ?? NO_TRICKLE[name]
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max) return value
  texts.push(`trickle.${name} must be a whole number from 0 to ${max}, got ${quote(value)}`)
  return NO_TRICKLE[name]
}

function takeChoice<T extends string>({ given, texts }: Parts, name: string, choices: readonly T[]): T | undefined {
  const value = Object.hasOwn(given, name) ? given[name] : undefined
  if (value === undefined || value === null) return undefined
  const choice = choices.find((one) => one === value)
  if (choice === undefined) texts.push(`${name} must be ${choices.join(' | ')}, got ${quote(value)}`)
  return choice
}
