import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { z } from 'zod'
import type { CommandContext } from './context.ts'

export function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version
}

export function versionCommand({ io }: CommandContext): Command {
  return new Command('version')
    .description('the version of this program')
    .action(() => io.write(`${programVersion()}\n`))
}
