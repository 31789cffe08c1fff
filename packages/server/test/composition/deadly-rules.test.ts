import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openDatabase } from '../../src/store/database.ts'
import { ruleFilesIn } from '../../src/store/rule-files.ts'
import { settingsRevisionsIn } from '../../src/store/settings-revisions.ts'
import { EICAR } from '../e2e/samples.ts'
import { newFolder, newPorts, removeFolder, startServer } from './server-rig.ts'

/** A recursive parser runs out of stack on it: the native compiler takes its process down. */
const DEADLY = `rule deadly { condition: ${'('.repeat(200_000)}true${')'.repeat(200_000)} }`

it('serves, and calls nothing clean, with stored rules that the compiler dies of; they are mended live', async () => {
  const data = newFolder()
  const ports = await newPorts()
  const database = await openDatabase({ dataDir: data })
  const values = { 'icap.port': ports.icap }
  await settingsRevisionsIn(database).save({ savedMs: Date.now(), by: 'test', values, changed: ['icap.port'] })
  const file = { name: 'deadly.yar', source: DEADLY, enabled: true, addedMs: Date.now(), status: '', fault: '' }
  await ruleFilesIn(database).put(file)
  await database.close()
  const server = await startServer({ data, ports, workers: 1 })
  try {
    const { readiness, engines } = await server.status()
    assert.equal(readiness.ready, false)
    assert.equal(engines.find(({ engine }) => engine === 'yara')?.state, 'down', JSON.stringify(engines))
    assert.equal((await server.respond('locked-out', EICAR)).status, 500)
    assert.equal((await server.options()).status, 503)
    const removed = await server.api('DELETE', '/rules/deadly.yar')
    assert.equal(removed.status, 200, removed.text)
    assert.match((await server.respond('mended', EICAR)).httpHead, /^HTTP\/1.1 403 /)
  } finally {
    await server.stop()
    removeFolder(data)
  }
})
