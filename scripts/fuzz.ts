// `npm run fuzz -- [--seconds N] [--seed S] [--out FILE]`: mutated bytes against the parsers and against a real server on loopback.
// Exits 1 when anything was found; what was found goes to FILE, one JSON object a line, the bytes in base64.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Finding, fuzzParsers } from '../packages/icap/test/fuzz/parsers.ts'
import { fuzzSockets } from '../packages/icap/test/fuzz/sockets.ts'

const ROUND_MS = 5_000
const OUT = fileURLToPath(new URL('../.cache/fuzz-findings.jsonl', import.meta.url))

function numberOf(text: string, name: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  console.error(`fuzz: --${name} needs a whole number above 0`)
  process.exit(64)
}

function save(findings: readonly (Finding & { seed: number })[], file: string): void {
  const lines = findings.map(({ pieces, ...finding }) =>
    JSON.stringify({ ...finding, pieces: pieces.map((piece) => Buffer.from(piece, 'latin1').toString('base64')) }),
  )
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${lines.join('\n')}\n`)
  console.error(`fuzz: ${findings.length} findings in ${file}`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
      out: { type: 'string', default: OUT },
    },
  })
  const seconds = numberOf(values.seconds, 'seconds')
  const firstSeed = numberOf(values.seed, 'seed')
  const findings: (Finding & { seed: number })[] = []
  for (const thing of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(thing, (error: unknown) => findings.push({ what: `${thing}: ${error}`, pieces: [], seed: firstSeed }))
  }
  // Each round has a seed of its own, so that a finding can be had again without the rounds before it.
  for (let seed = firstSeed, end = Date.now() + seconds * 1000; Date.now() < end && findings.length === 0; seed++) {
    const roundMs = Math.min(ROUND_MS, end - Date.now())
    const parsers = fuzzParsers(seed, roundMs / 4)
    const sockets = await fuzzSockets(seed, (roundMs * 3) / 4)
    for (const finding of [...parsers.findings, ...sockets.findings]) findings.push({ ...finding, seed })
    console.log(
      `seed ${seed}: ${parsers.inputs} inputs to parsers; ${sockets.inputs} to sockets, answers ${JSON.stringify(sockets.statuses)}, ` +
        `${sockets.closedWithoutAnswer} closed without one; RSS ${Math.round(sockets.rssMost / 1e6)} MB; ${findings.length} findings`,
    )
  }
  if (findings.length === 0) return
  save(findings, values.out)
  process.exitCode = 1
}

await main()
