import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeScript } from '../../../src/unpack/scripts/script-encoder.ts'
import { encodeScript } from './encode-script.ts'

describe('Windows Script Encoder', () => {
  it("reads what Microsoft's tool has written, its check sum agreeing", () => {
    const plain = decodeScript('#@~^HgAAAA==G(LPm4^+IU`rPl(Vn{glhnr#RjCV!+UAoAAA==^#~@')
    assert.equal(plain, 'objTableRS("Table_Name").Value')
    assert.equal(
      [...plain].reduce((sum, char) => sum + char.charCodeAt(0), 0),
      Buffer.from('UAoAAA==', 'base64').readUInt32LE(0),
    )
  })

  it('reads all characters at all places, and leaves the text around', () => {
    const text = Array.from({ length: 95 }, (_, i) => String.fromCharCode(i + 32))
      .join('')
      .repeat(3)
    assert.equal(decodeScript(`before ${encodeScript(`${text}\t\r\n`)} after`), `before ${text}\t\r\n after`)
    assert.equal(decodeScript(encodeScript('a').repeat(3)), 'aaa')
  })

  it('reads a part without its end, and nothing where there is none', () => {
    assert.equal(decodeScript(encodeScript('cut short').slice(0, 16))?.length, 4)
    assert.equal(decodeScript('#@~^'), '')
    assert.equal(decodeScript('plain'), undefined)
  })
})
