/** What lures stand next to a brand's name or lead to; whole words only. */
export const LURES: ReadonlySet<string> = new Set(
  'login logon signin signon secure security verify verification account accounts update updates confirm support billing invoice payment payments unlock recover recovery suspended limited alert wallet auth authenticate password webscr helpdesk customer service services refund reward bonus gift claim'.split(
    ' ',
  ),
)

/**
 * Suffixes of which a large share of the names is abused, again and again: the former Freenom ones (free until 2024), and those that
 * Spamhaus' and Interisle's yearly lists of abused TLDs have in common. Honest sites live under each: a weak signal.
 */
export const SUSPICIOUS_TLDS: ReadonlySet<string> = new Set(
  'tk ml ga cf gq top xyz icu buzz cfd sbs rest click link work monster quest cyou bond zip mov country stream download loan racing win bid men date'.split(
    ' ',
  ),
)

/** Where anybody has a name under a registrable domain at once and for nothing. */
export const FREE_HOSTS: ReadonlySet<string> = new Set(
  '000webhostapp.com web.app firebaseapp.com netlify.app vercel.app pages.dev workers.dev r2.dev herokuapp.com github.io gitlab.io glitch.me repl.co replit.app weebly.com weeblysite.com wixsite.com wix.com blogspot.com wordpress.com webflow.io square.site godaddysites.com duckdns.org ddns.net no-ip.org ngrok.io ngrok-free.app trycloudflare.com azurewebsites.net web.core.windows.net onrender.com surge.sh fly.dev infinityfreeapp.com byethost.com mystrikingly.com yolasite.com jimdosite.com cloudfront.net'.split(
    ' ',
  ),
)

/** Windows starts these, or what they hold, with a double click; shells and package managers the rest. */
const PROGRAMS =
  'exe|scr|com|pif|bat|cmd|msi|msix|appx|js|jse|vbs|vbe|wsf|wsh|hta|lnk|ps1|cpl|dll|jar|apk|iso|img|vhd|sh|elf|bin|mips|arm7?|x86'
export const PROGRAM_EXTENSION = new RegExp(`\\.(${PROGRAMS})$`, 'i')
export const ARCHIVE_EXTENSION = /\.(zip|rar|7z|cab|ace|gz|tgz|xz)$/i
export const DOUBLE_EXTENSION =
  /\.(?:pdf|docx?|xlsx?|pptx?|jpe?g|png|gif|txt|mp[34])(?:%20|[\s_]){0,200}\.(?:exe|scr|com|pif|bat|cmd|js|jse|vbs|vbe|wsf|hta|lnk|ps1|msi|iso)$/i
