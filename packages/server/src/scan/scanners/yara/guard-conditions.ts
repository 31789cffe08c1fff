/**
 * YARA-X 1.20 ties a rule's tests of size and first bytes (`filesize < N`, `uint16(0) == K`) to its text strings, and applies them to
 * every rule that has an identical string, in whichever file: that rule then never matches. Where the tests are not the whole of
 * a condition it does not. So `condition: X` becomes `condition: (X) or false`, which means the same; lines stay where they are.
 * What cannot be taken apart is left as it stands: the compiler says what is wrong with it.
 */
export function guardConditions(source: string): string {
  const places = conditionsIn(source)
  let out = ''
  let done = 0
  for (const { from, to } of places) {
    const condition = source.slice(from, to)
    if (!TIED.test(condition)) continue
    // A comment at the end of the condition's last line must not swallow what is added.
    out += `${source.slice(done, from)} (${condition}\n) or false `
    done = to
  }
  return done === 0 ? source : out + source.slice(done)
}

const TIED = /\b(?:filesize|u?int(?:8|16|32)(?:be)?)\b/

interface Place {
  /** Behind the colon, and at the closing brace. */
  readonly from: number
  readonly to: number
}

/** Comments, texts and regular expressions are passed over, to the end where they have none; the first brace behind `condition:` then closes the rule. */
const TOKEN =
  /\/\/[^\n]*|\/\*(?:[\s\S]*?\*\/|[\s\S]*)|"(?:[^"\\\n]|\\.)*"?|\/(?![/*])(?:[^/\\\n]|\\.)+\/?|[$#@!]\w*|\bcondition\s*:|[\w.]+|\}/g

function conditionsIn(source: string): readonly Place[] {
  const places: Place[] = []
  let from = -1
  for (const match of source.matchAll(TOKEN)) {
    const [token] = match
    if (token.startsWith('condition') && token.endsWith(':')) from = match.index + token.length
    else if (token === '}' && from >= 0) {
      places.push({ from, to: match.index })
      from = -1
    }
  }
  return places
}
