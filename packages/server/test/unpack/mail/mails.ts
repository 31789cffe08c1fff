/** Mails and multipart bodies as wire bytes; Latin-1 strings stand for bytes. */

export interface Part {
  readonly fields?: readonly string[]
  readonly body: string
}

export function multipart(boundary: string, parts: readonly Part[], eol = '\r\n'): string {
  const pieces = parts.map(({ fields = [], body }) => [`--${boundary}`, ...fields, '', body].join(eol))
  return [...pieces, `--${boundary}--`, ''].join(eol)
}

export function mail(fields: readonly string[], body: string, eol = '\r\n'): Buffer {
  const head = ['From: a@example.org', 'To: b@example.org', 'MIME-Version: 1.0', ...fields, '', '']
  return Buffer.from(head.join(eol) + body, 'latin1')
}

export function base64(text: string, columns = 76, eol = '\r\n'): string {
  const whole = Buffer.from(text, 'latin1').toString('base64')
  return (whole.match(new RegExp(`.{1,${columns}}`, 'g')) ?? []).join(eol)
}

export function attachment(name: string, content: string): Part {
  return {
    fields: [
      'Content-Type: application/octet-stream',
      'Content-Transfer-Encoding: base64',
      `Content-Disposition: attachment; filename="${name}"`,
    ],
    body: base64(content),
  }
}

export const MARKER = 'MZ\x90\0 a harmless marker of the tests \xff\xfe\0 and some more bytes of it'

export const mixed = (boundary: string) => `Content-Type: multipart/mixed; boundary="${boundary}"`
