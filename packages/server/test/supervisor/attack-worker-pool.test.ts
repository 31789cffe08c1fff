import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'

const POOL = new URL('../../src/supervisor/worker-pool.ts', import.meta.url).href

/** A supervisor of its own: `node:cluster` is one for each process. It prints what its worker logs, and ends with it. */
const supervisor = (entry: string, until: number) => `
  const { createWorkerPool } = await import(${JSON.stringify(POOL)})
  const lines = []
  const pool = createWorkerPool({
    entry: new URL(${JSON.stringify(`file://${entry}`)}), size: 1, maxConnections: 1,
    env: { ASSAY_WORKER_FOLDER: '/nowhere' }, frozenAfterMs: 60000, drainTimeoutMs: () => 0,
    log: (level, text, fields) => {
      lines.push({ text, fields })
      if (lines.length < ${until}) return
      console.log(JSON.stringify(lines))
      process.exit(0)
    },
    onInstances() {}, onReport: (report) => report.metrics.instance, onGone() {},
  })
`

describe('worker pool', () => {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'assay-pool-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  async function logOf(worker: string, lines: number): Promise<{ text: string; fields: Record<string, unknown> }[]> {
    const entry = join(folder, `worker-${lines}.mjs`)
    await writeFile(entry, worker)
    const env = {
      ...process.env,
      ASSAY_ICAPS_PASSPHRASE: 'sesame',
      ASSAY_DATABASE_URL: 'postgres://u:pw@h/d',
      PGPASSWORD: 'pw',
    }
    const script = join(folder, `supervisor-${lines}.mjs`)
    await writeFile(script, supervisor(entry, lines))
    const { stdout } = await promisify(execFile)(process.execPath, [script], { env, timeout: 20_000 })
    return JSON.parse(stdout)
  }

  it('hands no secret of its own environment to a worker', async () => {
    const [line] = await logOf(
      `process.send({ type: 'log', level: 'info', text: 'env', fields: { env: process.env } })\nsetInterval(() => {}, 1000)`,
      1,
    )
    const env = line?.fields.env as Record<string, string>
    assert.equal(env.ASSAY_WORKER_FOLDER, '/nowhere')
    assert.equal(env.PATH, process.env.PATH)
    assert.deepEqual(
      Object.keys(env).filter((name) => /^PG|PASS|DATABASE/.test(name)),
      [],
    )
  })

  it('outlives a worker that talks nonsense, and ends that one', async () => {
    const lines = await logOf(`process.send({ type: 'pong' })\nsetInterval(() => {}, 1000)`, 2)
    assert.equal(lines[0]?.text, 'worker talks nonsense: killed')
    assert.equal(lines[1]?.text, 'worker ended')
  })
})
