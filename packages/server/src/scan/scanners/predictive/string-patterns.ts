/**
 * thrember's 77 string patterns (features.py at 0ef753e, StringExtractor), in the order of its columns (sorted by name). A literal is
 * matched anywhere in a string, without regard to case where `fold`; the others are the matchers of string-matchers.ts.
 * Oddities are the original's: `email_addr` is its expression for MAC addresses, `base64string` wants a repeated 9 before the slash.
 */
export type StringPattern =
  | { readonly name: string; readonly literal: string; readonly fold: boolean; readonly before?: 'any' | 'non-word' }
  | { readonly name: string; readonly matcher: 'url' | 'ipv4' | 'ipv6' | 'mac' | 'btc' | 'file-path' | 'base64-string' }

const folded = (name: string, literal = name): StringPattern => ({ name, literal: literal.toLowerCase(), fold: true })
const exact = (name: string, literal = name): StringPattern => ({ name, literal, fold: false })

export const STRING_PATTERNS: readonly StringPattern[] = [
  { name: '.click(', literal: 'click', fold: true, before: 'any' },
  ...['/EmbeddedFile', '/FlateDecode', '/URI', '/bin/', '/dev/', '/proc/', '/tmp/', '/usr/'].map((text) => exact(text)),
  folded('<script'),
  ...['Invoke-Command', 'Invoke-Expression', 'Start-process'].map((text) => exact(text)),
  folded('base64'),
  { name: 'base64string', matcher: 'base64-string' },
  { name: 'btc_wallet', matcher: 'btc' },
  ...['cache', 'certificate', 'clipboard', 'command', 'connect', 'cookie', 'create'].map((text) => folded(text)),
  exact('crypt'),
  ...['debug', 'decode', 'delete', 'desktop', 'directory', 'disk'].map((text) => folded(text)),
  exact('dos_msg', '!This program '),
  folded('download'),
  { name: 'email_addr', matcher: 'mac' },
  ...['encode', 'enum', 'environment', 'exit', 'file'].map((text) => folded(text)),
  { name: 'file_path', matcher: 'file-path' },
  folded('ftp', 'ftp:'),
  folded('get', 'GET /'),
  ...['hidden', 'hostname', 'html'].map((text) => folded(text)),
  folded('http', 'HTTP/'),
  ...['http://', 'https://', 'install', 'internet'].map((text) => folded(text)),
  { name: 'ipv4_addr', matcher: 'ipv4' },
  { name: 'ipv6_addr', matcher: 'ipv6' },
  ...['javascript', 'keyboard'].map((text) => folded(text)),
  { name: 'mac_addr', matcher: 'mac' },
  ...['memory', 'module', 'mutex'].map((text) => folded(text)),
  folded('onlick', 'onclick'),
  folded('password'),
  folded('post', 'POST /'),
  ...['powershell', 'privilege', 'process'].map((text) => folded(text)),
  { name: 'registry_key', literal: 'HKCU', fold: false, before: 'non-word' },
  ...['remote', 'resource', 'security', 'service', 'shell', 'snapshot', 'system', 'thread', 'token'].map((t) =>
    folded(t),
  ),
  { name: 'url', matcher: 'url' },
  folded('useragent', 'User-Agent'),
  ...['wallet', 'window'].map((text) => folded(text)),
]

/** The expression \b(?:KHEY_|KHLM|HKCU) has two more ways in. */
export const REGISTRY_LITERALS: readonly string[] = ['KHEY_', 'KHLM']

const names = STRING_PATTERNS.map((pattern) => pattern.name)

export function patternIndex(name: string): number {
  return names.indexOf(name)
}
