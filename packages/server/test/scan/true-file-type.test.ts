import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { protectionOf } from '../../src/scan/protection.ts'
import { trueFileType } from '../../src/scan/true-file-type.ts'
import { ContentView } from '../../src/unpack/content-view.ts'
import { ole, rar4, zip } from './archives.ts'
import { sampleOf, withSpooled } from './samples.ts'

const at = (offset: number, text: string, size = offset + text.length) => {
  const bytes = Buffer.alloc(size)
  bytes.write(text, offset, 'latin1')
  return bytes
}
const file = (name: string, data = 'x') => ({ name, data: Buffer.from(data) })
const pe = () => {
  const bytes = Buffer.alloc(1024)
  bytes.write('MZ')
  bytes.writeUInt32LE(256, 60)
  bytes.write('PE\0\0', 256)
  return bytes
}

const CASES: readonly (readonly [
  name: string,
  bytes: Buffer | string,
  because: string,
  hints?: { fileName?: string; declaredType?: string },
])[] = [
  ['pe', pe(), 'its header points to PE'],
  ['dos', at(0, 'MZ', 1024), 'MZ alone is a DOS program'],
  ['dos', 'MZ', 'it is too short to point anywhere'],
  ['elf', '\x7fELF\x02\x01', 'magic'],
  ['class', '\xca\xfe\xba\xbe\0\0\0\x34', 'a Java version stands where Mach-O counts'],
  ['macho', '\xca\xfe\xba\xbe\0\0\0\x02', 'two architectures'],
  ['lnk', 'L\0\0\0\x01\x14\x02\0', 'magic'],
  ['zip', zip([file('a.txt')]), 'a plain ZIP'],
  ['ooxml', zip([file('[Content_Types].xml'), file('word/document.xml')]), 'its first member says so'],
  ['jar', zip([file('META-INF/MANIFEST.MF')]), 'it has a manifest'],
  ['apk', zip([file('AndroidManifest.xml')]), 'it has an Android manifest'],
  ['odf', zip([file('mimetype', 'application/vnd.oasis.opendocument.text')]), 'mimetype comes first'],
  ['epub', zip([file('mimetype', 'application/epub+zip')]), 'mimetype comes first'],
  ['rar', rar4([]), 'magic'],
  ['7z', '7z\xbc\xaf\x27\x1c\0\x04', 'magic'],
  ['gz', '\x1f\x8b\x08', 'magic'],
  ['bz2', 'BZh91AY', 'magic'],
  ['text', 'BZh is how bzip2 files begin', 'no level stands behind the letters'],
  ['zst', '(\xb5/\xfd', 'magic'],
  ['tar', at(257, 'ustar', 512), 'its mark stands at 257'],
  ['iso', at(0x8001, 'CD001', 40_000), 'its mark stands at 0x8001'],
  ['iso', at(0x8001, 'BEA01', 40_000), 'a disc may have only the newer file system'],
  ['vhd', at(9000 - 512, 'conectix', 9000), 'a fixed image is known by its last sector'],
  ['vhd', at(9000 - 511, 'conectix', 9000), 'which old programs made one byte shorter'],
  ['dmg', at(9000 - 512, 'koly', 9000), 'its trailer is the last sector'],
  ['disk', at(3, 'NTFS    ', 9000), 'a file system by the name in its first sector'],
  ['disk', at(512, 'EFI PART', 9000), 'a partition table behind the first sector'],
  ['disk', at(1024, 'H+\0\x04', 9000), 'a file system by its third sector'],
  ['data', at(510, 'U\xaa', 9000), 'two bytes alone are no disk'],
  ['cab', 'MSCF\0\0\0\0', 'magic'],
  ['ole', ole(), 'an OLE file of no known class'],
  ['msi', ole({ rootClass: '84100c0000000000c000000000000046' }), 'its root has the installer class'],
  ['pdf', '%PDF-1.7', 'magic'],
  ['pdf', `junk\n${'x'.repeat(900)}%PDF-1.7`, 'readers take a header within the first 1024 bytes'],
  [
    'form',
    '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n%PDF-1.7',
    'a form is one though its first file is a PDF',
  ],
  ['eml', 'From: a@b.example\r\nSubject: x\r\n\r\n%PDF-1.7', 'and so is a mail'],
  ['text', `${'x'.repeat(1100)}%PDF-1.7`, 'the header comes too late for a reader'],
  ['rtf', '{\\rtf1', 'magic'],
  ['onenote', '\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d', 'magic'],
  ['eml', 'Received: from a by b\r\nSubject: x\r\n\r\nbody', 'header lines come first'],
  ['png', '\x89PNG\r\n\x1a\n', 'magic'],
  ['jpg', '\xff\xd8\xff\xe0', 'magic'],
  ['gif', 'GIF89a', 'magic'],
  ['webp', 'RIFF\0\0\0\0WEBP', 'a RIFF of that kind'],
  ['wav', 'RIFF\0\0\0\0WAVE', 'a RIFF of that kind'],
  ['mp4', '\0\0\0\x20ftypisom', 'its box says so'],
  ['avif', '\0\0\0\x20ftypavif', 'its brand says so'],
  ['mp3', '\xff\xfb\x90\x64', 'a frame begins'],
  ['matroska', '\x1a\x45\xdf\xa3', 'magic'],
  ['woff2', 'wOF2', 'magic'],
  ['ttf', '\0\x01\0\0\0\x10', 'a sane count of tables'],
  ['html', '  <!DOCTYPE html><html>', 'it begins like a page'],
  ['html', 'some words <script>alert(1)</script> (more; words = here)', 'tags stand in the text'],
  ['hta', '<html><HTA:APPLICATION id=a>', 'it is an application'],
  ['svg', '<?xml version="1.0"?><svg xmlns="x">', 'its element says so'],
  ['xml', '<?xml version="1.0"?><note/>', 'no known element'],
  ['wsf', '<job id="a"><script language="VBScript">', 'a script job'],
  ['json', '{"a": 1}', 'it begins like an object'],
  ['sh', '#!/bin/sh\necho', 'its first line says so'],
  ['py', '#!/usr/bin/env python3\n', 'its first line says so'],
  ['php', '<?php echo 1;', 'it opens PHP'],
  ['js', 'function f() { var a = 1; return eval("a") }', 'words of the language'],
  ['vbs', 'Dim x\nSet x = CreateObject("WScript.Shell")\nx.Run "calc"', 'words of the language'],
  ['ps1', '$c = New-Object Net.WebClient; Invoke-Expression $c.x', 'words of the language'],
  ['bat', '@echo off\r\nsetlocal\r\nif exist %TEMP%\\a del a', 'words of the language'],
  ['js', 'hello there', 'a text is what it is called', { fileName: 'a.JS' }],
  ['js', 'hello there', 'a text is what it is declared', { declaredType: 'text/javascript' }],
  ['pe', pe(), 'a name makes no program an image', { fileName: 'a.png', declaredType: 'image/png' }],
  ['png', '\x89PNG\r\n\x1a\n', 'a name makes no image a program', { fileName: 'a.exe' }],
  ['text', 'The import function is a class of its own. '.repeat(20), 'prose may speak of programs'],
  ['text', Buffer.from('\ufeffplain words', 'utf16le'), 'UTF-16 with its mark is text'],
  ['ps1', Buffer.from('\ufeff$env:a = New-Object x; iex $a', 'utf16le'), 'UTF-16 hides no language'],
  [
    'ps1',
    Buffer.concat([Buffer.from('\ufeff$env:a = New-Object x; iex $a', 'utf16le').swap16(), Buffer.of(0)]),
    'big-endian, with half a character at its end',
  ],
  ['data', Buffer.from([1, 2, 3, 4, 0, 5]), 'control characters are no text'],
  ['empty', '', 'there is nothing'],
]

describe('the true file type', () => {
  for (const [name, bytes, because, hints] of CASES) {
    const text = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    it(`is ${name} (${JSON.stringify(text.toString('latin1', 0, 12))}) when ${because}`, () => {
      const sample = sampleOf(text, hints)
      assert.equal(trueFileType(sample.content, sample).name, name)
    })
  }

  it('is the same for a file as for the same bytes in memory', async () => {
    for (const [name, bytes, , hints] of CASES) {
      const text = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
      await withSpooled(text, (sample) =>
        assert.equal(trueFileType(sample.content, { ...sample, ...hints }).name, name),
      )
    }
  })

  it('gives an answer for any bytes, and so does the look for a password', () => {
    const starts = CASES.map(([, bytes]) => (typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes))
    const anything = fc.tuple(fc.constantFrom(...starts), fc.nat(64), fc.uint8Array({ maxLength: 200 }), fc.nat(2000))
    fc.assert(
      fc.property(anything, ([start, cut, noise, at]) => {
        const bytes = Buffer.concat([start.subarray(0, Math.max(0, start.length - cut)), Buffer.from(noise)])
        if (bytes.length > 8) bytes.set(noise.slice(0, 4), Math.min(at, bytes.length - 4))
        const content = { kind: 'memory', bytes } as const
        const type = trueFileType(content)
        assert.ok(['encrypted', 'no'].includes(protectionOf(new ContentView(content), type)))
      }),
      { numRuns: 2000 },
    )
  })
})
