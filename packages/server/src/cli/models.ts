import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Command } from 'commander'
import { z } from 'zod'
import { MODEL_NAMES, type ModelView, modelsSchema } from '../api/contract.ts'
import type { CommandContext } from './context.ts'
import { CliError, EXIT, usageError } from './exit.ts'
import { columns, jsonText, printable, utcTime } from './print.ts'
import { unreadable } from './value.ts'

interface InstallFlags {
  readonly name?: string
  readonly sha256?: string
  readonly json?: boolean
}

export function modelsCommand(context: CommandContext): Command {
  const command = new Command('models').description('the models of the predictive engine')
  for (const make of [installCommand, listCommand, removeCommand, featuresCommand]) command.addCommand(make(context))
  return command
}

function installCommand(context: CommandContext): Command {
  return new Command('install')
    .description('install a model: a file, a folder of them, a URL, or `ember2024` (its publisher, SHA-256 pinned)')
    .argument('<from>')
    .option('--name <name>', `which it is: ${MODEL_NAMES.join(', ')} (from the file's name)`)
    .option('--sha256 <hex>', 'refuse any other bytes')
    .option('--json', 'as JSON')
    .action(async (from: string, flags: InstallFlags) => {
      const models = isRemote(from) ? await fetchFrom(context, from, flags) : await sendFiles(context, from, flags)
      await context.io.write(flags.json ? jsonText(models) : columns(models.map(rowOf)))
    })
}

function isRemote(from: string): boolean {
  return from === 'ember2024' || /^https?:\/\//i.test(from)
}

async function fetchFrom({ api }: CommandContext, from: string, { name, sha256 }: InstallFlags) {
  const json = { from, ...(name === undefined ? {} : { name }), ...(sha256 === undefined ? {} : { sha256 }) }
  const { models } = await api().json({ method: 'POST', path: '/models/fetch', json }, modelsSchema)
  return models
}

async function sendFiles({ api }: CommandContext, from: string, flags: InstallFlags): Promise<readonly ModelView[]> {
  if (flags.name !== undefined && !(MODEL_NAMES as readonly string[]).includes(flags.name))
    throw usageError(`--name: ${JSON.stringify(flags.name)} is none of ${MODEL_NAMES.join(', ')}`)
  const paths = await modelFiles(from)
  if (paths.length > 1 && (flags.name !== undefined || flags.sha256 !== undefined))
    throw usageError('--name and --sha256 go with one file')
  let models: readonly ModelView[] = []
  for (const path of paths) {
    const query = { name: flags.name ?? nameOf(path), source: path, sha256: flags.sha256 }
    const call = { method: 'POST', path: '/models', query, stream: createReadStream(path) } as const
    models = (await api().json(call, modelsSchema)).models
  }
  return models
}

async function modelFiles(from: string): Promise<string[]> {
  try {
    if (!(await stat(from)).isDirectory()) return [from]
    const names = (await readdir(from)).filter((name) => name.endsWith('.model')).sort()
    if (names.length === 0) throw new CliError(EXIT.noInput, `${from} holds no file that ends in .model`)
    return names.map((name) => join(from, name))
  } catch (error) {
    throw error instanceof CliError ? error : unreadable(from, error)
  }
}

/** `EMBER2024_Win64.model`: the publisher's names tell which one it is. */
function nameOf(path: string): string {
  const stem = basename(path, '.model').toLowerCase()
  const name = ['win32', 'win64', 'pe'].find((candidate) => stem.endsWith(candidate))
  if (name !== undefined) return name
  throw usageError(`${basename(path)} does not say which model it is: give --name ${MODEL_NAMES.join(' | ')}`)
}

function listCommand({ api, io }: CommandContext): Command {
  return new Command('list').option('--json', 'as JSON').action(async ({ json }: { json?: boolean }) => {
    const { models } = await api().json({ path: '/models' }, modelsSchema)
    await io.write(json ? jsonText(models) : columns(models.map(rowOf)))
  })
}

function removeCommand({ api, io }: CommandContext): Command {
  return new Command('remove').argument('<name>', MODEL_NAMES.join(', ')).action(async (name: string) => {
    const call = { method: 'DELETE', path: `/models/${encodeURIComponent(name)}` } as const
    const { removed } = await api().json(call, z.strictObject({ removed: z.boolean() }))
    await io.write(removed ? 'removed\n' : 'nothing changed\n')
  })
}

function featuresCommand({ io, tools, dataFolder }: CommandContext): Command {
  return new Command('features')
    .description('what the predictive engine sees in a PE file, and what its models make of it')
    .argument('<file>')
    .option('--models <folder>', 'model files to use instead of those that are installed')
    .option('--json', 'the 2,568 features and all scores')
    .action(async (file: string, { json, models }: { json?: boolean; models?: string }) => {
      const seen = await tools.modelFeatures({ data: dataFolder(), file, models }).catch((error: unknown) => {
        throw unreadable(file, error)
      })
      if (json) return io.write(jsonText(seen))
      const { scores, risk, topFeatures, signature } = seen
      const rows = [
        ['risk', risk],
        ...Object.entries(scores).map(([name, score]) => [`score ${name}`, String(score)]),
        ['signature', signature],
        ...topFeatures.map(({ name, contribution }) => [name, contribution.toFixed(3)]),
      ]
      return io.write(columns(rows.map((row) => row.map((cell) => printable(String(cell))))))
    })
}

function rowOf({ name, sha256, bytes, trees, source, addedMs }: ModelView): string[] {
  return [name, sha256.slice(0, 16), `${trees} trees`, `${bytes} bytes`, utcTime(addedMs), source]
}
