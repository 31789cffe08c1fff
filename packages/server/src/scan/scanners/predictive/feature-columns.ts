import { STRING_PATTERNS } from './string-patterns.ts'

/** EMBER feature version 3, as thrember 0ef753e lays it out (arXiv:2506.05074). */
export const FEATURE_COUNT = 2568

/** First column of each group and how many it has. */
export const COLUMN = {
  general: 0,
  byteHistogram: 7,
  byteEntropy: 263,
  strings: 519,
  stringPatterns: 619,
  header: 696,
  sections: 770,
  imports: 994,
  exports: 2276,
  dataDirectories: 2405,
  rich: 2439,
  authenticode: 2472,
  warnings: 2480,
} as const

interface Group {
  readonly group: string
  readonly from: number
  /** What people read; hashed columns of one meaning share a name, so that their contributions add up. */
  readonly names: readonly string[] | string
  readonly count: number
}

const HEADER_NAMES = [
  ...['timestamp', 'number of sections', 'number of symbols', 'size of optional header', 'symbol table'],
  ...['machine', 'subsystem', 'major image version', 'minor image version', 'major linker version'],
  ...['minor linker version', 'major OS version', 'minor OS version', 'major subsystem version'],
  ...['minor subsystem version', 'size of code', 'size of headers', 'size of image', 'size of initialized data'],
  ...['size of uninitialized data', 'stack reserve', 'stack commit', 'heap reserve', 'heap commit', 'entry point'],
  ...['base of code', 'image base', 'section alignment', 'checksum', 'number of data directories'],
]
const FILE_FLAGS = [
  ...['RELOCS_STRIPPED', 'EXECUTABLE_IMAGE', 'LINE_NUMS_STRIPPED', 'LOCAL_SYMS_STRIPPED', 'AGGRESSIVE_WS_TRIM'],
  ...['LARGE_ADDRESS_AWARE', '16BIT_MACHINE', 'BYTES_REVERSED_LO', '32BIT_MACHINE', 'DEBUG_STRIPPED'],
  ...['REMOVABLE_RUN_FROM_SWAP', 'NET_RUN_FROM_SWAP', 'SYSTEM', 'DLL', 'UP_SYSTEM_ONLY', 'BYTES_REVERSED_HI'],
]
const DLL_FLAGS = [
  ...['HIGH_ENTROPY_VA', 'DYNAMIC_BASE', 'FORCE_INTEGRITY', 'NX_COMPAT', 'NO_ISOLATION', 'NO_SEH', 'NO_BIND'],
  ...['APPCONTAINER', 'WDM_DRIVER', 'GUARD_CF', 'TERMINAL_SERVER_AWARE'],
]
const DOS_FIELDS =
  'magic cblp cp crlc cparhdr minalloc maxalloc ss sp csum ip cs lfarlc ovno oemid oeminfo lfanew'.split(' ')
const DIRECTORIES = [
  ...['export', 'import', 'resource', 'exception', 'security', 'relocation', 'debug', 'copyright', 'global pointer'],
  ...['TLS', 'load config', 'bound import', 'IAT', 'delay import', 'CLR', 'reserved'],
]

const GROUPS: readonly Group[] = [
  named('general', 0, ['file size', 'file entropy', 'is a PE', 'byte 0', 'byte 1', 'byte 2', 'byte 3']),
  { group: 'bytes', from: COLUMN.byteHistogram, names: 'byte histogram', count: 256 },
  { group: 'bytes', from: COLUMN.byteEntropy, names: 'byte-entropy histogram', count: 256 },
  named('strings', COLUMN.strings, ['number of strings', 'average string length', 'printable characters']),
  { group: 'strings', from: COLUMN.strings + 3, names: 'printable character distribution', count: 96 },
  named('strings', COLUMN.strings + 99, ['entropy of strings']),
  named(
    'strings',
    COLUMN.stringPatterns,
    STRING_PATTERNS.map(({ name }) => `strings with ${name}`),
  ),
  named('header', COLUMN.header, [
    ...HEADER_NAMES,
    ...FILE_FLAGS.map((flag) => `file flag ${flag}`),
    ...DLL_FLAGS.map((flag) => `DLL flag ${flag}`),
    ...DOS_FIELDS.map((field) => `DOS header e_${field}`),
  ]),
  named('sections', COLUMN.sections, [
    ...['number of sections', 'sections of no size', 'sections without a name', 'executable sections'],
    ...['writable sections', 'highest section entropy', 'lowest section entropy', 'largest share of a section'],
    ...['smallest share of a section', 'largest raw to virtual size', 'smallest raw to virtual size'],
  ]),
  { group: 'sections', from: COLUMN.sections + 11, names: 'section sizes', count: 50 },
  { group: 'sections', from: COLUMN.sections + 61, names: 'section virtual sizes', count: 50 },
  { group: 'sections', from: COLUMN.sections + 111, names: 'section entropy', count: 50 },
  { group: 'sections', from: COLUMN.sections + 161, names: 'section flags', count: 50 },
  { group: 'sections', from: COLUMN.sections + 211, names: 'name of the entry section', count: 10 },
  named('sections', COLUMN.sections + 221, ['overlay size', 'overlay share', 'overlay entropy']),
  named('imports', COLUMN.imports, ['number of imports', 'number of imported libraries']),
  { group: 'imports', from: COLUMN.imports + 2, names: 'imported libraries', count: 256 },
  { group: 'imports', from: COLUMN.imports + 258, names: 'imported functions', count: 1024 },
  named('exports', COLUMN.exports, ['has exports']),
  { group: 'exports', from: COLUMN.exports + 1, names: 'exported functions', count: 128 },
  named('data directories', COLUMN.dataDirectories, [
    ...DIRECTORIES.flatMap((name) => [`size of the ${name} directory`, `address of the ${name} directory`]),
    ...['has relocations', 'has dynamic relocations'],
  ]),
  named('Rich header', COLUMN.rich, ['Rich header entries']),
  { group: 'Rich header', from: COLUMN.rich + 1, names: 'Rich header tools', count: 32 },
  named('signature', COLUMN.authenticode, [
    ...['number of signatures', 'self-signed certificate', 'no program name', 'no countersignature'],
    ...['signature parse error', 'certificates in the signature', 'time of countersignature'],
    'countersignature time minus PE timestamp',
  ]),
  { group: 'format warnings', from: COLUMN.warnings, names: 'format warnings', count: 87 },
  named('format warnings', COLUMN.warnings + 87, ['number of format warnings']),
]

function named(group: string, from: number, names: readonly string[]): Group {
  return { group, from, names, count: names.length }
}

/** What a column measures. `hashed`: many columns share the name, and several things may share a column. */
export interface ColumnName {
  readonly group: string
  readonly name: string
  readonly shared: boolean
}

const COLUMN_NAMES: readonly ColumnName[] = GROUPS.flatMap(({ group, names, count }) =>
  Array.from({ length: count }, (_, index) =>
    typeof names === 'string'
      ? { group, name: names, shared: true }
      : { group, name: names[index] ?? '', shared: false },
  ),
)

/** Throws RangeError for a column that is none. */
export function columnName(column: number): ColumnName {
  const name = COLUMN_NAMES[column]
  if (name === undefined) throw new RangeError(`no column ${column}`)
  return name
}
