import { createAddressMap, createAddressSet } from '../domain/address-set.ts'
import type { GroupPolicy } from './handler-deps.ts'

/** A client group with the addresses it is matched by. No services = every service. */
export interface ListedGroup {
  readonly addresses: readonly string[]
  readonly services: readonly string[]
  readonly policy: GroupPolicy
}

export interface ClientListOptions {
  /** `clients.onlyListed`: peers in neither the list nor a group are refused. */
  readonly onlyListed: boolean
  readonly list: readonly string[]
  readonly groups: readonly ListedGroup[]
  /** The policy of clients in no group. */
  readonly fallback: GroupPolicy
}

export interface ClientList {
  /** By the TCP peer's address and the service only: a header can be forged, an address of a TCP connection hardly. */
  policyFor(address: string, service: string): GroupPolicy
  /** Whether the address may speak ICAP at all (OPTIONS, before a service is named). */
  allows(address: string): boolean
}

/** Peers remembered per service; more than this at once are looked up anew. */
const REMEMBERED = 1024

/**
 * @throws TypeError on an address that is none; the settings have refused those before.
 */
export function createClientList(options: ClientListOptions): ClientList {
  const listed = createAddressSet(options.list)
  const inGroups = createAddressSet(options.groups.flatMap((group) => group.addresses))
  const refused: GroupPolicy = { ...options.fallback, allowed: false }
  const lookups = new Map<string, (address: string) => GroupPolicy>()
  const allows = (address: string) => !options.onlyListed || listed.has(address) || inGroups.has(address)

  function lookupFor(service: string): (address: string) => GroupPolicy {
    const groups = options.groups.filter(({ services }) => services.length === 0 || services.includes(service))
    const map = createAddressMap(groups.map(({ addresses, policy }) => ({ items: addresses, value: policy })))
    return remembering((address) => (allows(address) ? (map.find(address) ?? options.fallback) : refused))
  }

  return {
    allows: remembering(allows),
    policyFor(address, service) {
      let lookup = lookups.get(service)
      if (lookup === undefined) {
        lookup = lookupFor(service)
        // Service names are a fixed table in the server, so this cannot grow; the bound is for whoever calls it otherwise.
        if (lookups.size < 64) lookups.set(service, lookup)
      }
      return lookup(address)
    },
  }
}

/** Remembers recent answers; when full it starts afresh, which costs less than keeping an order of use. */
function remembering<T>(find: (address: string) => T): (address: string) => T {
  const known = new Map<string, T>()
  return (address) => {
    const hit = known.get(address)
    if (hit !== undefined) return hit
    const answer = find(address)
    if (known.size >= REMEMBERED) known.clear()
    known.set(address, answer)
    return answer
  }
}
