import { lstat, opendir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Command } from 'commander'
import type { ScanLine } from '../api/contract.ts'
import { evidenceLines } from '../domain/evidence-tree.ts'
import type { CommandContext } from './context.ts'
import { variable } from './context.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { jsonLine, printable } from './print.ts'
import { unreadable } from './value.ts'

interface Flags {
  readonly settings?: string
  readonly json?: boolean
}

export function scanCommand(context: CommandContext): Command {
  return new Command('scan')
    .description(
      'scan files and folders without ICAP; exit 1: something reaches the threshold, 2: something could not be scanned',
    )
    .argument('<path...>')
    .option('--settings <file>', 'YAML settings file that overrides what is saved [ASSAY_SETTINGS]')
    .option('--json', 'a JSON object a line')
    .action(async (paths: string[], flags: Flags) => context.exit(await scanPaths(context, paths, flags)))
}

async function scanPaths({ io, tools, dataFolder }: CommandContext, paths: string[], flags: Flags): Promise<ExitCode> {
  const { settings = variable(io, 'ASSAY_SETTINGS'), json } = flags
  const walk = { found: 0, done: false, skipped: false }
  const seen = { lines: 0, threshold: false, unscanned: false }
  const files = walked(paths, walk, (text) => io.warn(text))
  const settingsFile = settings === undefined ? undefined : resolve(settings)
  for await (const { line, reachesThreshold } of tools.scan({ data: dataFolder(), settingsFile, files })) {
    seen.lines++
    seen.threshold ||= reachesThreshold
    seen.unscanned ||= line.outcome === 'unscanned'
    await io.write(json ? jsonLine(line) : lineText(line))
  }
  // A file without an answer is not a clean one.
  const missed = !walk.done || seen.lines < walk.found
  if (missed) io.warn('assay: the scan ended before every file had its answer')
  if (seen.threshold) return EXIT.refused
  return seen.unscanned || walk.skipped || missed ? EXIT.unscanned : EXIT.ok
}

/** The files, counted as they are handed out. */
async function* walked(
  paths: readonly string[],
  walk: { found: number; done: boolean; skipped: boolean },
  warn: (text: string) => void,
): AsyncGenerator<string> {
  const skip = (text: string) => {
    walk.skipped = true
    warn(text)
  }
  for await (const path of filesUnder(paths, skip)) {
    walk.found++
    yield path
  }
  walk.done = true
}

/** A line, and for what was found or not looked at the tree that shows where. */
function lineText({ path, outcome, risk, detections, reasons, evidence }: ScanLine): string {
  const findings = detections.map(
    ({ name, engine, member }) => `${name} (${engine}${member === undefined ? '' : `, in ${member}`})`,
  )
  const words = [outcome, ...(risk === 'none' ? [] : [`risk ${risk}`]), ...findings, ...reasons]
  const tree = outcome === 'clean' ? [] : evidenceLines(evidence).map((line) => `  ${printable(line)}\n`)
  return `${printable(path)}: ${words.map(printable).join(', ')}\n${tree.join('')}`
}

/**
 * Every regular file under the paths. Links inside folders are not followed (they lead out or round in circles); what is
 * neither file nor folder, or cannot be read, is told to `skip`: it was not scanned.
 */
export async function* filesUnder(paths: readonly string[], skip: (text: string) => void): AsyncGenerator<string> {
  for (const path of paths) {
    try {
      const found = await stat(path)
      if (found.isDirectory()) yield* filesIn(path, skip)
      else if (found.isFile()) yield path
      else skip(`${printable(path)} is neither a file nor a folder`)
    } catch (error) {
      skip(unreadable(printable(path), error).message)
    }
  }
}

async function* filesIn(root: string, skip: (text: string) => void): AsyncGenerator<string> {
  const folders = [root]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for await (const { name } of await opendir(folder)) {
        const path = join(folder, name)
        const found = await lstat(path)
        if (found.isDirectory()) folders.push(path)
        else if (found.isFile()) yield path
        else if (!found.isSymbolicLink()) skip(`${printable(path)} is neither a file nor a folder`)
      }
    } catch (error) {
      skip(unreadable(printable(folder), error).message)
    }
  }
}
