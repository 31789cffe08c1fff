import { RISK_LEVELS } from '../domain/risk.ts'
import type { Detection } from '../domain/verdict.ts'

const MAX_DETECTIONS = 20
const MAX_TEXT = 256

/** What an object was blocked for, as text for a file. */
export function rememberedText(detections: readonly Detection[]): string {
  const some = detections.slice(0, MAX_DETECTIONS)
  return JSON.stringify(some.map(({ engine, name, risk }) => ({ engine, name: name.slice(0, MAX_TEXT), risk })))
}

/** undefined for what is no such text: an object that was not blocked, as far as anybody knows. */
export function readDetections(text: string): readonly Detection[] | undefined {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(given)) return undefined
  const detections = (given as readonly unknown[]).slice(0, MAX_DETECTIONS).flatMap(detectionIn)
  return detections.length > 0 ? detections : undefined
}

function detectionIn(item: unknown): Detection[] {
  if (typeof item !== 'object' || item === null) return []
  const { engine, name, risk } = item as Record<string, unknown>
  const level = RISK_LEVELS.find((one) => one === risk)
  if (typeof engine !== 'string' || typeof name !== 'string' || level === undefined) return []
  return [
    { engine, name, risk: level, about: 'file', evidence: 'found when another range of the same object was scanned' },
  ]
}
