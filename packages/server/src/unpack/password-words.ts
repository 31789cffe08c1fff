/** Only so much of a text is read: what people write of passwords stands at its beginning. */
const MAX_TEXT = 64 * 1024
const MAX_WORD = 64
const MAX_NEAR_A_TEXT = 40

/** Words for "password" as mails have them, longest first where one begins like another. */
const KEYWORDS = [
  'passphrases?',
  'pass[ -]?words?',
  'pass[ -]?codes?',
  'passwd',
  'pass',
  'pwd',
  'pw',
  'passwor[dt]',
  'passwörter',
  'kennw(?:or|ör)t(?:er)?',
  'losung',
  'mots? de passe',
  'mdp',
  'contrase[nñ]as?',
  'clave',
  'senha',
  'palavra-passe',
  'parola(?: d.ordine)?',
  'wachtwoord',
  'lösenord',
  'salasana',
  'adgangskode',
  'passord',
  'has[lł]o',
  'heslo',
  'jelszó',
  '[sş]ifre',
  'parol[aei]?',
  'парол[ьяюе]м?',
]
/** These stand in the middle of a sentence: their scripts put no spaces between words. */
const UNSPACED_KEYWORDS = ['密[码碼]', '口令', 'パスワード', '비밀번호', '암호']

/** What may stand between the word and the password. Every repetition is bounded: the text is hostile. */
const BETWEEN = String.raw`(?:[ \t]{1,8}(?:for|für|pour|para|to|of|zum|zur|der|des|the|this|your|archive|archiv|attachment|attached|anhang|file|files|datei|zip|rar|document))`
const SAYS = String.raw`(?:\s{0,8}(?:[:=：＝-]|は|是|为|is|ist|lautet|est|es|é|was|are|—|–|->|=>))`
const NEAR = new RegExp(
  String.raw`(?:(?<![\p{L}\p{N}])(?:${KEYWORDS.join('|')})|${UNSPACED_KEYWORDS.join('|')})${BETWEEN}{0,6}${SAYS}{0,3}\s{0,16}(\S[^\r\n]{0,${MAX_WORD * 2}})`,
  'giu',
)
const QUOTED = /["'`“”„«»‘’「」『』[({<]([^\s"'`“”„«»‘’「」『』\])}>]{3,64})["'`“”„«»‘’「」『』\])}>]/gu
const TAG = /<\/?[a-z][^<>]{0,400}>/gi
const QUOTES = /^["'`“”„«»‘’「」『』[({<*_]{1,4}|["'`“”„«»‘’「」『』\])}>*_]{1,4}$/gu
const LAST_SIGNS = /[.,;:!?。，；！？)]{1,4}$/u

/** What stands behind a word for "password" (the word, its line, both without quotes and last signs) or in quotes. */
export function wordsNearKeywords(text: string): string[] {
  const plain = readable(text)
  const words = new Set<string>()
  // Matches must not swallow the next keyword: "password: Password1" is the word itself.
  NEAR.lastIndex = 0
  for (let match = NEAR.exec(plain); match !== null && words.size < MAX_NEAR_A_TEXT; match = NEAR.exec(plain)) {
    const rest = match[1] ?? ''
    NEAR.lastIndex -= rest.length - 1
    for (const word of readings(rest)) words.add(word)
  }
  for (const [, word = ''] of plain.matchAll(QUOTED)) {
    if (words.size >= MAX_NEAR_A_TEXT) break
    words.add(word)
  }
  return [...words].slice(0, MAX_NEAR_A_TEXT)
}

/** The password in "Abc123!. It opens ...": the word as it stands, without last signs, without quotes; then the whole line. */
function readings(rest: string): string[] {
  const [word = ''] = rest.split(/\s/u, 1)
  const line = rest.trim()
  const quoted = /^["'“„«‘「『]([^"'”“»’」』]{1,64})["'”“»’」』]/u.exec(line)?.[1]
  const all = [quoted ?? '', ...variants(word), ...(line === word ? [] : variants(line))]
  return all.filter((one) => one !== '' && one.length <= MAX_WORD)
}

function variants(word: string): string[] {
  const unquoted = word.replace(QUOTES, '')
  const bare = unquoted.replace(LAST_SIGNS, '').replace(QUOTES, '')
  return [bare, unquoted, word]
}

/** Every word that could be one, at most `most`, those with digits, signs or capitals inside first. */
export function plainWords(text: string, most: number): string[] {
  const words = new Set<string>()
  for (const [word] of readable(text).matchAll(/\S{3,64}/gu)) {
    const bare = word.replace(QUOTES, '').replace(LAST_SIGNS, '').replace(QUOTES, '')
    if (bare.length >= 3 && bare.length <= 32) words.add(bare)
    if (words.size >= most * 20) break
  }
  const all = [...words]
  const isOdd = (word: string) => /[^\p{Ll}]/u.test(word.slice(1))
  return [...all.filter(isOdd), ...all.filter((word) => !isOdd(word))].slice(0, most)
}

/** Of `Invoice_4711 (pw abc).zip`: what follows "pw", the name without its endings, whole, its parts, its digits. */
export function nameWords(fileName: string): string[] {
  const name = fileName.slice(-200)
  if (name === '') return []
  const stem = name.replace(/(?:\.[a-z0-9]{1,5}){1,3}$/i, '')
  const parts = stem.split(/[\s_.,;()[\]{}+-]{1,16}/u).filter((part) => part.length >= 3)
  const digits = stem.match(/\d{3,32}/g) ?? []
  const near = wordsNearKeywords(stem.replaceAll('_', ' '))
  const all = [...near, stem, ...digits, ...parts, name].filter((word) => word.length <= MAX_WORD)
  return [...new Set(all)].filter((word) => word !== '').slice(0, 12)
}

function readable(text: string): string {
  const start = text.slice(0, MAX_TEXT)
  if (!start.includes('<') && !start.includes('&')) return start
  return start
    .replace(TAG, ' ')
    .replace(/&nbsp;|&#160;/gi, ' ')
    .replace(/&lt;/gi, '<')
    .replace(/&gt;/gi, '>')
    .replace(/&quot;|&#34;/gi, '"')
    .replace(/&#39;|&apos;/gi, "'")
    .replace(/&amp;/gi, '&')
}
