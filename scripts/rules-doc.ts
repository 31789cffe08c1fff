import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** One rule of the pack, as far as its text says. */
export interface RuleText {
  readonly name: string
  /** The whole rule. */
  readonly source: string
  readonly meta: Readonly<Record<string, string>>
}

/** The rules of one file, in their order; the pack begins each with `rule NAME {` at a line's start. */
export function rulesIn(source: string): RuleText[] {
  const starts = [...source.matchAll(/^rule (\w+) \{$/gm)]
  return starts.map((start, index) => {
    const text = source.slice(start.index, starts[index + 1]?.index).trimEnd()
    const meta = /^ {4}meta:\n((?: {8}\w+ = ".*"\n)+)/m.exec(text)?.[1] ?? ''
    const pairs = [...meta.matchAll(/^ {8}(\w+) = "(.*)"$/gm)].map(([, key = '', value = '']) => [key, value] as const)
    return { name: start[1] ?? '', source: text, meta: Object.fromEntries(pairs) }
  })
}

interface RuleFile {
  readonly name: string
  readonly source: string
}

/** The whole of docs/rules.md; a test says when that is not what this makes. */
export function rulesDocument(files: readonly RuleFile[]): string {
  const parts = files.map(({ name, source }) => ({ name, about: aboutOf(source), rules: rulesIn(source) }))
  const all = parts.flatMap(({ rules }) => rules)
  const count = (risk: string) => all.filter(({ meta }) => meta.risk === risk).length
  return [
    '# The signature pack',
    '',
    'Made by `node scripts/rules-doc.ts` from `packages/server/rules/`: change the rules. False positives: [rules-fp.md](rules-fp.md).',
    '',
    `${all.length} rules: ${count('high')} high (nothing harmless does that), ${count('medium')} medium, ${count('low')} low (worth telling). ATT&CK is a trademark of The MITRE Corporation.`,
    '',
    '## Why each condition ends in `or false`',
    'YARA-X 1.20 notes the tests `filesize < N` and `uint16be(0) == N` of a condition with each of its strings, so that the strings are not looked at in other files. Where two rules have the same string, the tests of the first count for both, and the second misses without a word: in one file, across files, in the native and in the WASM build. It notes nothing where the tests are not the whole of the condition. Write your own rules the same way:',
    '',
    '```yara',
    'condition:',
    '    (uint16be(0) == 0x4D5A and filesize < 2MB and all of them) or false',
    '```',
    '',
    ...parts.flatMap(({ name, about, rules }) => [`## ${name}`, about, '', ...table(rules), '']),
  ].join('\n')
}

function aboutOf(source: string): string {
  const lines = source.split('\n')
  const end = lines.findIndex((line) => !line.startsWith('//'))
  return lines
    .slice(0, end)
    .map((line) => line.slice(3))
    .join(' ')
}

function table(rules: readonly RuleText[]): string[] {
  const rows = rules.map(({ name, meta }) => {
    const { description = '', risk = '', attack = '', reference = '' } = meta
    return `| \`${name}\` | ${description} | ${risk} | ${attack} | ${link(reference)} |`
  })
  return ['| rule | what | risk | ATT&CK | reference |', '| --- | --- | --- | --- | --- |', ...rows]
}

function link(url: string): string {
  return `[${new URL(url).hostname.replace(/^www\./, '')}](${url.replaceAll('(', '%28').replaceAll(')', '%29')})`
}

export function packFiles(): RuleFile[] {
  const folder = new URL('../packages/server/rules/', import.meta.url)
  const names = readdirSync(folder).filter((name) => name.endsWith('.yar'))
  return names.sort().map((name) => ({ name, source: readFileSync(new URL(name, folder), 'utf8') }))
}

if (import.meta.main) writeFileSync(new URL('../docs/rules.md', import.meta.url), rulesDocument(packFiles()))
