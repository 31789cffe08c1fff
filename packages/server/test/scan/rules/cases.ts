import { ANDROID_CASES } from './android.ts'
import { DOCUMENT_CASES, PDF_CASES } from './documents.ts'
import { EICAR_CASES } from './eicar.ts'
import { INSTALLER_CASES } from './installers.ts'
import { LOADER_CASES } from './loaders.ts'
import { LURE_CASES } from './lures.ts'
import { MINER_CASES } from './miners.ts'
import { PHISHING_CASES } from './phishing.ts'
import { POWERSHELL_CASES } from './powershell.ts'
import { RANSOMWARE_CASES } from './ransomware.ts'
import { RAT_CASES } from './rats.ts'
import type { RuleCase } from './rule-case.ts'
import { SCAM_CASES } from './scams.ts'
import { SCRIPT_CASES } from './scripts.ts'
import { STEALER_CASES } from './stealers.ts'
import { TOOL_CASES } from './tools.ts'
import { UNIX_CASES } from './unix.ts'
import { WEBSHELL_CASES } from './webshells.ts'

/** By rule file. */
export const CASES: Readonly<Record<string, readonly RuleCase[]>> = {
  'android.yar': ANDROID_CASES,
  'documents.yar': DOCUMENT_CASES,
  'eicar.yar': EICAR_CASES,
  'installers.yar': INSTALLER_CASES,
  'loaders.yar': LOADER_CASES,
  'lures.yar': LURE_CASES,
  'miners.yar': MINER_CASES,
  'pdf.yar': PDF_CASES,
  'phishing.yar': PHISHING_CASES,
  'powershell.yar': POWERSHELL_CASES,
  'ransomware.yar': RANSOMWARE_CASES,
  'rats.yar': RAT_CASES,
  'scams.yar': SCAM_CASES,
  'scripts.yar': SCRIPT_CASES,
  'stealers.yar': STEALER_CASES,
  'tools.yar': TOOL_CASES,
  'unix.yar': UNIX_CASES,
  'webshells.yar': WEBSHELL_CASES,
}
