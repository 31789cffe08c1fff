import type { OpenRun } from '../opener.ts'
import { lookAtInstruction } from './ole-fields.ts'
import type { XmlToken } from './ooxml-xml.ts'

const MAX_NESTED = 64
const MAX_INSTRUCTION = 8192

interface Field {
  instruction: string
  /** Behind the mark that separates the instruction from its result. */
  inResult: boolean
  result: string
}

/**
 * Fields of WordprocessingML (ECMA-376-1 17.16): the instruction is often cut into many runs, and parts of it may be the result of other
 * fields (`QUOTE 99 109 100` is `cmd`). Fed with every token of a part.
 */
export class WordFields {
  readonly #run: OpenRun
  readonly #open: Field[] = []
  #inInstruction = false
  #inText = false

  constructor(run: OpenRun) {
    this.#run = run
  }

  take(token: XmlToken): void {
    if (token.kind === 'text') {
      if (this.#inInstruction) this.#append(token.text)
      else if (this.#inText) this.#appendResult(token.text)
      return
    }
    const opens = token.kind === 'open' && !token.closed
    if (token.name === 'instrText') this.#inInstruction = opens
    else if (token.name === 't') this.#inText = opens
    if (token.kind !== 'open') return
    if (token.name === 'fldSimple')
      lookAtInstruction((token.attributes.get('instr') ?? '').slice(0, MAX_INSTRUCTION), this.#run)
    else if (token.name === 'fldChar') this.#mark(token.attributes.get('fldCharType') ?? '')
  }

  /** A part that ends inside a field. */
  end(): void {
    while (this.#open.length > 0) this.#close()
  }

  #mark(type: string): void {
    const top = this.#open.at(-1)
    if (type === 'begin' && this.#open.length < MAX_NESTED)
      this.#open.push({ instruction: '', inResult: false, result: '' })
    else if (type === 'separate' && top !== undefined) top.inResult = true
    else if (type === 'end') this.#close()
  }

  #append(text: string): void {
    const top = this.#open.at(-1)
    // Word takes instruction text for a field even where no mark began it.
    if (top === undefined) lookAtInstruction(text.slice(0, MAX_INSTRUCTION), this.#run)
    else if (top.instruction.length < MAX_INSTRUCTION) top.instruction += text
  }

  #appendResult(text: string): void {
    const top = this.#open.at(-1)
    if (top !== undefined && top.result.length < MAX_INSTRUCTION) top.result += text
  }

  /** What a nested field came to belongs to the instruction around it. */
  #close(): void {
    const field = this.#open.pop()
    if (field === undefined) return
    const text = quotedText(field.instruction) ?? field.result
    const around = this.#open.at(-1)
    if (around !== undefined && !around.inResult && around.instruction.length < MAX_INSTRUCTION)
      around.instruction += text
    lookAtInstruction(field.instruction, this.#run)
  }
}

/** `QUOTE 99 109 100` and `SET x "..."` are ways to hide an instruction; undefined for other fields. */
function quotedText(instruction: string): string | undefined {
  const codes = /^\s{0,40}QUOTE\s{1,40}((?:\d{1,5}\s{0,8}){1,4000})$/i.exec(instruction)?.[1]
  if (codes !== undefined) return String.fromCharCode(...codes.trim().split(/\s+/).map(Number))
  return /^\s{0,40}QUOTE\s{1,40}"([^"]{0,8000})"/i.exec(instruction)?.[1]
}
