import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { CliError, EXIT, usageError } from './exit.ts'

/** Three pages of 5 MB and more. */
export const MAX_VALUE_BYTES = 24 * 1024 * 1024

/**
 * A VALUE of `settings set` as text: `@FILE` and `-` (stdin) are read, anything else stands for itself; the server reads it as
 * the setting's kind wants. A secret comes only from a file or stdin: an argument is seen by every user of the machine and
 * kept by the shell.
 */
export async function readValue(argument: string, { secret }: { secret: boolean }, stdin: Readable): Promise<string> {
  const isFile = argument.startsWith('@')
  if (!isFile && argument !== '-') {
    if (secret) throw usageError('a secret is taken from @FILE or - (stdin) only')
    return argument
  }
  const text = isFile ? await readText(createReadStream(argument.slice(1)), argument) : await readText(stdin, 'stdin')
  // The newline that an editor or echo adds is no part of a passphrase.
  return secret ? text.replace(/\r?\n$/, '') : text
}

/** The whole of a text file or of stdin; rejects with CliError when it is too large, no UTF-8 or unreadable. */
export async function readText(source: Readable, name: string): Promise<string> {
  const bytes = await readBytes(source, name)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new CliError(EXIT.noInput, `${name} is not UTF-8 text`, { cause: error })
  }
}

async function readBytes(source: Readable, name: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const data of source) {
      const chunk = Buffer.from(data)
      chunks.push(chunk)
      size += chunk.length
      if (size > MAX_VALUE_BYTES) break
    }
  } catch (error) {
    throw unreadable(name, error)
  }
  if (size > MAX_VALUE_BYTES) throw new CliError(EXIT.noInput, `${name} is larger than ${MAX_VALUE_BYTES} bytes`)
  return Buffer.concat(chunks)
}

export function unreadable(name: string, error: unknown): CliError {
  const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  return new CliError(EXIT.noInput, `${name} cannot be read (${why})`, { cause: error })
}
