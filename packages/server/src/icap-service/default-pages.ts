import type { PageEvent } from './notification-page.ts'

const STYLE = `
:root { color-scheme: light dark; --ground: #f4f5f7; --card: #fff; --text: #1c2430; --dim: #5b6675; --line: #dfe3e8; --mark: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ground: #12161c; --card: #1b212a; --text: #e8ebef; --dim: #9aa5b3; --line: #303946; --mark: #ff8a80 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground); color: var(--text); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", sans-serif }
main { width: 100%; max-width: 40rem; background: var(--card); border: 1px solid var(--line); border-top: 4px solid var(--mark); border-radius: 10px; padding: 2rem }
.event { margin: 0; color: var(--mark); font-size: .8rem; font-weight: 600; letter-spacing: .06em; text-transform: uppercase }
h1 { margin: .25rem 0 .75rem; font-size: 1.5rem; line-height: 1.25 }
dl { margin: 1.5rem 0; display: grid; grid-template-columns: max-content 1fr; gap: .5rem 1.25rem; border-top: 1px solid var(--line); padding-top: 1.25rem }
dt { color: var(--dim) }
dd { margin: 0; overflow-wrap: anywhere }
small { color: var(--dim) }
@media (max-width: 30rem) { main { padding: 1.25rem } dl { grid-template-columns: 1fr; gap: .1rem } dd { margin-bottom: .6rem } }`

function page(title: string, lead: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${STYLE}
</style>
</head>
<body>
<main>
<p class="event">%EVENT%</p>
<h1>${title}</h1>
<p>${lead}</p>
<dl>
<dt>Threat</dt><dd>%THREAT%</dd>
<dt>Reason</dt><dd>%REASON%</dd>
<dt>Address</dt><dd>%URL%</dd>
<dt>Time</dt><dd>%TIME%</dd>
<dt>Reference</dt><dd>%TRANSACTION%</dd>
</dl>
<small>If you believe that this is a mistake, tell your administrator the reference above.</small>
</main>
</body>
</html>
`
}

/** What users see until an administrator uploads pages of their own: self-contained, no script, light and dark. */
export const DEFAULT_PAGES: { readonly [E in PageEvent]: string } = {
  urlAccess: page(
    'This address is blocked',
    'Your organisation does not let this address be opened, because it is known or suspected to do harm.',
  ),
  fileUpload: page(
    'This upload is blocked',
    'What you tried to send was checked and was not let through. Nothing has been sent.',
  ),
  fileDownload: page(
    'This download is blocked',
    'What you tried to fetch was checked and was not let through. Nothing has been saved.',
  ),
}
