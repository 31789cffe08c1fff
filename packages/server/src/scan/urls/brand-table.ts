/** A name that people trust, and the registrable domains that are its own. */
export interface Brand {
  /** As it stands in host names: lower case, letters, digits and hyphens. */
  readonly name: string
  readonly domains: readonly string[]
}

/**
 * Those most imitated worldwide (quarterly lists of phished brands agree on nearly all). An administrator adds the banks and
 * authorities of the country, and the organisation itself. Short names and common words (chase, visa, ups, meta, x) are left out:
 * as parts of honest names they are everywhere.
 */
const ROWS: readonly string[] = [
  'paypal: paypal.com paypal.me paypalobjects.com paypal-community.com paypal-knowledge.com paypal-engineering.com',
  'microsoft: microsoft.com microsoftonline.com microsoftstore.com azure.com microsoft365.com',
  'office365: office365.com office.com microsoft.com',
  'outlook: outlook.com live.com office.com office365.com microsoft.com',
  'onedrive: onedrive.com live.com microsoft.com',
  'sharepoint: sharepoint.com microsoft.com',
  'google: google.com googleapis.com googleusercontent.com gstatic.com google.dev googlecode.com googleblog.com googlesource.com goo.gl withgoogle.com googlegroups.com googletagmanager.com google-analytics.com',
  'gmail: gmail.com google.com',
  'youtube: youtube.com youtu.be youtube-nocookie.com',
  'apple: apple.com icloud.com apple.news',
  'icloud: icloud.com apple.com',
  'amazon: amazon.com amazonaws.com amazon.dev amazonses.com media-amazon.com ssl-images-amazon.com amazon-adsystem.com amazonpay.com',
  'facebook: facebook.com fb.com facebook.net fbcdn.net facebookmail.com',
  'instagram: instagram.com cdninstagram.com',
  'whatsapp: whatsapp.com whatsapp.net',
  'twitter: twitter.com x.com',
  'linkedin: linkedin.com licdn.com',
  'netflix: netflix.com netflix.net nflxvideo.net',
  'spotify: spotify.com scdn.co spotifycdn.com',
  'telegram: telegram.org telegram.me t.me',
  'discord: discord.com discordapp.com discord.gg',
  'dropbox: dropbox.com dropboxusercontent.com',
  'docusign: docusign.com docusign.net',
  'adobe: adobe.com adobe.io typekit.net adobelogin.com',
  'github: github.com github.io githubusercontent.com githubassets.com github.dev github.blog',
  'coinbase: coinbase.com',
  'binance: binance.com binance.org binance.us',
  'metamask: metamask.io',
  'trezor: trezor.io',
  'ledgerlive: ledger.com',
  'trustwallet: trustwallet.com',
  'kucoin: kucoin.com',
  'blockchain: blockchain.com blockchain.info',
  'steamcommunity: steamcommunity.com steampowered.com',
  'roblox: roblox.com rbxcdn.com',
  'ebay: ebay.com ebaystatic.com ebayimg.com',
  'alibaba: alibaba.com alibabacloud.com alibabagroup.com',
  'walmart: walmart.com',
  'wellsfargo: wellsfargo.com',
  'bankofamerica: bankofamerica.com bofa.com',
  'citibank: citibank.com citi.com',
  'americanexpress: americanexpress.com aexp-static.com',
  'mastercard: mastercard.com mastercard.us',
  'santander: santander.com santander.co.uk',
  'barclays: barclays.com barclays.co.uk',
  'deutschebank: deutsche-bank.de db.com',
  'sparkasse: sparkasse.de sparkasse.at',
  'commerzbank: commerzbank.de commerzbank.com',
  'postbank: postbank.de',
  'fedex: fedex.com',
]

export const DEFAULT_BRANDS: readonly Brand[] = ROWS.map((row) => {
  const [name = '', domains = ''] = row.split(': ')
  return { name, domains: domains.split(' ') }
})

/** Honest names one letter away from a brand's. */
export const HONEST_NEIGHBOURS: ReadonlySet<string> = new Set(
  'finance cloud paypay discard outlooks citybank telegrams barclay'.split(' '),
)
