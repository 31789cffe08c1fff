import { createHash } from 'node:crypto'
import type { RiskLevel } from '../../../domain/risk.ts'
import type { Content, Sample } from '../../../domain/sample.ts'
import { type Detection, Unscanned } from '../../../domain/verdict.ts'
import { ContentView } from '../../../unpack/content-view.ts'
import { contributionsText, type FeatureContribution } from './explanation.ts'
import { EXTRACTOR_VERSION } from './features.ts'
import { type InstalledModels, type Scores, scoreFile } from './file-score.ts'
import { MODEL_KINDS } from './models.ts'
import type { SignatureCheck } from './signature-check.ts'

export interface PredictiveOptions {
  readonly models: InstalledModels
  /** Scores 0..1 from which a file has that risk; facts: 0.98 and 0.90. */
  readonly thresholds: { readonly high: number; readonly medium: number }
  /** Scores and records, but never detects. */
  readonly monitor: boolean
  /** Larger files are unscanned(too-large). */
  readonly maxBytes: number
}

/** 16 MiB take about 0.1 s, and what is larger is seldom what the models know (they were trained on files up to 100 MB). */
export const DEFAULT_MAX_BYTES = 64 * 1024 * 1024
const STEP = 1024 * 1024

export interface Assessment {
  readonly detections: readonly Detection[]
  /** What the detection would be, monitor or not. */
  readonly risk: RiskLevel
  /** The score that the rule weighs. */
  readonly score: number
  readonly scores: Scores
  readonly topFeatures: readonly FeatureContribution[]
  /** The first signature's; undefined where there is none to read. */
  readonly signer: SignatureCheck | undefined
  /** One line for the record. */
  readonly evidence: string
}

/** Has the face of a Scanner, and `assess` for those who want more than its detections. */
export interface PredictiveEngine {
  readonly name: 'predictive'
  readonly version: string
  applies(type: string): boolean
  /** Throws Unscanned: too-large, timeout, engine-down (no model for this file). */
  scan(sample: Sample, signal: AbortSignal): readonly Detection[]
  /** The same with its reasons. Synchronous: about 5 ms a MiB. */
  assess(content: Content, signal: AbortSignal): Assessment
}

/** Throws RangeError for thresholds that make no sense or where there is no model at all. */
export function createPredictiveEngine(options: PredictiveOptions): PredictiveEngine {
  checkOptions(options)
  const assess = (content: Content, signal: AbortSignal) => weigh(options, scoreContent(options, content, signal))
  return {
    name: 'predictive',
    version: versionOf(options),
    applies: (type) => type === 'pe',
    scan: (sample, signal) => assess(sample.content, signal).detections,
    assess,
  }
}

function checkOptions({ models, thresholds: { high, medium }, maxBytes }: PredictiveOptions): void {
  if (!MODEL_KINDS.some((kind) => models[kind] !== undefined)) throw new RangeError('no model installed')
  if (!(medium > 0 && medium <= high && high <= 1)) throw new RangeError('thresholds must be 0 < medium <= high <= 1')
  if (!(maxBytes >= 1)) throw new RangeError('maxBytes must be positive')
}

/** Whatever can change an answer for the same bytes. */
function versionOf({ models, thresholds, monitor, maxBytes }: PredictiveOptions): string {
  const installed = MODEL_KINDS.map((kind) => `${kind}=${models[kind]?.sha256 ?? ''}`)
  const settings = [thresholds.high, thresholds.medium, monitor, maxBytes]
  const digest = createHash('sha256')
    .update([...installed, ...settings].join('\n'))
    .digest('hex')
  return `${EXTRACTOR_VERSION}-${digest.slice(0, 16)}`
}

function scoreContent({ models, maxBytes }: PredictiveOptions, content: Content, signal: AbortSignal) {
  const bytes = readWhole(content, maxBytes, signal)
  const scored = scoreFile(models, bytes)
  if (signal.aborted) throw new Unscanned('timeout', 'deadline passed while the file was scored')
  return scored
}

function readWhole(content: Content, maxBytes: number, signal: AbortSignal): Buffer {
  const view = new ContentView(content)
  if (view.size > maxBytes) throw new Unscanned('too-large', `${view.size} bytes are more than ${maxBytes}`)
  if (signal.aborted) throw new Unscanned('timeout', 'deadline passed before the file was read')
  if (content.kind === 'memory') return content.bytes
  const bytes = Buffer.allocUnsafeSlow(view.size)
  for (let at = 0; at < view.size; at += STEP) {
    if (signal.aborted) throw new Unscanned('timeout', 'deadline passed while the file was read')
    const part = view.read(at, STEP)
    if (part.length !== Math.min(STEP, view.size - at)) throw new Unscanned('engine-down', 'the spooled file is short')
    part.copy(bytes, at)
  }
  return bytes
}

function weigh({ thresholds, monitor }: PredictiveOptions, scored: ReturnType<typeof scoreFile>): Assessment {
  const { score, scores, topFeatures, isPe, authenticode } = scored
  const signer = authenticode?.signatures[0]
  const risk = riskOf(score, thresholds, isPe)
  const evidence = evidenceLine({ score, scores, topFeatures, isPe, signer })
  const detections = risk === 'none' || monitor ? [] : [detectionOf(risk, evidence)]
  return { detections, risk, score, scores, topFeatures, signer, evidence }
}

/** What pefile takes for no PE was not among the training files: it is suspicious at most. */
export function riskOf(score: number, { high, medium }: PredictiveOptions['thresholds'], isPe: boolean): RiskLevel {
  if (score >= high) return isPe ? 'high' : 'medium'
  return score >= medium ? 'medium' : 'none'
}

function detectionOf(risk: RiskLevel, evidence: string): Detection {
  const name = risk === 'high' ? 'ML.PE.High' : 'ML.PE.Suspicious'
  return { engine: 'predictive', name, risk, about: 'file', evidence }
}

type Reasons = Pick<Assessment, 'score' | 'scores' | 'topFeatures' | 'signer'> & { readonly isPe: boolean }

function evidenceLine({ score, scores, topFeatures, signer, isPe }: Reasons): string {
  const each = MODEL_KINDS.flatMap((kind) => (scores[kind] === undefined ? [] : [`${kind} ${scores[kind].toFixed(4)}`]))
  const parts = [`score ${score.toFixed(4)} (${each.join(', ')})`, contributionsText(topFeatures.slice(0, 5))]
  if (!isPe) parts.push('headers are damaged')
  if (signer !== undefined) parts.push(signerText(signer))
  return parts.filter((part) => part !== '').join('; ')
}

function signerText({ signer, digest, signature }: SignatureCheck): string {
  const name = signer === undefined ? 'an unknown signer' : signer.name
  return `signed by ${name} (digest ${digest}, signature ${signature})`
}
