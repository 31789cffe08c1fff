import { UNSCANNED_ACTIONS } from '../domain/action.ts'
import type { UnscannedReason } from '../domain/verdict.ts'
import { BLOCK_FROM, PASSWORD_CLASSES } from './client-groups.ts'
import { FIRST_PASSWORDS } from './first-passwords.ts'
import type { Setting, ValueOf } from './kinds.ts'

const MIB = 1_048_576
const GIB = 1_073_741_824
const TIB = 1_099_511_627_776

const CLAMD = /^(?:unix:\/[^\s]{1,500}|tcp:(?:\[[0-9a-fA-F:.]+\]|[\w.-]+):\d{1,5})$/
const DOMAIN = /^(?=.{1,253}$)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+$/

/** One entry a reason (architecture.md 4a); the compiler asks for that of a new one. */
// biome-ignore format: a table
const UNSCANNED_SETTINGS = {
  'policy.unscanned.too-deep': { kind: 'choice', of: UNSCANNED_ACTIONS, fallback: 'block',
    help: 'Nested deeper than is followed.' },
  'policy.unscanned.bomb': { kind: 'choice', of: UNSCANNED_ACTIONS, fallback: 'block',
    help: 'Unpacks to too much: members, bytes or ratio.' },
  'policy.unscanned.timeout': { kind: 'choice', of: UNSCANNED_ACTIONS, fallback: 'error',
    help: 'An engine did not finish in time.' },
  'policy.unscanned.engine-down': { kind: 'choice', of: UNSCANNED_ACTIONS, fallback: 'error',
    help: 'A required engine is not there. With `error`, OPTIONS and `/readyz` answer 503 meanwhile.' },
  'policy.unscanned.no-space': { kind: 'choice', of: UNSCANNED_ACTIONS, fallback: 'error',
    help: 'No room for the body or for its record.' },
  'policy.unscanned.endless': { kind: 'choice', of: UNSCANNED_ACTIONS, fallback: 'error',
    help: 'A stream without an end (`intake.endless...`).' },
  'policy.unscanned.encrypted': { kind: 'choice', of: UNSCANNED_ACTIONS, fallback: 'allow',
    help: 'Locked by a password that is not listed.' },
  'policy.unscanned.malformed': { kind: 'choice', of: UNSCANNED_ACTIONS, fallback: 'allow',
    help: 'Damaged: it cannot be read as what it is.' },
  'policy.unscanned.partial': { kind: 'choice', of: UNSCANNED_ACTIONS, fallback: 'allow',
    help: 'A range of a file (HTTP 206), not the whole.' },
  'policy.unscanned.too-large': { kind: 'choice', of: UNSCANNED_ACTIONS, fallback: 'allow',
    help: 'Larger than an engine or the spool takes.' },
  'policy.unscanned.not-unpacked': { kind: 'choice', of: UNSCANNED_ACTIONS, fallback: 'allow',
    help: 'A container that nothing here opens.' },
} as const satisfies { readonly [R in UnscannedReason as `policy.unscanned.${R}`]: Setting }

/** One entry a setting: the key, what it may be, what it is when unset, what it does. `docs/settings.md` is made of it. */
// biome-ignore format: a table
export const SETTINGS = {
  'icap.enabled': { kind: 'boolean', fallback: true, step: 2,
    help: 'Serve ICAP. Off: neither the ICAP port nor the ICAPS port is open.' },
  'icap.port': { kind: 'integer', min: 1, max: 65_535, fallback: 1344, step: 3, flag: 'icap-port',
    help: 'The ICAP port. A new one opens before the old one closes.' },
  'icap.listen': { kind: 'listen', fallback: '*', flag: 'icap-listen',
    help: 'The address that both ICAP ports listen on; `*` = all, IPv4 and IPv6.' },
  'icap.preview': { kind: 'boolean', fallback: true,
    help: 'Ask clients for previews (OPTIONS). For clients that hang after 100 Continue, switch it off.' },
  'icap.previewBytes': { kind: 'integer', min: 0, max: 65_535, fallback: 4_096,
    help: 'The preview size that OPTIONS asks for, in bytes.' },
  'icap.optionsTtlS': { kind: 'integer', min: 10, max: 86_400, fallback: 300,
    help: 'How long clients may keep an OPTIONS answer, in seconds.' },
  'icap.headerTimeoutMs': { kind: 'integer', min: 1_000, max: 600_000, fallback: 30_000,
    help: 'From the first byte of a request to the end of its heads; over it: 408 and close.' },
  'icap.idleTimeoutMs': { kind: 'integer', min: 1_000, max: 86_400_000, fallback: 600_000,
    help: 'An idle connection is closed after it, without a word. Longer than the pools of clients.' },
  'icap.bodyIdleTimeoutMs': { kind: 'integer', min: 1_000, max: 3_600_000, fallback: 60_000,
    help: 'Between two reads of a body; over it: 408 and close.' },
  'icap.minBytesPerSecond': { kind: 'integer', min: 0, max: MIB, fallback: 10,
    help: 'The least rate of a body, averaged; 0 = none.' },
  'icap.minReplyBytesPerSecond': { kind: 'integer', min: 0, max: MIB, fallback: 100,
    help: 'The least rate at which a client takes a reply that waits for it, averaged over each minute; under it the connection is cut. 0 = none.' },
  'icap.writeTimeoutMs': { kind: 'integer', min: 1_000, max: 3_600_000, fallback: 120_000,
    help: 'A client that takes no byte of its reply for so long is cut off.' },
  'icap.drainTimeoutMs': { kind: 'integer', min: 0, max: 3_600_000, fallback: 30_000,
    help: 'At the end, and when a port moves: how long running transactions may take.' },
  'icap.maxHeaderBytes': { kind: 'integer', min: 1_024, max: MIB, fallback: 65_536,
    help: 'The largest ICAP head, and the largest encapsulated HTTP head.' },
  'icap.maxHeaderLines': { kind: 'integer', min: 20, max: 2_000, fallback: 200,
    help: 'The most lines of an ICAP head, and of an HTTP head.' },

  'icaps.enabled': { kind: 'boolean', fallback: false, step: 4,
    help: 'Serve ICAP over TLS too. Needs certificate, key, passphrase and its confirmation.' },
  'icaps.port': { kind: 'integer', min: 1, max: 65_535, fallback: 11_344, step: 4, flag: 'icaps-port',
    help: 'The ICAPS port.' },
  'icaps.certificate': { kind: 'pem', maxBytes: 262_144, fallback: '', step: 4,
    help: "The server's certificate in PEM, its own first, then those of the chain." },
  'icaps.privateKey': { kind: 'secret', form: 'pem', maxBytes: 65_536, fallback: '', step: 4,
    help: 'Its private key in PEM, encrypted (PKCS#8 or traditional). A key that opens without a passphrase is refused.' },
  'icaps.passphrase': { kind: 'secret', form: 'line', maxBytes: 1_024, fallback: '', step: 4,
    help: 'Opens the private key.' },
  'icaps.passphraseConfirmation': { kind: 'secret', form: 'line', maxBytes: 1_024, fallback: '', step: 4,
    help: 'The passphrase once more.' },

  'headers.send.virusId': { kind: 'boolean', fallback: true, step: 5,
    help: 'Send `X-Virus-ID` with a block.' },
  'headers.send.infectionFound': { kind: 'boolean', fallback: true, step: 5,
    help: 'Send `X-Infection-Found` with a block.' },
  'headers.send.responseDesc': { kind: 'boolean', fallback: true, step: 5,
    help: 'Send `X-Response-Desc` always. Off: still sent with what passes unscanned.' },
  'headers.save.clientIp': { kind: 'boolean', fallback: true, step: 5,
    help: 'Record `X-Client-IP`, as claimed by the client.' },
  'headers.save.serverIp': { kind: 'boolean', fallback: true, step: 5,
    help: 'Record `X-Server-IP`.' },
  'headers.save.authenticatedUser': { kind: 'boolean', fallback: true, step: 5,
    help: 'Record `X-Authenticated-User` (plain or base64; `WinNT://`, `LDAP://`).' },
  'headers.save.authenticatedGroups': { kind: 'boolean', fallback: true, step: 5,
    help: 'Record `X-Authenticated-Groups`.' },
  'headers.save.clientUsername': { kind: 'boolean', fallback: true, step: 5,
    help: 'Record `X-Client-Username` (Squid).' },

  'scan.bypassUrlInRespmod': { kind: 'boolean', fallback: false, step: 6,
    help: 'Do not rate the URL again in RESPMOD. For proxies that send every URL by REQMOD.' },
  'scan.yara': { kind: 'boolean', fallback: true, step: 6,
    help: 'Scan with YARA rules.' },
  'scan.suspiciousObjects.enabled': { kind: 'boolean', fallback: true, step: 6,
    help: 'Look up the suspicious objects list chosen below.' },
  'scan.suspiciousObjects.list': { kind: 'choice', of: ['generated', 'synchronized', 'both'], fallback: 'generated', step: 6,
    help: 'Which list: found here, taken from a source, or both. The synchronized one needs a source.' },
  'scan.userDefinedObjects': { kind: 'boolean', fallback: true, step: 6,
    help: 'Look up the user-defined suspicious objects list.' },
  'scan.predictive': { kind: 'boolean', fallback: false, step: 6,
    help: 'Scan with the predictive engine. Needs a model.' },
  'scan.classifyPasswordProtected': { kind: 'choice', of: PASSWORD_CLASSES, fallback: 'off', step: 6,
    help: '`label`: record and `X-Response-Desc` name the class of a locked sample, the policy decides. `block`: 403, whatever the policy says.' },
  'scan.timeoutMs': { kind: 'integer', min: 100, max: 900_000, fallback: 30_000,
    help: 'For all engines together, from the last body byte on. Keep it below the patience of the clients.' },
  'scan.yaraTimeoutMs': { kind: 'integer', min: 1_000, max: 300_000, fallback: 10_000,
    help: 'For YARA alone; it counts in whole seconds (rounded up).' },
  'scan.inlineBytes': { kind: 'integer', min: 0, max: 16 * MIB, fallback: 65_536,
    help: 'Bodies up to this size are scanned at once; larger ones on a thread.' },
  'scan.threads': { kind: 'integer', min: 1, max: 64, fallback: 2,
    help: 'Scan threads of each worker. Each holds its own copy of the rules.' },
  'scan.cacheEntries': { kind: 'integer', min: 0, max: 10_000_000, fallback: 50_000, restart: true,
    help: 'Complete results that each worker remembers by content; 0 = none.' },
  'scan.urlSignals': { kind: 'choice', of: ['off', 'record', 'medium', 'block'], fallback: 'medium',
    help: 'What the look of a URL (brands, homoglyphs, odd hosts) counts for: nothing, a low risk, a medium risk at most, or a block.' },
  'scan.urlBrands': { kind: 'lines', maxItems: 1_000, maxBytes: 253, pattern: DOMAIN, form: 'domains', fallback: [],
    help: 'Your own domains and those of your business, watched for look-alikes beside the built-in brands.' },

  'unpack.maxDepth': { kind: 'integer', min: 1, max: 64, fallback: 16,
    help: 'Containers one in another; over it: too-deep.' },
  'unpack.maxMembers': { kind: 'integer', min: 1, max: 10_000_000, fallback: 200_000,
    help: 'Members of all levels together; over it: bomb.' },
  'unpack.maxBytes': { kind: 'integer', min: MIB, max: 16 * TIB, fallback: 2 * GIB,
    help: 'Unpacked bytes of all levels together; over it: bomb.' },
  'unpack.maxRatio': { kind: 'integer', min: 10, max: 1_000_000, fallback: 1_000,
    help: 'Unpacked bytes for each byte of the sample; over it: bomb.' },
  'unpack.ratioFromBytes': { kind: 'integer', min: 0, max: TIB, fallback: 64 * MIB,
    help: 'The ratio counts only once so many bytes are unpacked.' },
  'unpack.passwords': { kind: 'lines', maxItems: 5_000, maxBytes: 256, form: 'passwords', fallback: FIRST_PASSWORDS,
    help: 'Tried on locked archives and documents, in this order and those first that have opened most. They are no secrets: they are shown and exported.' },
  'unpack.maxPasswordTries': { kind: 'integer', min: 0, max: 10_000, fallback: 200,
    help: 'Passwords tried on one locked sample, those found in its mail and its name included.' },

  'clamav.endpoints': { kind: 'lines', maxItems: 16, maxBytes: 512, pattern: CLAMD, form: '`unix:/PATH` or `tcp:HOST:PORT`', fallback: [],
    help: 'clamd sockets; they share the work. With one here ClamAV is a required engine.' },
  'clamav.maxBytes': { kind: 'integer', min: MIB, max: 2_147_483_647, fallback: 2_147_483_647,
    help: 'The largest body that clamd is asked about; over it: too-large.' },
  'clamav.maxBytesUntold': { kind: 'integer', min: MIB, max: 2_147_483_647, fallback: 26_214_400,
    help: 'The same for a clamd without `AlertExceedsMax yes`, which says OK to what is over its MaxFileSize.' },
  'clamav.maxConnections': { kind: 'integer', min: 1, max: 256, fallback: 8,
    help: 'Kept open by each worker to each endpoint.' },

  'predictive.high': { kind: 'fraction', min: 0, max: 1, fallback: 0.98,
    help: 'Scores from here on are a high risk.' },
  'predictive.medium': { kind: 'fraction', min: 0, max: 1, fallback: 0.9,
    help: 'Scores from here on are a medium risk.' },
  'predictive.monitor': { kind: 'boolean', fallback: false,
    help: 'Record scores only: the predictive engine accuses nobody.' },

  'content.mimeExclusion.enabled': { kind: 'boolean', fallback: false, step: 7,
    help: 'Exclude bodies from the content engines by their declared type. They are never called clean; lists are asked all the same.' },
  'content.mimeExclusion.types': { kind: 'media-types', fallback: [], step: 7,
    help: 'The types: `image/*`, `audio/*`, `video/*`, `font/*` or exact ones of these families (predefined), or any custom type, `application/x-foo`.' },
  'content.mimeValidation': { kind: 'boolean', fallback: true, step: 7,
    help: 'Exclude only what is what it says: scanned all the same are compressed bodies, previews that cannot decide, custom and active types, and bodies whose true type differs. Applies only while exclusion is on.' },

  'pages.urlAccess': { kind: 'page', fallback: { enabled: true, content: null }, step: 8,
    help: 'The page for a blocked URL access.' },
  'pages.fileUpload': { kind: 'page', fallback: { enabled: true, content: null }, step: 8,
    help: 'The page for a blocked upload.' },
  'pages.fileDownload': { kind: 'page', fallback: { enabled: true, content: null }, step: 8,
    help: 'The page for a blocked download.' },

  'clients.maxConnections': { kind: 'integer', min: 1, max: 65_535, fallback: 1_000, step: 9,
    help: 'Of all workers and both ports together; over it: 503 and close.' },
  'clients.maxPerClient': { kind: 'integer', min: 0, max: 65_535, fallback: 0,
    help: 'Of one client address, each worker taking an equal share; over it: 503 and close. 0 = no limit: where one proxy is the only client, all connections are its own.' },
  'clients.onlyListed': { kind: 'boolean', fallback: false, step: 9,
    help: 'Accept only the clients of the list and of groups. Refused while the list is empty.' },
  'clients.list': { kind: 'addresses', fallback: [], step: 9,
    help: 'Addresses, CIDR blocks and `LOW-HIGH` ranges, IPv4 and IPv6.' },
  'clients.groups': { kind: 'client-groups', fallback: [],
    help: 'Clients with a policy of their own; see [Client groups](#client-groups).' },

  'policy.blockFrom': { kind: 'choice', of: BLOCK_FROM, fallback: 'high',
    help: 'The least risk that is blocked.' },
  ...UNSCANNED_SETTINGS,

  'intake.memoryThresholdBytes': { kind: 'integer', min: 0, max: 256 * MIB, fallback: MIB,
    help: 'Bodies up to this size stay in memory; larger ones go to the spool.' },
  'intake.maxMemoryBytes': { kind: 'integer', min: MIB, max: 64 * GIB, fallback: 256 * MIB,
    help: 'Of all bodies in the memory of one worker; over it bodies go to the spool at once.' },
  'intake.maxSpoolBytes': { kind: 'integer', min: MIB, max: 16 * TIB, fallback: 8 * GIB,
    help: 'Of one body in the spool; a larger one is too-large, and cannot be given back: where policy would let it pass it is an error.' },
  'intake.maxSpoolTotalBytes': { kind: 'integer', min: MIB, max: 64 * TIB, fallback: 32 * GIB,
    help: 'Of the spool of the node, shared equally by the workers; over it: no-space.' },
  'intake.minFreeBytes': { kind: 'integer', min: 0, max: TIB, fallback: 512 * MIB,
    help: 'Room that the spool leaves on its disk; over it: no-space.' },
  'intake.endlessAfterBytes': { kind: 'integer', min: MIB, max: 16 * TIB, fallback: 4 * GIB,
    help: 'A body without a stated length that is longer is endless.' },
  'intake.endlessAfterS': { kind: 'integer', min: 10, max: 86_400, fallback: 1_800,
    help: 'A body without a stated length that is still coming after so many seconds is endless.' },
  'intake.endlessTypes': { kind: 'media-types', fallback: ['audio/*', 'video/*', 'multipart/x-mixed-replace', 'text/event-stream'],
    help: 'Declared types that are looked at for streams when they state no length; with none here the two bounds above alone count. `multipart/x-mixed-replace` and Shoutcast (`ICY`) are streams after 2 seconds.' },
  'intake.endlessTypesAfterS': { kind: 'integer', min: 1, max: 86_400, fallback: 60,
    help: 'A body of these types that is still coming after so many seconds, slower than the next rate, is endless.' },
  'intake.endlessBytesPerSecond': { kind: 'integer', min: 1, max: GIB, fallback: MIB,
    help: 'Streams come as fast as they are played, downloads as fast as they can: faster ones are no streams.' },
  'intake.endlessMaxS': { kind: 'integer', min: 10, max: 604_800, fallback: 3_600,
    help: 'An endless body that policy allows flows on for so long, then its connection is cut; players connect anew.' },
  'intake.maxDecodedBytes': { kind: 'integer', min: MIB, max: 16 * TIB, fallback: GIB,
    help: 'Of a body whose Content-Encoding is removed; over it: bomb.' },
  'intake.maxDecodeRatio': { kind: 'integer', min: 10, max: 100_000, fallback: 250,
    help: 'Decoded bytes for each byte that came; over it: bomb.' },
  'intake.decodeRatioFromBytes': { kind: 'integer', min: 0, max: GIB, fallback: 16 * MIB,
    help: 'The ratio counts only once so many bytes are decoded.' },
  'intake.maxEncodingLayers': { kind: 'integer', min: 1, max: 10, fallback: 3,
    help: 'Content-Encodings one in another; over it: too-deep.' },

  'intake.rangeJoin': { kind: 'boolean', fallback: true,
    help: 'Join the ranges of a file (HTTP 206) that one client fetches, and scan the whole when all have come. Until then, and when off, a range is partial.' },
  'intake.rangeMaxBytes': { kind: 'integer', min: MIB, max: 16 * TIB, fallback: GIB,
    help: 'Of one file that is joined; the ranges of a larger one stay partial. All together may take a quarter of the spool.' },
  'intake.rangeIdleS': { kind: 'integer', min: 10, max: 86_400, fallback: 600,
    help: 'Ranges are dropped when no further one came for so many seconds; so long a block is remembered for the other ranges of its file.' },

  'records.maxAgeDays': { kind: 'integer', min: 1, max: 3_650, fallback: 90,
    help: 'Transactions are kept so long.' },
  'records.maxBytes': { kind: 'integer', min: 16 * MIB, max: 64 * TIB, fallback: 10 * GIB,
    help: 'The store is kept below it: the oldest transactions go first.' },
  'records.recheckHours': { kind: 'integer', min: 0, max: 24 * 365, fallback: 24,
    help: 'After each change of the lists, what was let through in the last hours is looked at again; 0 = off.' },
  'journal.capBytes': { kind: 'integer', min: MIB, max: TIB, fallback: GIB,
    help: "Of each worker's journal while the store is away; over it: no-space." },

  workers: { kind: 'integer', min: 0, max: 256, fallback: 0, restart: true, flag: 'workers',
    help: 'ICAP worker processes; 0 = one a core.' },
  'console.port': { kind: 'integer', min: 1, max: 65_535, fallback: 8080, restart: true, flag: 'console-port',
    help: 'The port of console, health and metrics.' },
  'console.listen': { kind: 'listen', fallback: '127.0.0.1', restart: true, flag: 'console-listen',
    help: 'The address it listens on; beyond this machine only with TLS, which is not there yet.' },
  'log.level': { kind: 'choice', of: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], fallback: 'info', flag: 'log-level',
    help: 'What is logged: this level and worse.' },
} as const satisfies Record<string, Setting>

export type SettingKey = keyof typeof SETTINGS

/** Every setting with its value, canonical; plain JSON. Secrets are in it in plain text: never log or send it whole. */
export type Config = { readonly [K in SettingKey]: ValueOf<(typeof SETTINGS)[K]> }

/** Values by key as they are saved, read from a file or given by a user: not checked yet. A null one is the default. */
export type Values = Readonly<Record<string, unknown>>

export const SETTING_KEYS = Object.keys(SETTINGS) as readonly SettingKey[]

export function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(SETTINGS, key)
}

export function isSecret(key: string): boolean {
  return isSettingKey(key) && SETTINGS[key].kind === 'secret'
}
