import type { RuleFault } from './binding.ts'

/** A compiler message as YARA-X prints it: a head, ` --> line:L:C`, a picture with carets. */
export interface FaultText {
  readonly code: string
  readonly message: string
}

const MAX_TEXT = 300

/** The head's words and the picture's labels in one line: `unknown identifier x: this identifier has not been declared`. */
export function faultOf({ code, message }: FaultText): RuleFault {
  const head = /(?:error|warning)\[([\w-]+)\]:\s*([^\n]*)/.exec(message)
  const line = Number(/-->\s*line:(\d+)/.exec(message)?.[1] ?? 0)
  const label = /\|\s*[\^-]+\s+(\S[^\n]*)/.exec(message)?.[1]
  const text = head?.[2] ?? message.split('\n')[0] ?? ''
  return {
    line,
    code: code || (head?.[1] ?? ''),
    text: (label === undefined ? text : `${text}: ${label}`).slice(0, MAX_TEXT),
  }
}
