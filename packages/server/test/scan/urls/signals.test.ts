import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { domainToASCII } from 'node:url'
import fc from 'fast-check'
import { type Brand, DEFAULT_BRANDS } from '../../../src/scan/urls/brand-table.ts'
import { combinedRisk } from '../../../src/scan/urls/signal-rating.ts'
import { urlSignals } from '../../../src/scan/urls/signals.ts'

const BRANDS: readonly Brand[] = [...DEFAULT_BRANDS, { name: 'hausbank', domains: ['hausbank.example'] }]
const rtl = '\u202e'

/** `RISK id id ...` */
function judged(url: string): string {
  const signals = urlSignals(url, BRANDS)
  return [combinedRisk(signals), ...signals.map(({ id }) => id)].join(' ')
}

type Row = readonly [url: string, expected: string, because: string]

const ADDRESSES: readonly Row[] = [
  ['http://3325256705/a', 'medium obfuscated-address', 'the address is one number'],
  ['http://0xc6336401/', 'medium obfuscated-address', 'it is hexadecimal'],
  ['http://0306.063.0144.01/', 'medium obfuscated-address', 'it is octal'],
  ['http://198.0x33.100.1/', 'medium obfuscated-address', 'one part is hexadecimal'],
  ['http://198.3368961/', 'medium obfuscated-address', 'two parts make four'],
  [
    'http://\uff11\uff19\uff18\uff0e\uff15\uff11\uff0e\uff11\u3002\uff11/',
    'medium obfuscated-address',
    'the digits are full-width',
  ],
  ['http://198.51.100.1/', 'none address-host', 'an address is no crime'],
  ['http://198.51.100.1./', 'none address-host', 'nor is its final dot'],
  ['http://[2001:db8::1]:8080/', 'none address-host', 'nor is IPv6'],
  ['http://10.0.0.1/setup.exe', 'none program-extension', 'a private address is inside the house'],
  ['http://[fe80::1%25eth0]/a.sh', 'none program-extension', 'link-local too'],
  [
    'http://198.51.100.1/bins/x.mips',
    'medium address-host program-at-address',
    'programs come from names, bots from addresses',
  ],
  ['http://198.51.100.1/a.zip?x=1', 'low address-host program-at-address', 'an archive may be honest'],
  ['http://198.51.100.1/index.html', 'none address-host', 'a page is no program'],
  ['http://256.1.1.1/', 'none', 'that is no address, and no name either'],
  ['http://1.2.3.4.example.org/', 'none', 'it is a name that begins like one'],
  ['http://4chan.example/', 'none', 'a digit is no address'],
]

const AUTHORITIES: readonly Row[] = [
  ['https://www.hausbank.example@evil.example/', 'medium host-as-user', 'the bank is a user name'],
  ['https://hausbank.com:443@evil.example/', 'medium host-as-user', 'with a password that looks like a port'],
  ['https://hausbank.com%2flogin@evil.example/', 'medium host-as-user', 'with a slash that is none'],
  ['https://maria@files.example/', 'none user-in-url', 'a user name is no host'],
  ['https://medium.example/@maria', 'none', 'behind the slash an @ says nothing'],
  ['ftp://maria@example.com@files.example/', 'none', 'with FTP a mail address is a password of old'],
  ['https://good.example\\@evil.example/', 'medium backslash-authority', 'browsers end the host at the backslash'],
  ['http:\\\\evil.example/', 'low backslash-authority', 'browsers take backslashes for slashes'],
  ['http://x.example/a\\b', 'none', 'in the path it is only a letter'],
  ['http://%65vil.example/', 'medium encoded-host', 'a letter of the host is encoded'],
  ['http://%CF%80.example/', 'low encoded-host', 'an IDN in percent signs is clumsy'],
  ['http://ev\u200bil.example/', 'medium invisible-in-host', 'a zero width hides in the name'],
  ['http://x.example:99999/', 'low odd-port', 'there is no such port'],
  ['http://x.example:443/', 'none odd-port', 'http at the port of https'],
  ['http://x.example:8080/', 'none', 'an ordinary port'],
  ['http://x.example:/', 'none', 'an empty port is the default'],
]

const NAMES: readonly Row[] = [
  ['https://p\u0430ypal.com/', 'medium mixed-scripts brand-lookalike', 'one a is Cyrillic'],
  ['https://xn--pypal-4ve.com/', 'medium mixed-scripts brand-lookalike', 'the same as DNS has it'],
  ['https://\u0430\u0440\u0440\u04cf\u0435.com/', 'medium brand-lookalike', 'all letters are Cyrillic (Zheng, 2017)'],
  ['https://xn--80ak6aa92e.com/', 'medium brand-lookalike', 'the same as DNS has it'],
  ['https://payp\u00e1l.com/', 'medium brand-lookalike', 'an accent on one letter'],
  ['https://paypa1.com/', 'medium brand-lookalike', 'a figure for a letter'],
  ['https://rnicrosoft.com/', 'medium brand-lookalike', 'r and n for m'],
  ['https://g00gle-login.example/', 'medium brand-lookalike', 'in one word of the label'],
  ['https://faceb\u03bf\u03bfk.example/', 'medium mixed-scripts brand-lookalike', 'Greek between Latin letters'],
  ['https://m\u00fcnchen.de/', 'none', 'an honest IDN'],
  ['https://xn--mnchen-3ya.de/', 'none', 'an honest IDN as DNS has it'],
  ['https://\u043f\u0440\u0438\u0432\u0435\u0442.\u0440\u0444/', 'none', 'Cyrillic alone'],
  ['https://\u65e5\u672c\u8a9e\u30c6\u30b9\u30c8abc.jp/', 'none', 'Japanese mixes by nature'],
  ['https://\ud55c\uad6d\uc5b4abc.kr/', 'none', 'Korean with Latin'],
  ['https://\u0645\u062b\u0627\u0644.example/', 'none', 'Arabic alone'],
  ['https://xn--99999999.example/', 'low damaged-punycode', 'that Punycode decodes to nothing'],
  ['https://www.xn--p1ai/', 'none', 'a suffix may be an IDN'],
  ['https://paypal.com/signin', 'none', 'the brand itself'],
  ['https://www.paypal.com./signin', 'none', 'the brand itself with a final dot'],
  ['https://PayPal.COM/signin', 'none', 'the brand itself in capitals'],
  ['https://www.amazon.de/', 'none', 'a brand in another country'],
  ['https://www.google.co.jp/', 'none', 'and below a second level'],
  ['https://paypal.com.evil.example/', 'medium brand-domain-in-subdomain', "the brand's domain before another"],
  ['https://www.hausbank.example.x.evil.co.uk/', 'medium brand-domain-in-subdomain', "an own brand's too"],
  ['https://www.paypal.com.ezproxy.uni.example/', 'low brand-domain-in-subdomain', 'a library gives access to it'],
  ['https://paypal.evil.example/', 'none brand-in-subdomain', 'the name alone may be a customer'],
  ['https://paypal-login.evil.example/', 'low brand-in-subdomain', 'the name and a lure'],
  ['https://paypal-login.evil.example/verify', 'medium brand-in-subdomain lure-word', 'and one more in the path'],
  ['https://paypal-login.example/', 'medium brand-with-lure', 'the name and a lure in the domain'],
  ['https://secure-paypal.example/', 'medium brand-with-lure', 'the other way around'],
  ['https://paypallogin.example/', 'medium brand-with-lure', 'without a hyphen'],
  ['https://apple-orchard.example/', 'none', 'the name beside an honest word'],
  ['https://pineapple.example/', 'none', 'the name within a word'],
  ['https://paypal.tk/', 'low suspicious-tld brand-with-suspicious-tld', 'the name under a cheap suffix'],
  ['https://paypal.tk/login', 'low suspicious-tld brand-with-suspicious-tld lure-word', 'with a lure still low'],
  ['https://netfilx.example/', 'low brand-typo', 'two letters changed over'],
  ['https://micosoft.example/', 'low brand-typo', 'one letter missing'],
  ['https://faceboook.example/login', 'medium brand-typo lure-word', 'one too many, and a lure'],
  ['https://finance.example/', 'none', 'a word of its own, one letter from a brand'],
  ['https://ample.example/', 'none', 'short names have too many neighbours'],
  ['https://paypal.web.app/', 'none brand-on-free-hosting', 'anybody may write about a brand'],
  ['https://paypal.web.app/login', 'medium brand-on-free-hosting lure-word', 'but not ask for its password'],
  ['https://paypal-verify.web.app/', 'medium brand-on-free-hosting', 'nor call himself so'],
  ['https://netflix00027.blogspot.com/', 'none brand-on-free-hosting', 'the name within another, on a free host'],
  ['https://supportnetflix00027.blogspot.com/', 'medium brand-on-free-hosting', 'with a lure'],
  ['https://coinbose.weebly.com/signin', 'medium brand-typo lure-word', 'a typo on a free host, and a lure'],
  ['https://paypal-verify.github.io/', 'medium brand-on-free-hosting', "a brand's domain that hosts others"],
  ['https://google.github.io/styleguide/', 'none brand-on-free-hosting', 'as brands do themselves'],
  ['https://evil.example/paypal.com/index', 'none brand-domain-in-path', "a brand's domain in a path"],
  [
    'https://archive.example/web/2020/https://www.paypal.com/',
    'none brand-domain-in-path',
    'an archive has all of them',
  ],
  ['https://a.b.c.d.e.f.example.org/', 'none many-subdomains', 'six names below a domain'],
  [`https://${'a-'.repeat(38)}a.example/`, 'none long-host', 'a long name'],
  ['https://kq3v9x7z2h5j8w4n.example/', 'low random-label', 'drawn by lot'],
  [
    'https://xkqwzrtvbnmpl.top/x.exe',
    'low suspicious-tld random-label program-extension',
    'with a cheap suffix and a program',
  ],
  ['https://donaudampfschiff.example/', 'none', 'a long word'],
  ['https://www.schwarzwaldmilch.example/', 'none', 'many consonants in German'],
]

const PATHS: readonly Row[] = [
  ['http://x.example/invoice.pdf.exe?x=1', 'low double-extension program-extension', 'a document, a program'],
  ['http://x.example/photo.jpg%20%20%20.scr', 'low double-extension program-extension', 'with blanks between'],
  ['http://x.example/archive.tar.gz', 'none', 'two extensions may be honest'],
  ['http://x.example/jquery.min.js', 'none program-extension', 'a script of a page'],
  ['http://x.example/a%E2%80%AEfdp.exe', 'medium right-to-left program-extension', 'the name runs backwards'],
  [`http://x.example/a${rtl}fdp.exe`, 'medium right-to-left program-extension', 'not encoded'],
  ['http://x.example/%6c%6f%67%69%6e%2e%70%68%70', 'low needless-encoding', 'letters are encoded'],
  ['http://x.example/caf%C3%A9%20menu', 'none', 'what must be encoded is'],
  ['http://x.example/%252e%252e/etc', 'none double-encoding', 'encoded twice'],
  ['http://x.example/a.php%00.jpg', 'low encoded-nul', 'a NUL ends the name for some'],
  ['http://x.example/go?url=https://other.example/', 'none url-in-query', 'redirects are everywhere'],
  ['javascript:alert(1)', 'medium script-scheme', 'it runs in the page'],
  ['data:text/html,<script>1</script>', 'low script-scheme', 'a page in a URL'],
  ['data:image/png;base64,AAAA', 'none', 'a picture in a URL'],
  ['', 'none', 'there is nothing'],
  ['not a url', 'none', 'that is none'],
  ['http://', 'none', 'that is only a beginning'],
  ['//proxy.example', 'none', 'only a host (CONNECT)'],
]

for (const [what, rows] of Object.entries({
  addresses: ADDRESSES,
  authorities: AUTHORITIES,
  names: NAMES,
  paths: PATHS,
}))
  describe(`Signals of ${what}`, () => {
    for (const [url, expected, because] of rows)
      it(`${expected}: ${because}`, () => assert.equal(judged(url), expected))
  })

describe('Signals', () => {
  it('tell why in one printable, bounded line', () => {
    const urls = [...ADDRESSES, ...AUTHORITIES, ...NAMES, ...PATHS].map(([url]) => url)
    const details = urls.flatMap((url) => urlSignals(url, BRANDS).map(({ detail }) => detail))
    assert.ok(details.length > 60)
    for (const detail of details) assert.match(detail, /^[\x20-\x7e]{3,400}$/)
  })

  it('take the word of whoever knows the public suffixes', () => {
    const never = urlSignals('https://paypal-login.city.kawasaki.jp/', BRANDS, () => undefined)
    assert.deepEqual(never, [])
    const city = urlSignals('https://paypal-login.city.kawasaki.jp/', BRANDS, () => 'paypal-login.city.kawasaki.jp')
    assert.deepEqual(
      city.map(({ id }) => id),
      ['brand-with-lure'],
    )
  })

  it('know no brand where none is named', () => assert.deepEqual(urlSignals('https://paypal-login.example/', []), []))

  it('never throw, whatever the text is, and are the same each time', () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.webUrl(),
      fc.domain(),
      fc.constantFrom('paypal', '%', '@', '\\', '[', '://', 'xn--', '.', ':'),
    )
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 8 }),
        fc.constantFrom('', 'http://', 'https:\\\\', 'data:'),
        (parts, scheme) => {
          const url = scheme + parts.join('')
          assert.deepEqual(urlSignals(url, BRANDS), urlSignals(url, BRANDS))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('are the same for an IDN in Unicode and in Punycode', () => {
    const letters = fc.constantFrom(...'paypl\u0430\u0440\u0443\u03b1\u00e9\u4e2d\u30c6')
    fc.assert(
      fc.property(fc.string({ unit: letters, minLength: 1, maxLength: 12 }), (label) => {
        const ascii = domainToASCII(`${label}.example`)
        if (ascii !== '') assert.equal(judged(`http://${label}.example/`), judged(`http://${ascii}/`))
      }),
      { numRuns: 500 },
    )
  })

  it('do not take long over what is long', () => {
    const LONG = [
      'a.'.repeat(50_000),
      '.pdf '.repeat(20_000),
      '%'.repeat(100_000),
      'paypal.com/'.repeat(9_000),
      '@a.com:'.repeat(9_000),
      '1.'.repeat(40_000),
    ]
    const startedMs = performance.now()
    for (const text of LONG)
      for (const url of [`http://${text}`, `http://x.example/${text}`, text]) urlSignals(url, BRANDS)
    // Linear work is some milliseconds; anything quadratic in 100,000 characters would be minutes.
    assert.ok(performance.now() - startedMs < 5_000)
  })
})
