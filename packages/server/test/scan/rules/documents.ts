import { OLE, PDF } from './file-heads.ts'
import { type RuleCase, wide } from './rule-case.ts'

const MODULE = 'Attribute VB_Name = "ThisDocument"\r\n'
const RELS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
const PACKAGE_HEX = '5061636b¦61676500'

export const DOCUMENT_CASES: readonly RuleCase[] = [
  {
    rule: 'Office_Auto_Macro_Runs_Program',
    hit: `${OLE}....Sub Auto¦Open() CreateObject("WScript.¦Shell").Run "power¦shell -c x"`,
    swap: ['WScript.¦Shell', 'Scripting.Dictionary'],
    because: 'one suspicious call alone is no chain',
    moreMisses: ['MZ....AutoOpen WScript.¦Shell power¦shell'],
  },
  {
    rule: 'VBA_Auto_Run_Downloads_Program',
    hit: `${MODULE}Sub Document_¦Open()\r\nSet x = CreateObject("MSXML2.¦XMLHTTP")\r\ns.SaveTo¦File f\r\nShell(f)\r\nEnd Sub`,
    swap: ['SaveTo¦File', 'WriteLine'],
    because: 'what is fetched is not written to a file',
  },
  {
    rule: 'VBA_Runs_Shellcode',
    hit: 'Private Declare PtrSafe Function Virtual¦Alloc Lib "kernel32" ()\nDeclare Sub RtlMove¦Memory Lib "kernel32"\nDeclare Function Create¦Thread Lib "kernel32"',
    swap: ['Create¦Thread', 'GetTickCount'],
    because: 'nothing starts the memory that was filled',
  },
  {
    rule: 'VBA_Starts_Process_By_WMI',
    hit: 'Sub Auto¦Open()\nSet w = GetObject("winmg¦mts:Win32_¦Process")\nw.Create("calc")',
    swap: ['Sub Auto¦Open(', 'Sub ListOfProcesses('],
    because: 'it does not run by itself',
  },
  {
    rule: 'VBA_Runs_Text_From_Document',
    hit: 'Sub Document_¦Open()\nx = ActiveDocument.BuiltInDocument¦Properties("Comments")\nCreateObject("WScript.¦Shell").Exec x',
    swap: ['BuiltInDocument¦Properties(', 'Paragraphs('],
    because: 'the text is not hidden in a property',
  },
  {
    rule: 'VBA_Text_Built_From_Codes',
    hit: `Function a()\nCreate¦Object(${'Chr(65) & '.repeat(14)}"")`,
    swap: ['Chr(65) & Chr(65)', 'Chr(65) & x & Chr(65)'],
    because: 'a few codes between words are how line ends are written',
  },
  {
    rule: 'VBA_Lowers_Macro_Security',
    hit: 'w.Reg¦Write "HKCU\\Software\\Microsoft\\Office\\16.0\\Word\\Security\\VBA¦Warnings", 1',
    swap: ['VBA¦Warnings', 'FileBlock'],
    because: 'another setting of the same key',
  },
  {
    rule: 'VBA_Copies_Itself_To_Template',
    hit: 'c = x.Code¦Module.Lines(1, 20)\nNormal¦Template.VBProject.VBComponents(1).Code¦Module.AddFrom¦String c',
    swap: ['.Lines(1, 20)', '.Name'],
    because: 'it does not copy its own lines',
  },
  {
    rule: 'VBA_Schedules_Task',
    hit: 'Sub Workbook_¦Open()\nSet s = CreateObject("Schedule.¦Service")\nf.RegisterTask¦Definition "a", t',
    swap: ['RegisterTask¦Definition', 'GetTasks'],
    because: 'it only lists tasks',
  },
  {
    rule: 'XLM_Formula_Runs_Command',
    hit: 'Sheet1!A1: =EX¦EC("cmd.exe /c x")',
    swap: ['=EX¦EC(', '=CONCAT('],
    because: 'a formula on text',
  },
  {
    rule: 'XLM_Formula_Calls_Download',
    hit: 'A1: =CA¦LL("url¦mon","URLDownload¦ToFileA","JJCCBB")',
    swap: ['CA¦LL("url¦mon"', 'CA¦LL("user32"'],
    because: 'another library',
  },
  {
    rule: 'XLM_Formulas_Built_From_Codes',
    hit: `A1: =FORM¦ULA(${'CHAR(61)&'.repeat(48)}"",B1)\nA2: =GO¦TO(B1)`,
    swap: ['CHAR(61)&CHAR(61)&CHAR(61)', 'CHAR(61)'],
    because: 'few codes',
  },
  {
    rule: 'OOXML_Remote_Template',
    hit: `${RELS}<Relationship Type="http://x/relationships/attached¦Template" Target="http://192.0.2.1/a.dotm" TargetMode="External"/>`,
    swap: ['Target="http://192.0.2.1/', 'Target="file:///C:\\Templates\\'],
    because: 'a template on the own disk',
  },
  {
    rule: 'OOXML_Remote_Ole_Object',
    hit: `${RELS}<Relationship Type="http://x/relationships/ole¦Object" Target="mht¦ml:http://192.0.2.1/a.html!x" TargetMode="External"/>`,
    swap: ['mht¦ml:http', 'http'],
    because: 'a link to a workbook on a server is ordinary',
  },
  {
    rule: 'Office_Dde_Field_Runs_Command',
    hit: '<w:instrText>DDE¦AUTO c:\\\\windows\\\\system32\\\\cmd.exe "/k power¦shell"</w:instrText>',
    swap: ['DDE¦AUTO', 'QUOTE'],
    because: 'another field',
  },
  {
    rule: 'Spreadsheet_Dde_Command',
    hit: "a,b\n=cm¦d|' /c calc'!A0",
    swap: ["=cm¦d|'", "='cmd'"],
    because: 'a text, no call',
    moreHits: ['<ddeLink ddeService="cm¦d" ddeTopic="/c calc">'],
  },
  {
    rule: 'Excel_Symbolic_Link_Runs_Command',
    hit: 'ID;P¦WXL;N;E\nNN;NAuto_¦open;ER101C1\nC;X1;Y101;EEX¦EC("calc")\nE',
    swap: ['NN;NAuto_¦open', 'NN;NTotal'],
    because: 'nothing runs by itself',
  },
  {
    rule: 'Excel_Web_Query_File',
    hit: 'WE¦B\n1\nhttp://192.0.2.1/list',
    swap: ['192.0.2.1/list', 'intranet.example/list.asp'],
    because: 'a query of a named server',
  },
  {
    rule: 'RTF_Equation_Editor_Object',
    hit: '{\\rtf1 {\\object\\objemb{\\*\\obj¦data 02ce0200¦00000000c000000000000046}}}',
    swap: ['02ce0200¦00000000c000000000000046', '0000'],
    because: 'another object',
  },
  {
    rule: 'RTF_Linked_Object_Updates_Itself',
    hit: '{\\rtf1 {\\object\\objautlink\\obj¦update{\\*\\obj¦data 01050000 4f4c45324c¦696e6b00}}}',
    swap: ['\\obj¦update', ''],
    because: 'it waits for the reader',
  },
  {
    rule: 'RTF_Packaged_Program',
    hit: `{\\rtf1 {\\object\\objemb{\\*\\obj¦data 0105 ${PACKAGE_HEX} 612e65¦786500}}}`,
    swap: ['2e65¦786500', '2e74787400'],
    because: 'a text file in the package',
  },
  {
    rule: 'RTF_Broken_Head_With_Object',
    hit: '{\\rt¦xa {\\object\\obj¦emb{\\*\\obj¦data 0105}}}',
    swap: ['{\\rt¦xa', '{\\rtf1'],
    because: 'a whole head',
  },
  {
    rule: 'RTF_Remote_Template',
    hit: '{\\rtf1 {\\*\\temp¦late http://192.0.2.1/a}}',
    swap: ['http://192.0.2.1/a', 'C:\\\\a.dotx'],
    because: 'a template on the own disk',
  },
  {
    rule: 'Ole_Packaged_Program',
    hit: `${OLE}${wide('Word¦Document')}\x01\0${wide('Ole10¦Native')}\x02\0invoice.¦exe\0C:\\x\\invoice.¦exe\0`,
    swap: ['invoice.¦exe', 'invoice.txt'],
    because: 'a text file in the package',
  },
  {
    rule: 'Msdt_Link_Runs_Command',
    hit: 'location.href = "ms-ms¦dt:/id PCWDiagnostic /param IT_Browse¦ForFile=h$(calc)"',
    swap: ['h$(calc)', 'h'],
    because: 'no command inside',
  },
  {
    rule: 'OpenDocument_Macro_Runs_Program',
    hit: '<script:mod¦ule script:language="StarBasic">Shell(&quot;/bin/ba¦sh -c x&quot;)',
    swap: ['Shell(', 'Print('],
    because: 'it starts nothing',
  },
]

export const PDF_CASES: readonly RuleCase[] = [
  {
    rule: 'PDF_Launches_Program',
    hit: `${PDF}1 0 obj << /S /Lau¦nch /Win << /F (cmd.exe) >> >>`,
    swap: ['cmd.exe', 'manual.pdf'],
    because: 'it opens another document',
    moreHits: [`junk\n${PDF}<< /S/Lau¦nch /F (power¦shell) >>`],
    moreMisses: ['/S /Lau¦nch (cmd.exe)'],
  },
  {
    rule: 'PDF_JavaScript_On_Open',
    hit: `${PDF}<< /Open¦Action << /S /Java¦Script /JS (app.alert(1)) >> >>`,
    swap: ['/Open¦Action', '/Other'],
    because: 'nothing runs when it is opened',
    moreMisses: [`${PDF}<< /Open¦Action [3 0 R /Fit] >>`],
  },
  {
    rule: 'PDF_Escaped_Keywords',
    hit: `${PDF}<< /S /J¦#61vaScript >>`,
    swap: ['/J¦#61va', '/A#20va'],
    because: 'a blank must be escaped in a name',
  },
  {
    rule: 'PDF_Opens_Attachment_By_Script',
    hit: 'this.exportData¦Object({ cName: "a", nLau¦nch: 2 })',
    swap: ['nLau¦nch: 2', 'nLau¦nch: 0'],
    because: 'it asks where to save, and starts nothing',
  },
  {
    rule: 'PDF_Script_Sprays_Memory',
    hit: 'var s = unes¦cape("%u0c¦0c%u0c¦0c"); while (s.length < 0x40000) s += s; m = new Array(9)',
    swap: ['%u0c¦0c%u0c¦0c', '%u00e4%u00f6'],
    because: 'letters, no sled',
  },
  {
    rule: 'PDF_Script_Known_Exploit_Calls',
    hit: `media.newPlay¦er(null); unes¦cape("${'%u4141'.repeat(20)}")`,
    swap: ['media.newPlay¦er(null)', 'media.newPlayer(args)'],
    because: 'the call as it is meant',
  },
  {
    rule: 'PDF_Fetches_From_Network_Share',
    hit: `${PDF}<< /Open¦Action << /S /GoTo¦E /F (\\\\\\\\192.0.2.1\\\\a) /D [0 /Fit] >> >>`,
    swap: ['\\\\\\\\192.0.2.1\\\\a', 'chapter2.pdf'],
    because: 'a document beside this one',
  },
  {
    rule: 'PDF_Links_To_Script_File',
    hit: `${PDF}<< /S /URI /URI (https://files.example/invoice.v¦bs) >>`,
    swap: ['invoice.v¦bs', 'invoice.pdf'],
    because: 'a link to a document',
  },
  {
    rule: 'PDF_Attached_Program',
    hit: `${PDF}<< /Type /Embedded¦File >> << /UF (invoice.e¦xe) >>`,
    swap: ['invoice.e¦xe', 'invoice.xml'],
    because: 'invoices carry their data as XML',
  },
]
