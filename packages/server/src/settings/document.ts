import { DIALECTS } from '../domain/dialect.ts'
import { SERVICES } from './client-groups.ts'
import type { Setting } from './kinds.ts'
import { FLAGS } from './load.ts'
import { PAGE_TOKENS } from './pages.ts'
import { SETTING_KEYS, SETTINGS, type SettingKey } from './settings.ts'

/** The groups in the order of the page, each with what all its settings have in common. */
const GROUPS: readonly { readonly prefix: string; readonly title: string; readonly about: string }[] = [
  { prefix: 'icap', title: 'ICAP', about: 'The plain service, and how connections are treated (of both ports).' },
  {
    prefix: 'icaps',
    title: 'ICAP over TLS',
    about:
      'Secrets come from stdin (`-`) or `@FILE`, are stored sealed and never shown. A new certificate is used by new connections; old ones live on.',
  },
  {
    prefix: 'headers',
    title: 'Headers',
    about: 'Those sent to clients, and those of clients that are kept with each transaction.',
  },
  { prefix: 'scan', title: 'Scanning', about: 'Signatures, true file types and the cache are always on.' },
  {
    prefix: 'unpack',
    title: 'Looking inside',
    about:
      'Archives, mails, documents and uploads are opened, and what they hold too. One budget for all levels of one sample; a part that is not reached is unscanned, never clean.',
  },
  {
    prefix: 'clamav',
    title: 'ClamAV',
    about: 'An engine beside ours, over the socket of a clamd. Anything it answers but OK or FOUND is unscanned.',
  },
  {
    prefix: 'predictive',
    title: 'Predictive machine learning',
    about: 'On with `scan.predictive`, once a model is installed (`assay models install`).',
  },
  {
    prefix: 'content',
    title: 'Content types',
    about:
      'An excluded body goes out as the original with `X-Response-Desc: ...; FILE: Not scanned (excluded)`, never as a 204.',
  },
  {
    prefix: 'pages',
    title: 'Notification pages',
    about:
      'The body of the HTTP 403: plain text or HTML, smaller than 5 MB. The ICAP client may put its own in its place.',
  },
  { prefix: 'clients', title: 'Clients', about: 'Matched on the address of the TCP peer, never on a header.' },
  {
    prefix: 'policy',
    title: 'Policy',
    about:
      'What could not be scanned is never clean. `allow`: the original, labelled, as a 200. `block`: 403. `error`: ICAP 500, so that the client decides by its own bypass rule.',
  },
  {
    prefix: 'intake',
    title: 'Intake',
    about: 'How much of a body is taken, and where it is kept while it is scanned.',
  },
  { prefix: 'records', title: 'Records', about: 'Retention: what goes first is the oldest.' },
  { prefix: 'journal', title: 'Journal', about: 'Where records stand until the store has taken them.' },
  { prefix: 'workers', title: 'Workers', about: 'How many processes serve ICAP.' },
  { prefix: 'console', title: 'Console port', about: 'Console, `/healthz`, `/readyz` and `/metrics`.' },
  { prefix: 'log', title: 'Log', about: 'Written to stderr.' },
]

const HEAD = `# Settings

Made by \`scripts/settings-doc.ts\` from \`packages/server/src/settings/settings.ts\`: change it there.

\`assay settings set KEY VALUE [KEY VALUE ...]\` saves all its values at once or, with every fault named, none of them. Other ways:
a YAML file (\`--settings FILE\`, example: \`examples/settings.yaml\`; keys nested or dotted), variables and flags.
Precedence: default < saved < file < environment < flag. What file, environment or flag set cannot be changed by \`assay settings\`,
which names where it comes from. A null value is the default.

Changes are applied live, without a dropped connection, except those marked *restart*. Sizes are bytes. *Step* is that of the page
"Configuring ICAP Settings" which Assay follows; what has none is an addition.
Its steps 1, 10 and 11 are: open the settings, save, try it (\`assay icap\`).
`

/** The whole of docs/settings.md. */
export function settingsDocument(): string {
  const groups = GROUPS.map(({ prefix, title, about }) => `## ${title}\n\n${about}\n\n${table(keysOf(prefix))}`)
  return [HEAD, ...groups, pagesSection(), clientGroupsSection(), flagsSection()].join('\n')
}

function keysOf(prefix: string): SettingKey[] {
  return SETTING_KEYS.filter((key) => key.split('.', 1)[0] === prefix)
}

/** Settings that no group of the page would show; there are none. */
export function undocumentedKeys(): SettingKey[] {
  const shown = new Set(GROUPS.flatMap(({ prefix }) => keysOf(prefix)))
  return SETTING_KEYS.filter((key) => !shown.has(key))
}

function table(keys: readonly SettingKey[]): string {
  const rows = keys.map((key) => {
    const setting: Setting = SETTINGS[key]
    const help = setting.restart ? `${setting.help} *Restart.*` : setting.help
    return `| \`${key}\` | ${valuesOf(setting)} | ${fallbackOf(setting)} | ${setting.step ?? ''} | ${help} |`
  })
  return ['| key | values | default | step | what it does |', '|---|---|---|---|---|', ...rows, ''].join('\n')
}

function valuesOf(setting: Setting): string {
  switch (setting.kind) {
    case 'boolean':
      return 'true, false'
    case 'integer':
      return `${number(setting.min)} - ${number(setting.max)}`
    case 'fraction':
      return `${number(setting.min)} - ${number(setting.max)}`
    case 'lines':
      return `list of ${setting.form ?? 'texts'}, to ${number(setting.maxItems)}`
    case 'choice':
      return setting.of.map((choice) => `\`${choice}\``).join(', ')
    case 'pem':
      return `PEM text, to ${number(setting.maxBytes)} bytes`
    case 'secret':
      return `secret: ${setting.form === 'pem' ? 'PEM text' : 'one line'}, to ${number(setting.maxBytes)} bytes`
    case 'page':
      return 'text, `{enabled, content}`, false'
    case 'addresses':
      return 'list of addresses, CIDR blocks, ranges'
    case 'listen':
      return 'IP address, `*`'
    case 'media-types':
      return 'list of media types'
    case 'client-groups':
      return 'list of groups'
  }
}

function number(value: number): string {
  return String(value)
}

function fallbackOf(setting: Setting): string {
  if (setting.kind === 'page') return 'built-in page'
  if (Array.isArray(setting.fallback))
    return setting.fallback.length === 0 ? 'none' : `${setting.fallback.length} entries`
  if (setting.fallback === '') return 'none'
  return typeof setting.fallback === 'number' ? number(setting.fallback) : `\`${setting.fallback}\``
}

function pagesSection(): string {
  const rows = Object.entries(PAGE_TOKENS).map(([token, meaning]) => `| \`${token}\` | ${meaning} |`)
  return `## Tokens of notification pages

Each is replaced by its value, HTML-escaped; any other \`%WORD%\` stays. Examples: \`examples/pages/\`.
\`assay settings set pages.fileDownload @page.html\` sets a page, \`false\` switches it off (a bare HTTP 403), \`true\` on again, \`null\` goes back to
the built-in one.

| token | stands for |
|---|---|
${rows.join('\n')}
`
}

function clientGroupsSection(): string {
  return `## Client groups

\`clients.groups\` is a list of objects. A client is in the group of the smallest range that holds its address; the same range in two
groups is refused. A client in no group has the settings above, and the group name \`default\` in records.

| part | values | when absent |
|---|---|---|
| \`name\` | 1 - 64 characters, unique without regard to case, not \`default\` | refused |
| \`addresses\` | one or more addresses, CIDR blocks, \`LOW-HIGH\` ranges | refused |
| \`services\` | some of ${SERVICES.map((service) => `\`${service}\``).join(', ')}: those that these clients may call | all |
| \`policy.blockFrom\` | as \`policy.blockFrom\` | as the setting |
| \`policy.unscanned\` | \`{REASON: allow, block or error}\`, as many as wanted | as the settings |
| \`classifyPasswordProtected\` | as \`scan.classifyPasswordProtected\` | as the setting |
| \`dialect\` | ${DIALECTS.map((dialect) => `\`${dialect}\``).join(', ')}: whose headers a block carries | \`trend\` |
| \`trickle\` | true, false or \`{enabled, afterBytes, bytesPerSecond}\` | off |

\`trickle\` is for clients that cannot wait for the whole body (Squid before 6.13 stalls on bursts above 64 KB): after \`afterBytes\` of the body
(0 - 1,048,576; 32,768) the reply begins, and \`bytesPerSecond\` (0 - 10,485,760; 1,024; 0 = the head only) of it go out while the scan runs.
**It gives up the page and the headers of a block**: a reply that has begun can only be cut, and its first bytes are with the user, unscanned.
`
}

function flagsSection(): string {
  const rows = FLAGS.map(({ key, flag, variable }) => `| \`--${flag}\` | \`${variable}\` | \`${key}\` |`)
  return `## Flags and variables

| flag | variable | setting |
|---|---|---|
${rows.join('\n')}

In a settings file a page, the certificate, the key and the passphrase may be \`"@FILE"\`, named from the settings file's folder on
(\`"@@..."\` for a text that begins with @). Aliases, keys given twice and files above 10 MB are refused; faults name the line.
`
}
