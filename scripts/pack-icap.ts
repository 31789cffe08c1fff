// `node scripts/pack-icap.ts [FOLDER]`: @assay/icap as a tarball of JavaScript and declarations, for Node refuses .ts under node_modules.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PACKAGE = join(ROOT, 'packages/icap')

/** Builds in a temporary folder and puts the tarball into `destination`; gives its path. Throws when tsc or npm fails. */
export function packIcap(destination: string): string {
  const stage = mkdtempSync(join(tmpdir(), 'assay-pack-'))
  try {
    compile(stage)
    renameImports(join(stage, 'dist'))
    writeFileSync(join(stage, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`)
    for (const name of ['LICENSE', 'README.md']) copyFileSync(join(PACKAGE, name), join(stage, name))
    const output = runNpm(['pack', '--json', '--pack-destination', resolve(destination)], stage)
    const [packed] = JSON.parse(output) as { filename: string }[]
    if (packed === undefined) throw new Error('npm pack named no file')
    return join(resolve(destination), packed.filename)
  } finally {
    rmSync(stage, { recursive: true })
  }
}

/** Runs npm (the one that started us, where it did) with a cache of its own beside `folder`'s files; gives its standard output. */
export function runNpm(args: readonly string[], folder: string): string {
  const cli = process.env.npm_execpath
  const [command, ...before] = cli?.endsWith('.js') ? [process.execPath, cli] : ['npm']
  const env = { ...process.env, npm_config_cache: join(folder, '.npm-cache'), npm_config_update_notifier: 'false' }
  return execFileSync(command ?? 'npm', [...before, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

function compile(stage: string): void {
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      allowImportingTsExtensions: false,
      rewriteRelativeImportExtensions: true,
      declaration: true,
      rootDir: join(PACKAGE, 'src'),
      outDir: join(stage, 'dist'),
      typeRoots: [join(ROOT, 'node_modules/@types')],
    },
    include: [join(PACKAGE, 'src/**/*.ts')],
  }
  const path = join(stage, 'tsconfig.json')
  writeFileSync(path, JSON.stringify(config))
  execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', path], { stdio: ['ignore', 'inherit', 'inherit'] })
  rmSync(path)
}

/** The compiler renames imports in its JavaScript only; in declarations they would still name .ts files that are not shipped. */
function renameImports(dist: string): void {
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.d.ts')) continue
    const path = join(dist, name)
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(/((?:from|import)\s*\(?\s*['"]\.{1,2}\/[^'"]+)\.ts(['"])/g, '$1.js$2'),
    )
  }
}

function manifest(): Record<string, unknown> {
  const { name, version, description, type, license, engines } = JSON.parse(
    readFileSync(join(PACKAGE, 'package.json'), 'utf8'),
  ) as Record<string, unknown>
  return {
    name,
    version,
    description,
    keywords: ['icap', 'icaps', 'rfc3507', 'proxy', 'content-adaptation'],
    license,
    type,
    engines,
    main: './dist/index.js',
    types: './dist/index.d.ts',
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    files: ['dist'],
  }
}

if (import.meta.main) console.log(packIcap(process.argv[2] ?? '.'))
