import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { featuresOf } from '../../packages/server/src/scan/scanners/predictive/features-of.ts'
import { ModelError, readLightGbm } from '../../packages/server/src/scan/scanners/predictive/lightgbm-model.ts'
import { loadModel } from '../../packages/server/src/scan/scanners/predictive/models.ts'
import { contributions, predict } from '../../packages/server/src/scan/scanners/predictive/tree-model.ts'
import { SigningTools } from '../../packages/server/test/scan/predictive/signing-tools.ts'
import { tinyModel, tree } from '../../packages/server/test/scan/predictive/tiny-model.ts'
import { tinyPe } from '../../packages/server/test/scan/predictive/tiny-pe.ts'
import { makeIExpress, makeSelfExtractor } from '../../packages/server/test/unpack/archives/make-self-extractor.ts'
import { makeZip } from '../../packages/server/test/unpack/archives/make-zip.ts'
import { FUZZ_FOLDER } from './cached.ts'
import { type Input, plainSeed, type Seed, seedsOf, type Target } from './target.ts'
import { createWalker } from './walker.ts'

/** Signed by osslsigncode, once: with a chain, a name, a second signature inside, and a time stamp of either kind. */
async function signedSeeds(): Promise<Seed[]> {
  const place = (at: number) => join(FUZZ_FOLDER, 'corpus', `signed-${at}`)
  if (!existsSync(place(3))) await sign(place)
  return [0, 1, 2, 3]
    .filter((at) => existsSync(place(at)))
    .map((at) => plainSeed(`signed ${at}`, readFileSync(place(at))))
}

async function sign(place: (at: number) => string): Promise<void> {
  try {
    const tools = new SigningTools()
    try {
      const clock = await tools.startClock()
      const chain = tools.as('signer', 'chain.pem')
      writeFileSync(place(0), await tools.sign(tinyPe(), [...chain, '-n', 'Tiny Tool']))
      writeFileSync(place(1), await tools.sign(await tools.sign(tinyPe({ wide: true }), chain), [...tools.as('self'), '-nest']))
      writeFileSync(place(2), await tools.sign(tinyPe(), [...chain, '-ts', `${clock}/rfc3161`]))
      writeFileSync(place(3), await tools.sign(tinyPe(), [...chain, '-t', `${clock}/authenticode`]))
    } finally {
      tools.close()
    }
  } catch (error) {
    console.error(`fuzz: no signed programs: ${error instanceof Error ? error.message.split('\n', 1)[0] : error}`)
  }
} // biome-ignore format: one sample a line

const DEBIAN = join(FUZZ_FOLDER, '../predictive-debian')
const MOST_BYTES = 72_000
/** What the makers do not make: compilers' own header, a version block, base relocations, debug data, bound imports. */
const WANTED = [
  'Rich',
  Buffer.from('VS_VERSION_INFO', 'utf16le'),
  '.reloc',
  'RSDS',
  '.pdata',
  Buffer.from('StringFileInfo', 'utf16le'),
]
const MOST_OF_A_KIND = 3

/** Small real programs that the tests of the predictive engine have downloaded; none where they have not. */
function realSeeds(): Seed[] {
  if (!existsSync(DEBIAN)) return []
  const files = readdirSync(DEBIAN, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size < MOST_BYTES)
    .sort()
    .map((path) => plainSeed(path, readFileSync(path)))
  const kinds = WANTED.map((mark) => files.filter(({ parts }) => parts[0]?.includes(mark)).slice(0, MOST_OF_A_KIND))
  const step = Math.max(1, Math.floor(files.length / 8))
  return [...new Set([...kinds.flat(), ...files.filter((_, at) => at % step === 0)])]
}

/** The linker's own header in the DOS stub: marks and pairs under one key. */
function withRichHeader(pe: Buffer): Buffer {
  const key = 0x1234abcd
  const words = [0x536e6144, 0, 0, 0, 0x01047809, 3, 0x00010000, 7].map((word) => (word ^ key) >>> 0)
  for (const [at, word] of [...words, 0x68636952, key].entries()) pe.writeUInt32LE(word, 0x40 + at * 4)
  return pe
}

const tinySeeds = (): Seed[] =>
  seedsOf({
    pe: () => tinyPe(),
    'pe 64': () => tinyPe({ wide: true, machine: 0x8664 }),
    net: () => tinyPe({ dotNet: true }),
    rich: () => withRichHeader(tinyPe()),
    sfx: () => makeSelfExtractor(makeZip([{ name: 'a.txt', data: 'hello' }])),
    iexpress: () => makeIExpress(Buffer.from('MSCF\0\0\0\0')),
    strings: () => Buffer.concat([tinyPe(), Buffer.from('http://a.example/x C:\\Windows\\x HKEY_LOCAL_MACHINE 198.51.100.1 a@b.example '.repeat(20))]),
  }) // biome-ignore format: one program a line

const models = { pe: loadModel(tinyModel()) }
const thresholds = { high: 0.98, medium: 0.9 }

/** What `assay models features` and the engine read: features, signature, score. */
function runPe(walk: (input: Input) => Promise<void>): (input: Input) => Promise<void> {
  return async (input) => {
    featuresOf(input.bytes, { models: input.bytes.length % 2 === 0 ? {} : models, thresholds })
    await walk(input)
  }
}

const PE_TOKENS = ['PE\0\0', 'MZ', '\x00\x10\0\0', '\x10\0\0\x80', '\x00\0\0\x80', '.text\0\0\0', 'KERNEL32.dll\0', '\x0b\x01', '\x0b\x02', 'Rich', 'V\0S\0_\0V\0E\0R\0', '\x30\x82\xff\xff', '\x30\x80', '\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02', '\x31\x00', '\x04\x84\x7f\xff\xff\xff', '\xa0\x82\x10\x00'] // biome-ignore format: one list
const MODEL_TOKENS = ['Tree=1\n', 'num_leaves=', 'split_feature=', 'left_child=0 ', 'right_child=-3 ', 'nan ', 'inf ', '1e999 ', '-1 ', 'cat_boundaries=0 4294967295\n', 'cat_threshold=', 'is_linear=1\n', 'end of trees\n', 'version=v3\n', '=', '\n\n'] // biome-ignore format: one list

/** A forest of one leaf, of many, and the one of the tests. */
const modelSeeds = (): Seed[] => {
  const leaf = tree(0, { num_leaves: '1', num_cat: '0', leaf_value: '0.5' })
  const small = tinyModel().toString('latin1')
  return seedsOf({ tiny: () => small, few: () => tinyModel({ features: 4 }), leaf: () => small.replace(/Tree=0[\s\S]*(?=end of trees)/, `${leaf}\n\n`) })
} // biome-ignore format: one maker

function runModel({ bytes }: Input): void {
  let model: ReturnType<typeof readLightGbm>
  try {
    model = readLightGbm(bytes)
  } catch (error) {
    if (error instanceof ModelError) return
    throw error
  }
  const features = new Float32Array(Math.min(model.featureCount, 10_000)).fill(Number.NaN)
  predict(model, features)
  contributions(model, features)
}

export const PROGRAM_TARGETS: readonly Target[] = [
  {
    name: 'pe',
    about: 'PE reader, 2,568 features, Authenticode (DER, signatures, time stamps), and the walk over programs',
    share: 80,
    async prepare() {
      const seeds = [...tinySeeds(), ...(await signedSeeds()), ...realSeeds()]
      return { seeds, tokens: PE_TOKENS, keptBytes: 2, run: runPe(createWalker()) }
    },
  },
  {
    name: 'model',
    about: 'the reader of LightGBM models',
    share: 300,
    prepare: () => ({ seeds: modelSeeds(), tokens: MODEL_TOKENS, run: runModel }),
  },
]
