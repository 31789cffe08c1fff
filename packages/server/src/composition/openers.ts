import { oleOpener } from '../unpack/documents/ole.ts'
import { pdfOpener } from '../unpack/documents/pdf.ts'
import { mailOpener } from '../unpack/mail/mail-opener.ts'
import { mboxOpener } from '../unpack/mail/mbox-opener.ts'
import { tnefOpener } from '../unpack/mail/tnef-opener.ts'
import type { Opener } from '../unpack/opener.ts'
import { encodedTextOpener } from '../unpack/uploads/encoded-text-opener.ts'
import { formOpener } from '../unpack/uploads/form-opener.ts'
import { jsonOpener } from '../unpack/uploads/json-opener.ts'
import { urlFormOpener } from '../unpack/uploads/url-form-opener.ts'

/** Everybody who can open something, containers first. Threads and the process that asks who is wanted have the same. */
export function allOpeners(): readonly Opener[] {
  return [
    mailOpener(),
    mboxOpener(),
    tnefOpener(),
    formOpener(),
    jsonOpener(),
    urlFormOpener(),
    encodedTextOpener(),
    oleOpener(),
    pdfOpener(),
  ]
}
