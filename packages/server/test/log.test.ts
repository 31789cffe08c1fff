import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import process from 'node:process'
import { describe, it } from 'node:test'

const LOG = JSON.stringify(new URL('../src/log.ts', import.meta.url).href)

/** Runs a program that has `log`; gives its stdout and stderr. */
async function run(code: string, closesStderr = false) {
  const program = `const { createLog } = await import(${LOG}); const log = createLog('info'); ${code}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program])
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  if (closesStderr) child.stderr.destroy()
  await new Promise((resolve) => child.once('close', resolve))
  return { stdout, stderr }
}

describe('the log', () => {
  it('is JSON lines on stderr; stdout is left to others', async () => {
    const { stdout, stderr } = await run(`log('warn', 'a text', { port: 1344 }); log('info', 'line\\nbreak')`)
    assert.equal(stdout, '')
    const [first, second, ...rest] = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.deepEqual([first.msg, first.port, first.level], ['a text', 1344, 40])
    assert.equal(second.msg, 'line\nbreak')
    assert.deepEqual(rest, [])
  })

  it('says what its level lets through, and the level can change', async () => {
    const { stderr } = await run(
      `log.setLevel('error'); log('info', 'no'); log('error', 'yes'); log.setLevel('silent'); log('error', 'no')`,
    )
    assert.equal(stderr.trim().split('\n').length, 1)
    assert.match(stderr, /yes/)
  })

  it('has its last lines written when the process ends in the same moment', async () => {
    const { stderr } = await run(`for (let n = 0; n < 1000; n++) log('info', 'line ' + n); process.exit(3)`)
    assert.match(stderr, /line 999/)
  })

  it('whose reader is gone does not take the server with it', async () => {
    const { stdout } = await run(
      `await new Promise((done) => setTimeout(done, 300)); for (let n = 0; n < 2000; n++) log('info', 'x'.repeat(100));
       await new Promise((done) => setTimeout(done, 100)); process.stdout.write('alive')`,
      true,
    )
    assert.equal(stdout, 'alive')
  })
})
