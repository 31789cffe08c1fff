import { Unscanned } from '../../domain/verdict.ts'
import type { Opener, OpenerNode, OpenRun } from '../opener.ts'
import { judgeScriptText } from '../scripts/judge-script.ts'
import { kindOf, type Payload, payloadsAmong, payloadsIn } from '../scripts/payload.ts'
import { byteOffset, type TextPart, textParts } from '../scripts/script-text.ts'
import { type Unfolded, unfold } from '../scripts/unfold.ts'
import { dataUrisIn } from './data-uri.ts'
import { hasPageMarks, hasSvgMarks } from './html-marks.ts'
import { type PageFacts, type PageScript, readPage } from './html-reader.ts'
import { judgePage } from './html-rules.ts'
import { type Delivery, deliveryOf, judgeSmuggled } from './smuggling.ts'

const MARKUP = new Set(['html', 'hta', 'svg', 'xml'])
const MAX_URLS = 200
const MAX_PAYLOADS = 200
/** Text in a data: URI is a member when it is a page or a picture with scripts, or as short as this and no style. */
const MIN_BYTES = 16
const HIDDEN: ReadonlySet<string> = new Set(['program', 'archive', 'document'])

/** Looks into pages: files that scripts and data: URIs hold are handed over, scripts unfolded, lures and old objects told. */
export function htmlOpener(): Opener {
  return {
    name: 'html',
    version: '1',
    wants(node) {
      if (node.type === 'html') return hasPageMarks(node.view) ? 'looks' : undefined
      if (node.type === 'svg' || node.type === 'xml') return hasSvgMarks(node.view) ? 'looks' : undefined
      return node.type === 'hta' ? 'looks' : undefined
    },
    async open(node, run) {
      if (!MARKUP.has(node.type)) return
      for (const part of textParts(node.view)) {
        if (run.signal.aborted) throw new Unscanned('timeout', 'the page was not read to its end')
        await lookAtPage(part, node, run)
      }
    },
  }
}

interface Code {
  readonly script: PageScript
  readonly type: string
  readonly text: string
  readonly reveals: boolean
  readonly values: Unfolded['values']
}

async function lookAtPage(part: TextPart, node: OpenerNode, run: OpenRun): Promise<void> {
  const facts = readPage(part.text, node.type === 'svg' || node.type === 'xml')
  if (facts.overflow) run.unscanned({ reason: 'bomb', detail: 'more scripts and addresses than are looked at' })
  const codes = facts.scripts.map((script) => unfoldScript(script))
  const code = codes.map(({ text }) => text).join('\n')
  const offsetOf = (index: number) => byteOffset(part, index)
  for (const finding of judgePage({ type: node.type, source: part.text, facts, code, offsetOf })) run.finding(finding)
  judgeScripts(codes, node.type, part, run)
  tellUrls(facts, run)
  const delivery = deliveryOf(code, facts.downloads)
  await emitScripts(codes, run)
  await new Payloads(delivery, part, run).emitAll(facts, codes)
}

function unfoldScript(script: PageScript): Code {
  const type = /vbs/.test(script.language) ? 'vbs' : 'js'
  const isData = /json|template|x-|text\/(?:html|plain)/.test(script.language)
  const unfolded = isData ? { text: script.text, reveals: false, values: [] } : unfold(script.text, type)
  return { script, type, ...unfolded }
}

function judgeScripts(codes: readonly Code[], pageType: string, part: TextPart, run: OpenRun): void {
  const told = new Set<string>()
  const type = pageType === 'hta' ? 'hta' : 'html'
  for (const { script, text } of codes) {
    const offsetOf = (index: number) => byteOffset(part, script.at + index)
    for (const finding of judgeScriptText({ source: script.text, unfolded: text, type, offsetOf })) {
      if (told.has(finding.name)) continue
      told.add(finding.name)
      run.finding(finding)
    }
  }
}

/** Where the page leads without a click, and what unfolding showed. */
function tellUrls(facts: PageFacts, run: OpenRun): void {
  const targets = facts.targets.map(({ value }) => value.trim())
  const refreshes = facts.refreshes.map(
    ({ value }) => /url\s{0,4}=\s{0,4}["']?\s{0,4}([^"'\s]{1,2000})/i.exec(value)?.[1] ?? '',
  )
  const urls = new Set([...targets, ...refreshes].filter((url) => /^(?:https?:)?\/\//i.test(url)))
  for (const url of [...urls].slice(0, MAX_URLS)) run.url(url.startsWith('//') ? `http:${url}` : url)
}

/** Scripts in which something was folded, and those of the old engines, each a member. */
async function emitScripts(codes: readonly Code[], run: OpenRun): Promise<void> {
  let count = 0
  for (const { script, type, text, reveals } of codes) {
    count++
    if (reveals) await run.emit({ name: `unfolded-${count}.${type}` }, Buffer.from(text, 'latin1'))
    else if (type === 'vbs') await run.emit({ name: `script-${count}.vbs` }, Buffer.from(script.text, 'latin1'))
  }
}

/** Hands over the files that a page holds, each once. */
class Payloads {
  readonly #delivery: Delivery
  readonly #part: TextPart
  readonly #run: OpenRun
  readonly #seen = new Set<string>()
  #count = 0

  constructor(delivery: Delivery, part: TextPart, run: OpenRun) {
    this.#delivery = delivery
    this.#part = part
    this.#run = run
  }

  async emitAll(facts: PageFacts, codes: readonly Code[]): Promise<void> {
    for (const { value, at, tag } of facts.dataUris) {
      const names = tag === 'a' && facts.downloads.length > 0
      await this.#dataUris(value, at, { ...this.#delivery, names: names || this.#delivery.names })
    }
    for (const { script, text, values } of codes) {
      for (const payload of payloadsAmong(values)) await this.#emit(payload, script.at + payload.index, 'smuggled')
      if (script.place === 'element') await this.#dataUris(text, script.at, this.#delivery)
      for (const payload of payloadsIn(text, (bytes) => this.#run.spend(bytes))) {
        if (payload.kind !== 'text' || this.#delivery.makesFile)
          await this.#emit(payload, script.at + payload.index, 'smuggled')
      }
    }
    // Encoded bytes may stand in an element that the script only reads, in an attribute, a style or a comment.
    for (const payload of payloadsIn(facts.text, (bytes) => this.#run.spend(bytes)))
      if (payload.kind !== 'text') await this.#emit(payload, 0, 'smuggled')
    for (const payload of payloadsIn(this.#part.text, (bytes) => this.#run.spend(bytes)))
      if (HIDDEN.has(payload.kind)) await this.#emit(payload, payload.index, 'smuggled')
  }

  async #dataUris(text: string, at: number, delivery: Delivery): Promise<void> {
    for (const { mime, bytes, index } of dataUrisIn(text, at > 0)) {
      if (bytes.length < MIN_BYTES || /^(?:font|audio|video)\//.test(mime)) continue
      this.#run.spend(bytes.length)
      const payload: Payload = { bytes, index, how: `data:${mime}`, kind: kindOf(bytes) }
      const isPage = /html|xml|script|svg/.test(mime)
      const isData = payload.kind === 'text' || payload.kind === 'data'
      if (payload.kind === 'media' || (isData && !isPage && !/^application\//.test(mime))) continue
      await this.#emit(payload, at + index, 'data', delivery)
    }
  }

  async #emit(payload: Payload, at: number, name: string, delivery = this.#delivery): Promise<void> {
    if (payload.kind === 'media') return
    const key = `${payload.bytes.length}:${payload.bytes.toString('latin1', 0, 64)}`
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    if (++this.#count > MAX_PAYLOADS) throw new Unscanned('bomb', 'more hidden files than are looked at')
    const isPicture = payload.how.startsWith('data:image/')
    const finding = isPicture ? undefined : judgeSmuggled(payload, delivery, byteOffset(this.#part, at))
    if (finding !== undefined) this.#run.finding(finding)
    await this.#run.emit({ name: `${name} #${this.#count}` }, payload.bytes)
  }
}
