import { JS, POWERSHELL, VBS } from './dialects.ts'
import { type Dialect, type FoldBudget, type Folded, type FoldedValue, foldBudget, foldConstants } from './fold.ts'
import { foldBatch } from './fold-batch.ts'
import { decodeScript } from './script-encoder.ts'

export interface Unfolded {
  readonly text: string
  /** Whether it shows anything that the text did not. */
  readonly reveals: boolean
  /** Long values that came out, by where they stood in the source (in the text of a later round: at its beginning). */
  readonly values: readonly FoldedValue[]
}

/** What one round shows may hold constants again. */
const MAX_ROUNDS = 4

const DIALECTS: Readonly<Record<string, Dialect>> = { js: JS, vbs: VBS, vbe: VBS, ps1: POWERSHELL }

/** Puts the values of constant expressions in their place. `type`: the true type's name. Bounded in time and size by the text's length. */
export function unfold(source: string, type: string): Unfolded {
  const decoded = decodeScript(source)
  let text = decoded ?? source
  let folds = decoded === undefined ? 0 : 1
  const values: FoldedValue[] = []
  const budget = foldBudget(text)
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = foldOnce(
      text,
      type === 'vbe' && /\bvar\s|\bfunction\s{0,9}\w{0,60}\s{0,9}\([^)]{0,200}\)\s{0,9}\{/.test(text) ? 'js' : type,
      budget,
    )
    if (next.folds === 0) break
    folds += next.folds
    for (const { value, index } of next.values)
      values.push({ value, index: round === 0 && decoded === undefined ? index : 0 })
    text = next.text
  }
  return { text, reveals: folds > 0 && text !== source, values }
}

function foldOnce(text: string, type: string, budget: FoldBudget): Folded {
  if (type === 'bat') return foldBatch(text)
  const dialect = DIALECTS[type]
  if (dialect === undefined) return { text, folds: 0, values: [] }
  if (type !== 'ps1') return foldConstants(text, dialect, budget)
  const plain = withoutBackticks(text)
  const folded = foldConstants(plain.text, dialect, budget)
  return { ...folded, folds: folded.folds + plain.folds }
}

/** PowerShell reads `i`nv`oke` as invoke; at a line's end a backtick continues it, before n, r, t, 0 in a string it is an escape. */
function withoutBackticks(text: string): Omit<Folded, 'values'> {
  let folds = 0
  const plain = text.replace(/([a-z])`(?=[a-z])(?![nrt0abfv]\b)/gi, (_, letter: string) => {
    folds++
    return letter
  })
  // One alone is a slip or an escape in a text.
  return { text: plain, folds: folds > 1 ? folds : 0 }
}
