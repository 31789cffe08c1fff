import { Unscanned } from '../../domain/verdict.ts'
import type { Opener, OpenRun } from '../opener.ts'
import { judgeScriptText } from './judge-script.ts'
import { byteOffset, type TextPart, textParts } from './script-text.ts'

const SCRIPT = /<script\b([^>]{0,1000})>/gi
const MAX_SCRIPTS = 1000
const LANGUAGE = /\blanguage\s{0,9}=\s{0,9}["']?([\w.]{1,40})/i
const SOURCE = /\bsrc\s{0,9}=\s{0,9}["']?([^\s"'>]{1,2000})/i

/** Opens Windows Script Files (one member a script of any job), and looks at the whole. */
export function wsfOpener(): Opener {
  return {
    name: 'wsf',
    version: '1',
    wants: (node) => (node.type === 'wsf' ? 'members' : undefined),
    async open(node, run) {
      for (const part of textParts(node.view)) {
        if (run.signal.aborted) throw new Unscanned('timeout', 'the file was not read to its end')
        await openJobs(part, run)
      }
    },
  }
}

async function openJobs(part: TextPart, run: OpenRun): Promise<void> {
  const source = part.text
  const findings = judgeScriptText({
    source,
    unfolded: source,
    type: 'wsf',
    offsetOf: (index) => byteOffset(part, index),
  })
  for (const finding of findings) run.finding(finding)
  let count = 0
  for (const { attributes, body } of scriptElements(source)) {
    const language = LANGUAGE.exec(attributes)?.[1] ?? ''
    const src = SOURCE.exec(attributes)?.[1]
    if (src !== undefined && /^https?:/i.test(src)) run.url(src)
    const extension = /vb/i.test(language) ? 'vbs' : 'js'
    const text = body.replace(/^\s{0,99}<!\[CDATA\[|\]\]>\s{0,99}$/g, '')
    if (text.trim() !== '') await run.emit({ name: `script-${++count}.${extension}` }, Buffer.from(text, 'latin1'))
  }
}

export interface ScriptElement {
  readonly attributes: string
  readonly body: string
  readonly index: number
}

/** Script elements of markup, as a browser ends them: at the next `</script`, else at the text's end. */
export function* scriptElements(text: string): Generator<ScriptElement> {
  const lower = text.toLowerCase()
  SCRIPT.lastIndex = 0
  for (let count = 0; count < MAX_SCRIPTS; count++) {
    const hit = SCRIPT.exec(text)
    if (hit === null) return
    const from = SCRIPT.lastIndex
    const end = lower.indexOf('</script', from)
    const body = text.slice(from, end < 0 ? undefined : end)
    SCRIPT.lastIndex = end < 0 ? text.length : end
    const next = SCRIPT.lastIndex
    yield { attributes: hit[1] ?? '', body, index: from }
    SCRIPT.lastIndex = next
  }
}
