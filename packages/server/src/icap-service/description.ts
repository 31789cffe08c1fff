import type { Action } from '../domain/action.ts'
import type { Detection, ScanResult } from '../domain/verdict.ts'

/** What the URL's rating and the file's scan came to, for the two parts of X-Response-Desc. */
export interface Looked {
  /** undefined: the URL was not rated (bypassed). */
  readonly url: readonly ScanResult[] | undefined
  readonly urlKnown: boolean
  readonly file: readonly ScanResult[]
  readonly hasBody: boolean
}

const NO_RISK = 'No risk found'

/** Engines as the appliance's logs name them; an engine of ours stands under its own name. */
const MODULES: Readonly<Record<string, string>> = {
  yara: 'YARA Rule',
  signatures: 'Signature',
  'suspicious-objects': 'Suspicious Object',
  'user-defined-objects': 'User-defined Suspicious Object',
  'url-rating': 'URL Rating',
  predictive: 'Predictive Machine Learning Engine',
  clamav: 'ClamAV',
  'virtual-analyzer': 'Virtual Analyzer',
  'true-file-type': 'True File Type',
  documents: 'Document Rule',
  unpack: 'Unpacking',
}

export function moduleName(detection: Detection): string {
  return MODULES[detection.engine] ?? detection.engine
}

/** Without an action: before anything is decided (a trickled reply's head). */
export function urlText(looked: Looked, action?: Action): string {
  if (looked.url === undefined) return 'Not rated (bypassed)'
  const text = detectedText(causes(action, looked.url, 'url'))
  if (text !== undefined) return text
  for (const result of looked.url) if (result.outcome === 'unscanned') return `Not rated (${result.reason})`
  return looked.urlKnown ? riskText(looked.url, 'url') : 'Not rated (unknown)'
}

export function fileText(looked: Looked, action: Action): string {
  switch (action.type) {
    case 'allow-unscanned':
      return action.passwordClass === undefined
        ? `Not scanned (${action.reason})`
        : `Not scanned (${action.reason}: ${action.passwordClass})`
    case 'block-unscanned':
      return action.threat.startsWith('Not scanned')
        ? action.threat
        : `Not scanned (${action.reason}: ${action.threat})`
    case 'error':
      return `Not scanned (${action.reason})`
    case 'allow-excluded':
      return 'Not scanned (excluded)'
    case 'block':
      return detectedText(causes(action, looked.file, 'file')) ?? unblockedText(looked)
    case 'allow-clean':
      return looked.hasBody ? riskText(looked.file, 'file') : NO_RISK
  }
}

/** A block for the URL: what is known of the file beside it. */
function unblockedText(looked: Looked): string {
  if (!looked.hasBody) return NO_RISK
  for (const result of looked.file) if (result.outcome === 'unscanned') return `Not scanned (${result.reason})`
  return looked.file.length === 0 ? 'Not scanned (blocked by URL)' : riskText(looked.file, 'file')
}

function causes(
  action: Action | undefined,
  results: readonly ScanResult[],
  about: Detection['about'],
): readonly Detection[] {
  if (action?.type !== 'block' || results.length === 0) return []
  return action.causes.filter((cause) => cause.about === about)
}

function detectedText(detections: readonly Detection[]): string | undefined {
  const [first] = detections
  return first === undefined ? undefined : `Detected by ${moduleName(first)}`
}

/** Detections below the threshold are said, not hidden: the message passed, but not as one without risk. */
function riskText(results: readonly ScanResult[], about: Detection['about']): string {
  let text = NO_RISK
  for (const result of results) {
    if (result.outcome === 'clean') continue
    for (const detection of result.detections ?? []) {
      if (detection.about !== about || detection.risk === 'none') continue
      if (text === NO_RISK || detection.risk === 'medium')
        text = `${detection.risk === 'medium' ? 'Medium' : 'Low'} risk passed by policy`
    }
  }
  return text
}

/** Why a message was blocked, in words for the user behind the client. */
export function reasonText(action: Action): string {
  if (action.type === 'block') {
    const [first] = action.causes
    return `Detected by ${moduleName(first)}`
  }
  return action.type === 'block-unscanned' ? `It could not be scanned (${action.reason})` : ''
}

export function threatNames(action: Action): readonly string[] {
  if (action.type === 'block') return action.causes.map((cause) => cause.name)
  return action.type === 'block-unscanned' ? [action.threat] : []
}
