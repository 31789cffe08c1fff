import type { RiskLevel } from '../../../domain/risk.ts'
import type { UnscannedReason } from '../../../domain/verdict.ts'

export type AlertMeaning = { readonly risk: RiskLevel } | { readonly unscanned: UnscannedReason }

/**
 * Names that clamd reports as FOUND though they are no malware, by their beginning; the first that fits counts. From the strings of
 * libclamav 1.4.6. What clamd could not look into (AlertExceedsMax, AlertEncrypted, AlertBroken...) is unscanned with the reason's
 * own policy, never a detection: as "infected" it would block an honest file and teach its hash to the lists.
 */
const ALERTS: readonly (readonly [start: string, meaning: AlertMeaning, because: string])[] = [
  ['Heuristics.Limits.Exceeded.MaxRecursion', { unscanned: 'too-deep' }, 'nested deeper than MaxRecursion'],
  ['Heuristics.Limits.Exceeded.MaxScanTime', { unscanned: 'timeout' }, 'MaxScanTime was over'],
  // 4a: "a size that a tool or clamd refuses"; the walker counts bombs by itself and hands every member over.
  ['Heuristics.Limits.Exceeded.MaxFileSize', { unscanned: 'too-large' }, 'it, or a member, is over MaxFileSize'],
  ['Heuristics.Limits.Exceeded.', { unscanned: 'bomb' }, 'MaxScanSize, MaxFiles, parts and headers of mail'],
  ['Heuristics.XZ.DicSizeLimit', { unscanned: 'bomb' }, 'a dictionary too large to unpack'],
  ['Heuristics.Zip.OverlappingFiles', { unscanned: 'bomb' }, 'the mark of zip bombs of one layer'],
  ['Heuristics.Encrypted.', { unscanned: 'encrypted' }, 'AlertEncrypted'],
  ['Heuristics.Broken.', { unscanned: 'malformed' }, 'AlertBrokenExecutables, AlertBrokenMedia'],
  ['Broken.', { unscanned: 'malformed' }, 'the same before 0.102'],
  ['Heuristics.Phishing.', { risk: 'medium' }, 'guessed from the links of a mail'],
  ['Heuristics.Safebrowsing.', { risk: 'medium' }, 'a listed link in a mail, not a program'],
  ['Heuristics.Structured.', { risk: 'medium' }, 'card numbers: data leaving, not malware'],
  ['Heuristics.OLE2.ContainsMacros', { risk: 'medium' }, 'AlertOLE2Macros: any macro'],
  ['Heuristics.PDF.', { risk: 'medium' }, 'obfuscated, not convicted'],
  ['Heuristics.BoundsCheck', { risk: 'medium' }, 'odd sizes'],
  ['Heuristics.MBRPartition', { risk: 'medium' }, 'AlertPartitionIntersection'],
  ['Heuristics.GPTPartition', { risk: 'medium' }, 'AlertPartitionIntersection'],
  ['Heuristics.APMPartition', { risk: 'medium' }, 'AlertPartitionIntersection'],
  ['BC.Heuristics.', { risk: 'medium' }, 'guessed by bytecode'],
  ['PUA.', { risk: 'medium' }, 'possibly unwanted (DetectPUA)'],
]

const MALWARE: AlertMeaning = { risk: 'high' }

/** What a name after FOUND means; every other name is a signature's, hence high (ARCHITECTURE.md, "Risk"). */
export function alertMeaning(name: string): AlertMeaning {
  return ALERTS.find(([start]) => name.startsWith(start))?.[1] ?? MALWARE
}
