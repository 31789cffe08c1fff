import { writeFileSync } from 'node:fs'
import { ICAP_FAULTS } from '@assay/icap'
import { REFUSALS } from '../packages/server/src/api/errors.ts'
import { EXIT } from '../packages/server/src/cli/exit.ts'
import { UNSCANNED_REASONS } from '../packages/server/src/domain/verdict.ts'
import { SETTINGS } from '../packages/server/src/settings/settings.ts'
import { STORE_FAULTS } from '../packages/server/src/store/errors.ts'

/** The whole of docs/errors.md; a test says when that is not what this makes. */
export function errorsDocument(): string {
  const reasons = UNSCANNED_REASONS.map((reason) => {
    const { fallback, help } = SETTINGS[`policy.unscanned.${reason}`]
    return [reason, fallback, help]
  })
  return [
    '# Errors and reasons',
    '',
    'Made by `node scripts/errors-doc.ts`: change the tables in the code. Codes are stable; texts are for people.',
    '',
    '## Why something was not scanned',
    'Stands in records, in `X-Response-Desc` and in `assay scan`. What happens then is `policy.unscanned.REASON`.',
    '',
    ...table(['reason', 'policy by default', 'meaning'], reasons),
    '## ICAP',
    'On the wire only the status goes out; code and text are in the log.',
    '',
    ...table(
      ['code', 'ICAP status', 'meaning'],
      Object.entries(ICAP_FAULTS).map(([code, { status, text }]) => [code, String(status), text]),
    ),
    '## API',
    '`{code, text, faults?}` with this HTTP status.',
    '',
    ...table(
      ['code', 'HTTP status', 'meaning'],
      Object.entries(REFUSALS).map(([code, { status, text }]) => [code, String(status), text]),
    ),
    '## Store',
    'In the log, in `assay status` and in `damaged-records.jsonl`.',
    '',
    ...table(['code', 'meaning'], Object.entries(STORE_FAULTS)),
    '## Exit codes of `assay`',
    '',
    ...table(
      ['code', 'name'],
      Object.entries(EXIT).map(([name, code]) => [String(code), name]),
    ),
  ].join('\n')
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line), '']
}

if (import.meta.main) writeFileSync(new URL('../docs/errors.md', import.meta.url), errorsDocument())
