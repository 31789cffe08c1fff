import { createHash } from 'node:crypto'
import type { Status } from './contract.ts'

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}
h1{font-size:1.4rem}h2{font-size:1.05rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #d9dee5;vertical-align:top}
.good{color:#176b3a}.bad{color:#a3161d}`

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/** No script, no frame, no form, nothing from elsewhere; the one style by its hash. */
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
}

/** The page and the headers that it must go out with. Names and counts only: details stand in `assay status`. */
export function statusPage(status: Status): { text: string; headers: Record<string, string> } {
  return { text: htmlOf(status), headers: { 'content-security-policy': POLICY, 'cache-control': 'no-store' } }
}

function htmlOf(status: Status): string {
  const { ready, reasons } = status.readiness
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Assay: ${ready ? 'ready' : 'not ready'}</title>
<style>${STYLE}</style></head>
<body>
<h1>Assay ${escapeHtml(status.version)} is <span class="${ready ? 'good' : 'bad'}">${ready ? 'ready' : 'not ready'}</span></h1>
${reasons.map((reason) => `<p class="bad">${escapeHtml(reason)}</p>`).join('\n')}
<h2>Engines</h2>
${table(
  ['engine', 'state', 'version'],
  status.engines.map(({ engine, state, version }) => [engine, state, version]),
)}
<h2>Listeners</h2>
${table(
  ['listener', 'state'],
  status.listeners.map(({ name, state }) => [name, state]),
)}
<h2>Load</h2>
${table(['what', 'now'], loadRows(status))}
<p>More: <code>assay status</code></p>
</body>
</html>
`
}

function loadRows({ connections, journal, store, rules, startedMs }: Status): string[][] {
  return [
    ['started', new Date(startedMs).toISOString()],
    ['connections', `${connections.inUse} of ${connections.max}`],
    ['journal backlog', `${journal.backlogRecords} records`],
    ['store', store.state],
    ['rules', `${rules.loaded} loaded, ${rules.slow.length} files slow, ${rules.quarantined.length} quarantined`],
  ]
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`
  return `<table>${line(head, 'th')}${rows.map((row) => line(row, 'td')).join('')}</table>`
}
