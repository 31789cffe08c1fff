import { createSecureContext } from 'node:tls'
import { type FeedConfig, KEY_HEADER } from '../domain/feed.ts'

/** Everything that keeps a source from being set up, each as `FIELD: FAULT`. */
export function feedFaults(config: FeedConfig, secret: string): string[] {
  return [...urlFaults(config.url), ...authFaults(config, secret), ...kindFaults(config), ...caFaults(config.ca)]
}

function urlFaults(text: string): string[] {
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return ['url: is not an http or https URL']
  if (url.username !== '' || url.password !== '')
    return ['url: holds credentials: give them by auth and secret, which are sealed']
  return []
}

function authFaults({ auth, user, header }: FeedConfig, secret: string): string[] {
  const faults: string[] = []
  if (auth === 'none' && secret !== '') faults.push('auth: is none, and a secret was given')
  if (auth !== 'none' && secret === '') faults.push(`secret: auth ${auth} needs one`)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no header may hold them (RFC 9110 5.5)
  if (/[\u0000-\u001f\u007f]/.test(secret) || (auth !== 'basic' && /[^\u0020-\u00ff]/.test(secret)))
    faults.push('secret: holds a character that no header may have')
  if (auth === 'basic' && (user === '' || user.includes(':')))
    faults.push('user: auth basic needs one, without a colon')
  if (auth !== 'basic' && user !== '') faults.push('user: belongs to auth basic only')
  if (auth === 'header' && !KEY_HEADER.test(header))
    faults.push('header: is not the name of a key (Authorization, or with token, secret, apikey or api-key in it)')
  if (auth !== 'header' && header !== '') faults.push('header: belongs to auth header only')
  return faults
}

function kindFaults({ kind, column, delimiter, collection, tags, types }: FeedConfig): string[] {
  const faults: string[] = []
  if (types.length === 0) faults.push('types: names none')
  if (kind === 'csv' && (column === '' || /^0+$/.test(column))) faults.push('column: is its number from 1, or its name')
  if (!/^[^"\r\n#]$/.test(delimiter)) faults.push('delimiter: is not one character')
  if (kind !== 'taxii' && collection !== '') faults.push('collection: belongs to kind taxii only')
  if (kind !== 'misp' && kind !== 'misp-feed' && tags.length > 0)
    faults.push('tags: belong to kinds misp and misp-feed only')
  return faults
}

function caFaults(ca: string): string[] {
  if (ca === '') return []
  try {
    if (!ca.includes('-----BEGIN CERTIFICATE-----')) throw new Error('no certificate')
    createSecureContext({ ca })
    return []
  } catch {
    return ['ca: holds no certificate in PEM']
  }
}
