import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { textType } from '../../src/scan/script-language.ts'
import { trueFileType } from '../../src/scan/true-file-type.ts'

const cases: readonly { text: string; fileName?: string; declaredType?: string; type: string; because: string }[] = [
  { text: '[InternetShortcut]\r\nURL=http://a/\r\n', type: 'url', because: 'its section says so' },
  { text: '[{000214A0-0000-0000-C000-000000000046}]\r\nProp3=19,2\r\n[InternetShortcut]\r\n', type: 'url', because: 'Windows writes its properties first' },
  { text: '[section]\r\na=1\r\n', type: 'text', because: 'any other section is a setting' },
  { text: '[section]\r\na=1\r\n', fileName: 'driver.inf', type: 'inf', because: 'its name says so' },
  { text: '[1, 2, {"a": true}]', fileName: 'x.url', type: 'json', because: 'a list is JSON whatever it is called' },
  { text: 'Windows Registry Editor Version 5.00\r\n\r\n[HKEY_CURRENT_USER\\X]', type: 'reg', because: 'regedit writes this line' },
  { text: 'REGEDIT4\r\n\r\n[HKEY_CURRENT_USER\\X]', type: 'reg', because: 'old regedit wrote this line' },
  { text: 'Windows is a system, and a registry editor is a tool of it.', type: 'text', because: 'prose may begin so' },
  { text: '[Version]\r\nSignature="$CHICAGO$"\r\n', type: 'inf', because: 'set-up files begin so' },
  { text: '[autorun]\r\nopen=a.exe\r\n', type: 'inf', because: 'a medium starts a program' },
  { text: 'WEB\r\n1\r\nhttp://a/b\r\n', type: 'iqy', because: 'a web query has these lines' },
  { text: 'web pages are many\n', type: 'text', because: 'prose may begin so' },
  { text: '// a comment\r\n#@~^AAAAAA==x^#~@', type: 'vbe', because: 'an encoded script may begin with a comment' },
  { text: '<?XML version="1.0"?><scriptlet><registration progid="x"/><script/></scriptlet>', type: 'wsf', because: 'a scriptlet is a script' },
  { text: '<job id="a"><script language="VBScript">x</script></job>', type: 'wsf', because: 'a job is a script' },
  { text: 'print(1)', fileName: 'a.pyw', type: 'py', because: 'its name says so' },
  { text: '@echo off\r\ngoto end\r\n', type: 'bat', because: 'two words of batch files' },
  { text: '#!/bin/bash\nx', type: 'sh', because: 'of its interpreter' },
] // biome-ignore format: a table

describe('language of a text', () => {
  for (const { text, fileName = '', declaredType = '', type, because } of cases) {
    it(`is ${type} because ${because}`, () => assert.equal(textType(text, { fileName, declaredType }).name, type))
  }

  it('is told from bytes too, UTF-16 with its mark included', () => {
    const text = 'Windows Registry Editor Version 5.00\r\n\r\n[HKEY_CURRENT_USER\\Software]\r\n"a"=dword:1\r\n'
    const bytes = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])
    assert.equal(trueFileType({ kind: 'memory', bytes }).name, 'reg')
    assert.equal(trueFileType({ kind: 'memory', bytes: Buffer.from(text) }).name, 'reg')
  })
})
