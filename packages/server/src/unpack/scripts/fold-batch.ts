import type { Folded } from './fold.ts'

const SET = /^[ \t@(]{0,40}set[ \t]{1,9}"?([^=\r\n"&|]{1,80})=([^\r\n]{0,8000})$/i
const USE = /%([^%:\r\n]{1,80})(?::~(-?\d{1,5})(?:,(-?\d{1,5}))?|:([^=%\r\n]{1,200})=([^%\r\n]{0,200}))?%/g
const MAX_VARIABLES = 4000
const MAX_VALUE = 64 * 1024
const MAX_OUTPUT = 16 * 1024 * 1024

/** Known at every machine; obfuscators cut letters out of them. */
const FIXED: readonly (readonly [string, string])[] = [
  ['comspec', 'C:\\Windows\\System32\\cmd.exe'],
  ['systemroot', 'C:\\Windows'],
  ['windir', 'C:\\Windows'],
  ['programfiles', 'C:\\Program Files'],
  ['public', 'C:\\Users\\Public'],
  ['os', 'Windows_NT'],
  ['pathext', '.COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.MSC'],
]
/** Those stand in honest batch files too: putting them in is no unfolding. */
const PLACES = new Set(FIXED.map(([name]) => name))

/** Runs the SETs of a batch file line by line, puts variables in (`%x%`, `%x:~3,1%`, `%x:a=b%`) and takes carets out. */
export function foldBatch(text: string): Folded {
  const variables = new Map<string, string>(FIXED)
  const out: string[] = []
  let folds = 0
  let length = 0
  for (const line of text.split('\n')) {
    const put = substitute(line, variables)
    folds += put.folds
    const plain = put.text.includes('^') ? withoutCarets(put.text) : put.text
    // One caret continues a line or shields a sign; several inside words hide them.
    if (put.text.length - plain.length >= 4 && /\w\^\w/.test(put.text)) folds++
    const set = SET.exec(plain.trimEnd())
    if (set !== null && variables.size < MAX_VARIABLES)
      variables.set((set[1] ?? '').trim().toLowerCase(), (set[2] ?? '').replace(/"$/, '').slice(0, MAX_VALUE))
    length += plain.length
    if (length > MAX_OUTPUT) break
    out.push(plain)
  }
  return { text: out.join('\n'), folds, values: [] }
}

function substitute(line: string, variables: ReadonlyMap<string, string>): Omit<Folded, 'values'> {
  if (!line.includes('%')) return { text: line, folds: 0 }
  let folds = 0
  let room = MAX_VALUE * 4
  const text = line.replace(
    USE,
    (whole: string, name: string, from?: string, count?: string, what?: string, by?: string) => {
      const value = variables.get(name.trim().toLowerCase())
      if (value === undefined || room < 0) return whole
      if (from !== undefined || !PLACES.has(name.toLowerCase())) folds++
      const result =
        from !== undefined
          ? cut(value, Number(from), count)
          : what !== undefined
            ? value.split(what).join(by ?? '')
            : value
      room -= result.length
      return result
    },
  )
  return { text, folds }
}

/** `%x:~from,count%`: negative numbers count from the end. */
function cut(value: string, from: number, count: string | undefined): string {
  const start = from < 0 ? Math.max(0, value.length + from) : from
  if (count === undefined) return value.slice(start)
  const length = Number(count)
  return length < 0 ? value.slice(start, length) : value.slice(start, start + length)
}

/** `^^` is a caret, `^x` an x; inside quotes carets stay. */
function withoutCarets(line: string): string {
  return line.replace(/"[^"]{0,8000}"|\^(.?)/g, (whole, char?: string) =>
    whole.startsWith('"') ? whole : (char ?? ''),
  )
}
