import { isIP } from 'node:net'
import type { IcapHeaders, ReplyHeaders } from '@assay/icap'
import type { SavedHeaders } from '../domain/transaction-record.ts'
import { utf8Of } from './message-url.ts'

/** Which of the appliance's three headers go out (`headers.send.*`). */
export interface HeaderSwitches {
  readonly virusId: boolean
  readonly infectionFound: boolean
  readonly responseDesc: boolean
}

/** Which of the client's headers are recorded (`headers.save.*`). */
export interface SavedHeaderSwitches {
  readonly clientIp: boolean
  readonly serverIp: boolean
  readonly authenticatedUser: boolean
  readonly authenticatedGroups: boolean
  readonly clientUsername: boolean
}

const MAX_NAME_CHARS = 128
const MAX_NAMES_CHARS = 512
const MAX_SAVED_CHARS = 4096
const MAX_GROUPS = 64

const NOT_HEADER_TEXT = /[^\x20-\x2b\x2d-\x3a\x3c-\x7e]/

/** One text of a header part: printable ASCII without the characters that frame the three headers (row R17). */
export function headerText(text: string, maxChars = MAX_NAME_CHARS): string {
  if (text.length <= maxChars && !NOT_HEADER_TEXT.test(text)) return text.trim()
  let out = ''
  for (let index = 0; index < text.length && out.length < maxChars; index++) {
    const code = text.charCodeAt(index)
    if (code >= 0x20 && code < 0x7f && code !== 0x3b && code !== 0x2c) out += text[index]
  }
  return out.trim()
}

/** Names joined by `,`, each once, the given order kept: FortiGate logs 64 characters only, so the worst comes first. */
export function threatList(names: readonly string[]): string {
  const seen = new Set<string>()
  let length = 0
  for (const name of names) {
    const text = headerText(name) || 'Unknown'
    if (seen.has(text)) continue
    length += text.length + 1
    if (length > MAX_NAMES_CHARS) break
    seen.add(text)
  }
  return [...seen].join(',')
}

/** `URL: TEXT; FILE: TEXT`, always both parts. */
export function responseDesc(urlText: string, fileText: string): string {
  return `URL: ${headerText(urlText)}; FILE: ${headerText(fileText)}`
}

/** X-Virus-ID and X-Infection-Found: with a block only. Type 0, Resolution 2 is all that the appliance documents; the last `;` is needed by rspamd (R14). */
export function infectionHeaders(names: readonly string[], switches: HeaderSwitches): ReplyHeaders {
  const threats = threatList(names)
  return {
    ...(switches.virusId ? { 'X-Virus-ID': threats } : {}),
    ...(switches.infectionFound ? { 'X-Infection-Found': `Type=0; Resolution=2; Threat=${threats};` } : {}),
  }
}

/** The client's words about whom it speaks for, as they came. */
export interface ClaimedHeaders {
  clientIp: string
  serverIp: string
  user: string
  groups: string[]
  username: string
}

/** Read in one pass; of a repeated header the first counts, groups are gathered. */
export function claimedHeaders(headers: IcapHeaders): ClaimedHeaders {
  const claimed: ClaimedHeaders = { clientIp: '', serverIp: '', user: '', groups: [], username: '' }
  for (const [name, value] of headers.entries()) {
    if ((name.charCodeAt(0) | 0x20) === 0x78 && value !== '') claim(claimed, name.toLowerCase(), value)
  }
  return claimed
}

function claim(claimed: ClaimedHeaders, name: string, value: string): void {
  switch (name) {
    case 'x-client-ip':
      claimed.clientIp ||= savedAddress(value)
      break
    case 'x-server-ip':
      claimed.serverIp ||= savedAddress(value)
      break
    case 'x-authenticated-user':
      claimed.user ||= value
      break
    case 'x-authenticated-groups':
      if (claimed.groups.length < MAX_GROUPS) claimed.groups.push(value)
      break
    case 'x-client-username':
      claimed.username ||= value
  }
}

const NOTHING_SAVED: SavedHeaders = {}

/** The claims as far as the settings save them, decoded and bounded; never trusted. */
export function savedHeaders(claimed: ClaimedHeaders, save: SavedHeaderSwitches): SavedHeaders {
  const clientIp = save.clientIp ? claimed.clientIp : ''
  const serverIp = save.serverIp ? claimed.serverIp : ''
  const user = save.authenticatedUser ? savedName(claimed.user) : ''
  const groups = save.authenticatedGroups ? savedGroups(claimed.groups) : ''
  const username = save.clientUsername ? savedName(claimed.username) : ''
  if (clientIp === '' && serverIp === '' && user === '' && groups === '' && username === '') return NOTHING_SAVED
  return {
    ...(clientIp === '' ? {} : { clientIp }),
    ...(serverIp === '' ? {} : { serverIp }),
    ...(user === '' ? {} : { authenticatedUser: user }),
    ...(groups === '' ? {} : { authenticatedGroups: groups }),
    ...(username === '' ? {} : { clientUsername: username }),
  }
}

/** One valid address, else ''; a list or junk is nobody's address (H23). */
export function savedAddress(value: string): string {
  const address = value.trim()
  return address.length <= 64 && isIP(address) !== 0 ? address : ''
}

function savedName(value: string): string {
  return value === '' ? '' : cleanValue(decodeName(value.trim()))
}

/** One encoded list, or a list of encoded names (H25). */
function savedGroups(values: readonly string[]): string {
  if (values.length === 0) return ''
  const names = values.flatMap((value) => groupNames(value)).slice(0, MAX_GROUPS)
  return cleanValue(names.filter((name) => name !== '').join(', '))
}

function groupNames(value: string): string[] {
  const bounded = value.slice(0, 2 * MAX_SAVED_CHARS)
  const whole = decodeName(bounded.trim())
  // A distinguished name holds commas of its own: it is one group.
  if (/^(?:[a-z]+:\/\/)?[a-z]+=/i.test(whole)) return [whole]
  return whole.split(',', 4 * MAX_GROUPS).map((item) => decodeName(item.trim()))
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
/** What a directory name looks like: `WinNT://D/u`, `LDAP://CN=u`, `Local://u`, `D\u`, `u@d`, `CN=u`. */
const NAME_SHAPE = /^[A-Za-z][A-Za-z0-9+.-]{1,15}:\/\/|\\|@|^[A-Za-z]{1,4}=/

/**
 * Base64 is undone only where what comes out is printable and looks like a directory name, or where `=` padding (which no
 * plain user name has) gives it away: "user1234" is a name, and valid base64 too (H24).
 */
export function decodeName(value: string): string {
  if (value.length < 4 || value.length > MAX_SAVED_CHARS || !BASE64.test(value)) return utf8Of(value)
  const decoded = Buffer.from(value, 'base64').toString('utf8')
  if (decoded === '' || decoded.includes('\ufffd') || hasControl(decoded)) return value
  return value.endsWith('=') || NAME_SHAPE.test(decoded) ? decoded : value
}

function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code < 0x20 || code === 0x7f) return true
  }
  return false
}

function cleanValue(value: string): string {
  const bounded = value.slice(0, MAX_SAVED_CHARS)
  if (!hasControl(bounded)) return bounded
  return [...bounded].filter((char) => !hasControl(char)).join('')
}
