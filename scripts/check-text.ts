/** What ties a file to one machine or network; it must work on any. */
export interface ForeignText {
  readonly pattern: RegExp
  readonly because: string
}

const dotted = (...parts: readonly string[]): string => parts.join('\\.')
const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** `top` is this checkout's own path; `hosts` are the package registries this machine is set up with. */
export function foreignText(top: string, hosts: readonly string[]): ForeignText[] {
  const registries = [
    dotted('registry', 'npmjs', 'org'),
    dotted('registry', 'yarnpkg', 'com'),
    `(?:deb|security|ftp|cdn-fastly)\\.debian\\.org`,
    ...hosts.map(literal),
  ]
  const found: ForeignText[] = [
    { pattern: new RegExp(`\\b(?:${registries.join('|')})\\b`, 'i'), because: 'names a package registry' },
    { pattern: /(?<![\w.$}"'])\/(?:home|Users)\/[a-z][\w-]*\//, because: 'holds a path of one machine' },
    {
      pattern: new RegExp(`(?<![\\w.$}"'])/${'work'}/(?:main|shared|notes)\\b`),
      because: 'holds a path of one machine',
    },
  ]
  // A checkout right under / has a path too short to mean anything.
  if (top.split('/').filter(Boolean).length > 1)
    found.push({
      pattern: new RegExp(`${literal(top.replace(/\/$/, ''))}(?![\\w-])`),
      because: "holds this checkout's path",
    })
  return found
}

/** `PATH:LINE: REASON` of each. */
export function findForeignText(path: string, text: string, foreign: readonly ForeignText[]): string[] {
  return foreign.flatMap(({ pattern, because }) => {
    const at = text.search(pattern)
    return at < 0 ? [] : [`${path}:${text.slice(0, at).split('\n').length}: ${because}`]
  })
}
