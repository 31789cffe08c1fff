/**
 * Letters that look like Latin ones in the fonts of address bars: a choice of our own from the scripts that registries sell, not the
 * table of UTS 39. Right of the colon what looks like the letter left of it.
 */
const LOOKALIKES: readonly string[] = [
  'a:\u0430\u03b1\u0251\u0e04\uab7a',
  'b:\u0184\u0432\u042c\u044c\u0253\u13cf',
  'c:\u0441\u03f2\u1d04\u0188',
  'd:\u0501\u0257\u13e7',
  'e:\u0435\u0454\u04bd\u212e\u03b5\u0190',
  'f:\u0192\u0584\ua799\u03dd',
  'g:\u0261\u0581\u0260\u050d',
  'h:\u04bb\u0570\u0266\u13c2',
  'i:\u0456\u0131\u0269\u03b9\u04cf\u1d09\u13a5',
  'j:\u0458\u03f3\u029d',
  'k:\u043a\u03ba\u0199\u049b\u049d',
  'l:\u04c0\u01c0\u0399\u217c\u2113\u07ca',
  'm:\u043c\u217f\u0271',
  'n:\u043f\u0578\u057c\u03b7\u0272\u0273',
  'o:\u043e\u03bf\u0585\u0e50\u06f5\u0665\u0966\u00f8\u01a1\u03c3',
  'p:\u0440\u03c1\u1d29\u01a5',
  'q:\u051b\u0566\u0563\u024b',
  'r:\u0433\u1d26\u0280\u027c',
  's:\u0455\u0282\u01bd\ua731',
  't:\u0442\u03c4\u01ad\u0288',
  'u:\u057d\u03c5\u028b\u1d1c\u0446',
  'v:\u03bd\u0475\u1d20\u22c1',
  'w:\u051d\u0461\u026f\u0448\u03c9',
  'x:\u0445\u03c7\u00d7',
  'y:\u0443\u04af\u03b3\u028f\u1eff\u0263',
  'z:\u1d22\u0290\u01b6',
]

const LATIN_OF = new Map<string, string>()
for (const row of LOOKALIKES) for (const char of row.slice(2)) LATIN_OF.set(char, row.charAt(0))

const MARKS = /\p{M}+/gu
/** Figures and pairs that stand for letters even in ASCII; `i` falls in with `l` and `1`. */
const ASCII_LOOKALIKE = /rn|vv|[01i35|]/g
const ASCII_OF: Readonly<Record<string, string>> = {
  rn: 'm',
  vv: 'w',
  '0': 'o',
  '1': 'l',
  i: 'l',
  '|': 'l',
  '3': 'e',
  '5': 's',
}

/** What a label looks like: the same for two labels that an eye takes for the same. For comparing only. */
export function skeleton(label: string): string {
  return latin(label).replace(ASCII_LOOKALIKE, (seen) => ASCII_OF[seen] ?? seen)
}

/** Without accents, other scripts' letters as the Latin ones that they look like. */
function latin(label: string): string {
  if (!/[^\x20-\x7e]/.test(label)) return label
  let out = ''
  for (const char of label.normalize('NFKD').replace(MARKS, '')) out += LATIN_OF.get(char) ?? char
  return out
}
