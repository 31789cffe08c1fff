import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { connectIcap, type RawAnswer, respmod } from '../e2e/raw-icap.ts'
import { EICAR, plainText } from '../e2e/samples.ts'
import { removeFolder, type Server, startServer } from './server-rig.ts'

describe('a message that a change of settings meets on its way', () => {
  let server: Server
  before(async () => {
    server = await startServer()
  })
  after(async () => {
    await server.stop()
    removeFolder(server.data)
  })

  /** The answer to a body of which half came before the change. */
  async function across(change: Readonly<Record<string, unknown>>, name: string, body: Buffer): Promise<RawAnswer> {
    const bytes = respmod({ url: `http://www.example.com/${name}`, body })
    const connection = await connectIcap(server.ports.icap)
    try {
      connection.send(bytes.subarray(0, bytes.length - 1000))
      await new Promise((resolve) => setTimeout(resolve, 100))
      await server.set(change)
      connection.send(bytes.subarray(bytes.length - 1000))
      return await connection.answer()
    } finally {
      connection.close()
    }
  }

  it('is scanned by the engines, and judged by the policy, of the moment it began', async () => {
    const clean = await across({ 'scan.yara': false }, 'clean', plainText('moment', 5000))
    assert.equal(clean.status, 204, JSON.stringify([...clean.headers]))
    assert.equal((await server.respond('after', plainText('after', 5000))).status, 500, 'the next one meets the change')
    await server.set({ 'scan.yara': true })
    const infected = Buffer.concat([EICAR, plainText('moment', 5000)])
    const answer = await across({ 'scan.yara': false, 'policy.unscanned.engine-down': 'allow' }, 'infected', infected)
    assert.match(answer.httpHead, /^HTTP\/1.1 403 /)
  })

  it('is not excluded by a box that was ticked after it', async () => {
    await server.set({ 'scan.yara': true, 'policy.unscanned.engine-down': 'error' })
    const body = Buffer.concat([EICAR, plainText('type', 5000)])
    const change = {
      'content.mimeExclusion.enabled': true,
      'content.mimeExclusion.types': ['application/octet-stream'],
      'content.mimeValidation': false,
    }
    assert.match((await across(change, 'excluded', body)).httpHead, /^HTTP\/1.1 403 /)
    assert.match((await server.respond('now', body)).headers.get('x-response-desc') ?? '', /excluded/)
  })
})
