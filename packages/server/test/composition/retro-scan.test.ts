import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { RulesFault } from '../../src/cli/rules-fault.ts'
import { retroScan, samplesOf } from '../../src/composition/retro-scan.ts'
import { compileRules } from '../../src/scan/scanners/yara/rule-compiler.ts'

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-retro-test-'))
})
after(() => rmSync(folder, { recursive: true }))

const RULE = 'rule one { strings: $a = "marker-of-one" condition: $a }'
const compile = (files: Parameters<typeof compileRules>[0]) => compileRules(files)

async function scan(source: string, files: Record<string, Buffer | string>) {
  const paths = Object.entries(files).map(([name, bytes]) => {
    writeFileSync(join(folder, name), bytes)
    return join(folder, name)
  })
  const rules = { name: 'r.yar', source }
  const found = []
  for await (const file of retroScan({ rules, samples: samplesOf(listed(paths)), compile })) found.push(file)
  return found
}

async function* listed(paths: readonly string[]) {
  yield* paths
}

describe('a scan of samples of before', () => {
  it('asks that one rule file only, also of what is inside', async () => {
    const [plain, packed, other] = await scan(RULE, {
      'plain.txt': 'x marker-of-one',
      'packed.gz': gzipSync('the marker-of-one'),
      'eicar.txt': ['X5O!P%@AP[4', 'PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'].join('\\'),
    })
    assert.deepEqual(
      plain?.hits.map(({ rule, member, offset }) => [rule, member, offset]),
      [['one', '', 2]],
    )
    assert.deepEqual(
      packed?.hits.map(({ rule, offset }) => [rule, offset]),
      [['one', 4]],
    )
    assert.notEqual(packed?.hits[0]?.member, '')
    assert.deepEqual([other?.hits, other?.unscanned], [[], []])
    assert.ok((plain?.ms ?? -1) >= 0 && plain?.size === 15)
  })

  it('says what could not be scanned', async () => {
    const [cut] = await scan(RULE, { 'cut.gz': gzipSync('some words that are long enough').subarray(0, 20) })
    assert.deepEqual(cut?.hits, [])
    assert.ok((cut?.unscanned.length ?? 0) > 0)
  })

  it('is refused with all faults where the rules do not compile', async () => {
    const refused = scan('rule a { condition: $x }\nrule b { condition: $y }', { 'a.txt': 'x' })
    await assert.rejects(refused, (error: RulesFault) => error instanceof RulesFault && error.faults.length === 2)
  })
})
