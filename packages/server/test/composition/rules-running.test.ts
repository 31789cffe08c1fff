import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { waitFor } from '../e2e/programs.ts'
import { plainText } from '../e2e/samples.ts'
import { cli, detailOf, told, zipped } from './inside-rig.ts'
import { removeFolder, type Server, startServer } from './server-rig.ts'

const RULE = 'rule on_trial { meta: risk = "high" strings: $a = "words-of-the-trial" condition: $a }'
const SMALL = Buffer.from('some words-of-the-trial here')
const LARGE = Buffer.concat([plainText('trial', 200_000), SMALL])
const INSIDE = zipped(2, 'a.txt', SMALL)

let server: Server
let made = 0
before(async () => {
  server = await startServer({ workers: 1, saved: { 'scan.threads': 1 } })
  const added = await server.api('POST', '/rules', { name: 'trial.yar', text: RULE, options: { shadow: true } })
  assert.equal(added.json.file.shadow, true, added.text)
})
after(async () => {
  await server.kill()
  removeFolder(server.data)
})

async function hits() {
  const { json } = await server.api('GET', '/rules/hits')
  return json.hits.find(({ file }: { file: string }) => file === 'trial.yar')
}

/** What a scan of these bytes without ICAP says, with the data folder's rules. */
async function outcomeOf(bytes: Buffer) {
  const path = join(server.data, 'scanned.bin')
  writeFileSync(path, bytes)
  const { stdout } = await cli(server, ['scan', path, '--json'])
  return JSON.parse(stdout.toString())
}

describe('a rule file in shadow on a running server', () => {
  const bodies = [
    ['a small body', SMALL],
    ['a large one', LARGE],
    ['one inside archives', INSIDE],
  ] as const
  for (const [index, [what, body]] of bodies.entries())
    it(`blocks nothing, and stands in the evidence of ${what}`, async () => {
      const name = `trial-${++made}.bin`
      assert.equal(told(await server.respond(name, body)), 'clean')
      const { detections, outcome, evidence } = await detailOf(server, name)
      assert.deepEqual([detections, outcome], [[], 'clean'])
      const findings = evidence.nodes.flatMap((node) => node.findings)
      assert.deepEqual(
        findings.map(({ name, risk }) => [name, risk]),
        [['on_trial', 'none']],
      )
      await waitFor('the hit is counted', async () => (await hits())?.shadow === index + 1)
    })

  it('is no detection for a scan without ICAP', async () => {
    const line = await outcomeOf(INSIDE)
    assert.deepEqual([line.outcome, line.detections], ['clean', []])
    assert.equal(line.evidence.nodes.at(-1).findings[0].name, 'on_trial')
  })

  it('blocks everywhere once it is enforced, and nowhere once it is disabled', async () => {
    await server.api('PUT', '/rules/trial.yar/options', { shadow: false })
    for (const [, body] of bodies)
      assert.equal(told(await server.respond(`trial-${++made}.bin`, body)), 'blocked: on_trial')
    await waitFor('the hits are counted', async () => (await hits())?.enforced === 3)
    await server.api('PUT', '/rules/trial.yar/options', { enabled: false })
    for (const [, body] of bodies) assert.equal(told(await server.respond(`trial-${++made}.bin`, body)), 'clean')
  })

  it('is shown with its cost', async () => {
    const { json, status } = await server.api('GET', '/rules/trial.yar')
    assert.equal(status, 200)
    assert.deepEqual([json.file.state, json.check.rules[0].name], ['disabled', 'on_trial'])
    assert.ok(json.check.rules[0].cost.worstMs >= 0)
  })
})
