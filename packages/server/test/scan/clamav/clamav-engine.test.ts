import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import {
  type ClamavEngine,
  type ClamavOptions,
  createClamavEngine,
} from '../../../src/scan/scanners/clamav/clamav-engine.ts'
import { needs } from '../../e2e/needs.ts'
import { zip } from '../archives.ts'
import { type Clamd, EICAR, fileOf, MARKER, outcome, sampleOf, startClamd } from './clamd.ts'

const MIB = 1_048_576
const NEEDS = needs('clamd', 'sigtool')
const FAST = { answerMs: 500, checkMs: 60_000, maxRetryMs: 250 }

/** Engines of one test, closed after it whatever it did. */
async function withEngine(options: ClamavOptions, use: (engine: ClamavEngine) => Promise<void>): Promise<void> {
  const engine = createClamavEngine({ ...FAST, ...options })
  try {
    await use(engine)
  } finally {
    await engine.close()
  }
}

const manyFiles = (count: number) =>
  zip(Array.from({ length: count }, (_, i) => ({ name: `${i}.txt`, data: Buffer.from(`member ${i}`) })))
const encryptedZip = () => zip([{ name: 'a.txt', data: Buffer.alloc(64, 7), encrypted: true }])
function nested(levels: number): Buffer {
  let inner: Buffer = Buffer.from('the bottom')
  for (let level = 0; level < levels; level++) inner = zip([{ name: 'z.zip', data: inner }])
  return inner
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (isSo()) return
    await sleep(25)
  }
  assert.fail(`never: ${what}`)
}

describe('ClamAV by clamd', NEEDS, () => {
  let clamd: Clamd
  let engine: ClamavEngine
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'assay-clamav-'))
    clamd = await startClamd(
      'AlertExceedsMax yes',
      'AlertEncrypted yes',
      'StreamMaxLength 10M',
      'MaxScanSize 8M',
      'MaxFileSize 6M',
      'MaxFiles 50',
      'MaxRecursion 8',
      'DetectPUA yes',
    )
    engine = createClamavEngine({ ...FAST, endpoints: [clamd.unix, clamd.tcp] })
  })
  after(async () => {
    await engine?.close()
    await clamd?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const zeros = (bytes: number) => Buffer.alloc(bytes)
  const ROWS: readonly (readonly [made: () => Buffer | string, expected: string, because: string])[] = [
    [() => 'hello', 'clean', 'nothing is in it'],
    [() => '', 'clean', 'there is nothing at all'],
    [() => EICAR, 'Eicar-Test-Signature.UNOFFICIAL high', 'its hash is known'],
    [() => MARKER, 'Assay.Marker.UNOFFICIAL high', 'a pattern fits'],
    [() => 'xx assay-yara-marker xx', 'YARA.AssayYara.UNOFFICIAL high', 'a YARA rule of clamd fits'],
    [() => 'assay-possibly-unwanted', 'PUA.Assay.Tool.UNOFFICIAL medium', 'PUA is no malware'],
    [() => 'assay-phishing-guess', 'Heuristics.Phishing.Email.Assay.UNOFFICIAL medium', 'a guess is no conviction'],
    [
      () => Buffer.concat([zeros(3 * MIB), MARKER]),
      'Assay.Marker.UNOFFICIAL high',
      'it stands at the end of many chunks',
    ],
    [() => zeros(7 * MIB), 'unscanned too-large', 'it is over MaxFileSize'],
    [() => zeros(11 * MIB), 'unscanned too-large', 'it is over StreamMaxLength'],
    [() => manyFiles(80), 'unscanned bomb', 'it has more members than MaxFiles'],
    [() => nested(20), 'unscanned too-deep', 'it is deeper than MaxRecursion'],
    [() => encryptedZip(), 'unscanned encrypted', 'a member is encrypted'],
  ]
  for (const [made, expected, because] of ROWS)
    it(`says ${expected} where ${because}`, async () => assert.equal(await outcome(engine, sampleOf(made())), expected))

  it('names engine, version and clamd in its evidence', async () => {
    const [found] = await engine.scan(sampleOf(EICAR), new AbortController().signal, { client: '' })
    assert.equal(found?.engine, 'clamav')
    assert.equal(found?.about, 'file')
    assert.match(found?.evidence ?? '', /^ClamAV \d+\.\d+\.\d+ at (unix|tcp):/)
  })

  it('reads a file by its descriptor, from the first byte on, and leaves it open', async () => {
    const content = fileOf(join(folder, 'f'), 5 * MIB, { bytes: MARKER, at: 5 * MIB - MARKER.length })
    const both = await Promise.all([outcome(engine, sampleOf(content)), outcome(engine, sampleOf(content))])
    assert.deepEqual(both, ['Assay.Marker.UNOFFICIAL high', 'Assay.Marker.UNOFFICIAL high'])
    closeSync(content.fd)
  })

  it('says too-large of 200 MB, at once the second time', async () => {
    const content = fileOf(join(folder, 'big'), 200 * MIB, { bytes: MARKER, at: 0 })
    const sample = sampleOf(content)
    assert.equal(await outcome(engine, sample), 'unscanned too-large')
    assert.equal(await outcome(engine, sample), 'unscanned too-large')
    assert.equal(await outcome(engine, sampleOf(MARKER)), 'Assay.Marker.UNOFFICIAL high')
    closeSync(content.fd)
  })

  it('is engine-down where the file ends before its size', async () => {
    const content = fileOf(join(folder, 'short'), MIB, { bytes: MARKER, at: 0 })
    assert.equal(await outcome(engine, sampleOf({ ...content, size: 2 * MIB })), 'unscanned engine-down')
    closeSync(content.fd)
  })

  it('gives each of a hundred at once its own answer, large ones between them', async () => {
    const bodies = Array.from({ length: 100 }, (_, i) => {
      if (i % 25 === 7) return [zeros(11 * MIB), 'unscanned too-large'] as const
      if (i % 10 === 3) return [Buffer.concat([zeros(2 * MIB), MARKER]), 'Assay.Marker.UNOFFICIAL high'] as const
      return i % 2 === 0
        ? ([EICAR, 'Eicar-Test-Signature.UNOFFICIAL high'] as const)
        : (['x'.repeat(i), 'clean'] as const)
    })
    const got = await Promise.all(bodies.map(([body]) => outcome(engine, sampleOf(body), 30_000)))
    assert.deepEqual(
      got,
      bodies.map(([, expected]) => expected),
    )
  })

  it('is up, and says of what version', () => {
    assert.match(engine.version, /^ClamAV \d/)
    const { state, detail } = engine.health()
    assert.equal(state, 'up')
    assert.match(detail, /^2 of 2 clamd up/)
  })

  it('does not send what is over its own limit', async () => {
    await withEngine({ endpoints: [clamd.unix], maxBytes: 10 }, async (small) => {
      assert.equal(await outcome(small, sampleOf('x'.repeat(11))), 'unscanned too-large')
      assert.equal(await outcome(small, sampleOf('x'.repeat(10))), 'clean')
    })
  })

  it('is a timeout where the time is over before it began', async () => {
    assert.equal(await outcome(engine, sampleOf('x'), 0), 'unscanned timeout')
    const deadline = AbortSignal.abort()
    await assert.rejects(async () => engine.scan(sampleOf('x'), deadline, { client: '' }), { reason: 'timeout' })
  })

  it('scans on a thread and, idle, keeps none alive', async () => {
    const script = `
      const { workerData, parentPort } = require('node:worker_threads')
      import(workerData.module).then(async ({ createClamavEngine }) => {
        const engine = createClamavEngine({ endpoints: [workerData.endpoint] })
        const content = { kind: 'memory', bytes: Buffer.from(workerData.body) }
        const found = await engine.scan({ content, size: content.bytes.length }, new AbortController().signal, { client: '' })
        parentPort.postMessage(found[0].name)
      })
      setTimeout(() => {}, 3000)`
    const module = new URL('../../../src/scan/scanners/clamav/clamav-engine.ts', import.meta.url).href
    const workerData = { module, endpoint: clamd.unix, body: MARKER.toString() }
    const worker = new Worker(script, { eval: true, workerData })
    const [[name], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')])
    assert.deepEqual([name, code], ['Assay.Marker.UNOFFICIAL', 0])
  })
})

describe('A clamd that does not tell its limits', NEEDS, () => {
  it('is not believed for bodies that it may have skipped', async () => {
    const clamd = await startClamd('MaxFileSize 2M', 'StreamMaxLength 20M')
    try {
      await withEngine({ endpoints: [clamd.unix], maxBytesUntold: 2 * MIB }, async (engine) => {
        assert.equal(await outcome(engine, sampleOf(Buffer.alloc(2 * MIB))), 'clean')
        assert.equal(await outcome(engine, sampleOf(Buffer.alloc(3 * MIB))), 'unscanned too-large')
        assert.match(engine.version, /AlertExceedsMax is off/)
        assert.match(engine.health().detail, /AlertExceedsMax is off/)
      })
    } finally {
      await clamd.stop()
    }
  })
})

describe('A clamd in trouble', NEEDS, () => {
  it('frozen, is a timeout at the deadline; thawed, it serves again on new connections', async () => {
    const clamd = await startClamd()
    try {
      await withEngine({ endpoints: [clamd.unix] }, async (engine) => {
        assert.equal(await outcome(engine, sampleOf(EICAR)), 'Eicar-Test-Signature.UNOFFICIAL high')
        clamd.signal('SIGSTOP')
        const frozen = await Promise.all([
          outcome(engine, sampleOf(EICAR), 700),
          outcome(engine, sampleOf(Buffer.alloc(5 * MIB)), 700),
          outcome(engine, sampleOf('small'), 700),
        ])
        assert.deepEqual(frozen, ['unscanned timeout', 'unscanned timeout', 'unscanned timeout'])
        await engine.refresh()
        assert.equal(engine.health().state, 'down')
        assert.match(engine.health().detail, /silent/)
        clamd.signal('SIGCONT')
        await until('it is up', () => engine.health().state === 'up')
        assert.equal(await outcome(engine, sampleOf(EICAR)), 'Eicar-Test-Signature.UNOFFICIAL high')
      })
    } finally {
      await clamd.stop()
    }
  })

  it('killed in mid-stream, is engine-down; started again, it serves at once', async () => {
    const clamd = await startClamd('StreamMaxLength 500M', 'AlertExceedsMax yes')
    const folder = await mkdtemp(join(tmpdir(), 'assay-clamav-'))
    const content = fileOf(join(folder, 'f'), 300 * MIB, { bytes: MARKER, at: 0 })
    try {
      await withEngine({ endpoints: [clamd.tcp], maxRetryMs: 60_000 }, async (engine) => {
        assert.equal(await outcome(engine, sampleOf('x')), 'clean')
        const running = outcome(engine, sampleOf(content))
        await sleep(30)
        clamd.signal('SIGKILL')
        assert.equal(await running, 'unscanned engine-down')
        assert.equal(await outcome(engine, sampleOf('x')), 'unscanned engine-down')
        assert.equal(engine.health().state, 'down')
        await clamd.restart()
        await sleep(500)
        assert.equal(await outcome(engine, sampleOf(EICAR)), 'Eicar-Test-Signature.UNOFFICIAL high')
      })
    } finally {
      closeSync(content.fd)
      await rm(folder, { recursive: true, force: true })
      await clamd.stop()
    }
  })

  it('restarted between two bodies, is not noticed', async () => {
    const clamd = await startClamd()
    try {
      await withEngine({ endpoints: [clamd.unix] }, async (engine) => {
        assert.equal(await outcome(engine, sampleOf('x')), 'clean')
        await clamd.restart()
        assert.equal(await outcome(engine, sampleOf(EICAR)), 'Eicar-Test-Signature.UNOFFICIAL high')
      })
    } finally {
      await clamd.stop()
    }
  })

  it('that closed an idle session is asked again', async () => {
    const clamd = await startClamd('ReadTimeout 1', 'CommandReadTimeout 1')
    try {
      await withEngine({ endpoints: [clamd.unix] }, async (engine) => {
        assert.equal(await outcome(engine, sampleOf('x')), 'clean')
        await sleep(2_500)
        assert.equal(await outcome(engine, sampleOf(EICAR)), 'Eicar-Test-Signature.UNOFFICIAL high')
      })
    } finally {
      await clamd.stop()
    }
  })

  it('was never there: engine-down, and the detail says why', async () => {
    const paths = ['unix:/nonexistent/clamd.sock', 'tcp:127.0.0.1:1']
    await withEngine({ endpoints: paths }, async (engine) => {
      assert.equal(await outcome(engine, sampleOf('x')), 'unscanned engine-down')
      assert.match(engine.health().detail, /0 of 2 clamd up.*ENOENT.*ECONNREFUSED/)
    })
  })
})

describe('Two clamd', NEEDS, () => {
  let first: Clamd
  let second: Clamd

  before(async () => {
    ;[first, second] = await Promise.all([startClamd('StreamMaxLength 3M'), startClamd()])
  })
  after(() => Promise.all([first?.stop(), second?.stop()]))

  it('share the work', async () => {
    await withEngine({ endpoints: [first.unix, second.unix] }, async (engine) => {
      await engine.refresh()
      const evidence = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const [found] = await engine.scan(sampleOf(EICAR), new AbortController().signal, { client: '' })
          return found?.evidence?.split(' at ')[1]
        }),
      )
      assert.deepEqual(new Set(evidence), new Set([first.unix, second.unix]))
    })
  })

  it('serve on when one is frozen under bodies, and when it is killed', async () => {
    await withEngine({ endpoints: [first.unix, second.unix], answerMs: 300 }, async (engine) => {
      await engine.refresh()
      first.signal('SIGSTOP')
      const got = await Promise.all(Array.from({ length: 20 }, () => outcome(engine, sampleOf(EICAR), 15_000)))
      first.signal('SIGCONT')
      assert.deepEqual(new Set(got), new Set(['Eicar-Test-Signature.UNOFFICIAL high']))
      await until('both are up', () => engine.health().detail.startsWith('2 of 2'))
      first.signal('SIGKILL')
      await once(first.process, 'exit')
      const after = await Promise.all(Array.from({ length: 20 }, () => outcome(engine, sampleOf(EICAR))))
      assert.deepEqual(new Set(after), new Set(['Eicar-Test-Signature.UNOFFICIAL high']))
      assert.match(engine.health().detail, /^1 of 2 clamd up/)
      await first.restart()
      await until('it is found again', () => engine.health().detail.startsWith('2 of 2'))
    })
  })

  it('are not asked in vain: what one refuses for its size, the other takes', async () => {
    await withEngine({ endpoints: [first.unix, second.unix] }, async (engine) => {
      await engine.refresh()
      const body = sampleOf(Buffer.concat([Buffer.alloc(4 * MIB), MARKER]))
      const got = new Set<string>()
      for (let i = 0; i < 4; i++) got.add(await outcome(engine, body))
      assert.deepEqual([...got].at(-1), 'Assay.Marker.UNOFFICIAL high')
    })
  })
})

describe('New signatures', NEEDS, () => {
  for (const mode of ['yes', 'no'])
    it(`change the version, and are waited for (ConcurrentDatabaseReload ${mode})`, async () => {
      // Without concurrent reload clamd first waits until its own threads have ended, which idle ones do after IdleTimeout.
      const clamd = await startClamd(`ConcurrentDatabaseReload ${mode}`, 'AlertExceedsMax yes', 'IdleTimeout 1')
      const versions: string[] = []
      try {
        await withEngine(
          { endpoints: [clamd.unix], onVersion: (version) => versions.push(version) },
          async (engine) => {
            assert.equal(await outcome(engine, sampleOf('assay-daily-41')), 'clean')
            await clamd.publish(41)
            const during = await Promise.all(Array.from({ length: 20 }, () => outcome(engine, sampleOf(EICAR))))
            assert.deepEqual(new Set(during), new Set(['Eicar-Test-Signature.UNOFFICIAL high']))
            for (let i = 0; i < 100 && !engine.version.includes('/41/'); i++)
              await engine.refresh().then(() => sleep(50))
            assert.match(engine.version, /^ClamAV \S+\/41\/\w/)
            assert.equal(versions.at(-1), engine.version)
            assert.equal(await outcome(engine, sampleOf('assay-daily-41')), 'Assay.Daily.UNOFFICIAL high')
          },
        )
      } finally {
        await clamd.stop()
      }
    })
})

describe('The options', () => {
  const BAD = [
    '',
    'unix:relative',
    'tcp:host',
    'tcp:host:0',
    'tcp:host:65536',
    'tcp::3310',
    'http://x:1',
    `unix:/${'x'.repeat(108)}`,
  ]
  for (const endpoint of BAD)
    it(`refuse the address ${JSON.stringify(endpoint.slice(0, 20))}`, () => {
      assert.throws(() => createClamavEngine({ endpoints: [endpoint] }))
    })
  it('refuse no address at all', () => assert.throws(() => createClamavEngine({ endpoints: [] })))
})
