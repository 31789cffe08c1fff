import { mkdirSync, writeFileSync } from 'node:fs'
import { type Finding, fuzzParsers } from '../../packages/icap/test/fuzz/parsers.ts'
import { fuzzSockets } from '../../packages/icap/test/fuzz/sockets.ts'
import { FUZZ_FOLDER } from './cached.ts'
import type { TargetReport } from './runner.ts'

const ROUND_MS = 5_000

/** The protocol package: its parsers, whole and cut, and a real server on loopback. Goes by time. */
export async function fuzzIcap(firstSeed: number, forMs: number): Promise<TargetReport> {
  const started = performance.now()
  const findings: (Finding & { seed: number })[] = []
  for (const thing of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(thing, (error: unknown) => findings.push({ what: `${thing}: ${error}`, pieces: [], seed: firstSeed }))
  let [inputs, rss] = [0, 0]
  // Each round has a seed of its own, so that a finding can be had again without the rounds before it.
  for (let seed = firstSeed, end = started + forMs; performance.now() < end && findings.length === 0; seed++) {
    const roundMs = Math.min(ROUND_MS, end - performance.now())
    const parsers = fuzzParsers(seed, roundMs / 2)
    const sockets = await fuzzSockets(seed, roundMs / 2)
    inputs += parsers.inputs + sockets.inputs
    rss = Math.max(rss, sockets.rssMost)
    for (const finding of [...parsers.findings, ...sockets.findings]) findings.push({ ...finding, seed })
  }
  const seconds = (performance.now() - started) / 1000
  const told = findings.map((finding, at) => toldOf(finding, at))
  return { target: 'icap', seed: firstSeed, largeBytes: 0, inputs, seconds, slowestMs: 0, slowestIndex: -1, peakMib: Math.round(rss / 2 ** 20), renewed: 0, findings: told }
} // biome-ignore format: one report a line

function toldOf({ what, pieces, seed }: Finding & { seed: number }, at: number): TargetReport['findings'][number] {
  const saved = `${FUZZ_FOLDER}/icap-${seed}-${at}`
  mkdirSync(FUZZ_FOLDER, { recursive: true })
  writeFileSync(saved, Buffer.from(pieces.join(''), 'latin1'))
  writeFileSync(`${saved}.json`, JSON.stringify({ pieces: pieces.map((piece) => piece.length) }))
  const stack = `again: npm run fuzz -- --target icap --seed ${seed} --seconds 5`
  return { kind: 'exception', index: at, what, stack, fileName: '', declaredType: '', saved }
}
