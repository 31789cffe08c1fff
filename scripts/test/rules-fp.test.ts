import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { FalsePositiveWalk, reportOf } from '../rules-fp.ts'

/** In parts, so that this file is no hit of its own. */
const BAD = ['vssadmin delete sha', 'dows /all /quiet'].join('')

describe('the false-positive walk', () => {
  it('counts files, contents and hits, and looks into gzip', () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-rules-fp-'))
    try {
      writeFileSync(join(folder, 'a.txt'), 'harmless')
      writeFileSync(join(folder, 'b.txt'), 'harmless')
      writeFileSync(join(folder, 'bad.bat'), BAD)
      writeFileSync(join(folder, 'packed.gz'), gzipSync(`rem\n${BAD}`))
      symlinkSync('bad.bat', join(folder, 'link.bat'))
      const corpus = new FalsePositiveWalk().run('made', folder)
      assert.deepEqual([corpus.files, corpus.distinct, corpus.failed], [4, 3, 0])
      const hit = { rule: 'Shadow_Copies_Deleted', risk: 'medium' }
      assert.deepEqual(corpus.hits, [
        { ...hit, path: 'bad.bat' },
        { ...hit, path: 'packed.gz (inflated)' },
      ])
      assert.match(reportOf([corpus]), /\| medium \| 2 \| 66\.6667 % \|/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
