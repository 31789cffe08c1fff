// Office documents, RTF and spreadsheet texts that do something by themselves. The walker hands over macro source, formulas and
// the XML parts of packed documents as members, so most rules here are written for those texts.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

rule Office_Auto_Macro_Runs_Program {
    meta:
        description = "Macro that runs by itself and starts a program or a download"
        risk = "medium"
        attack = "T1059.005"
        reference = "https://attack.mitre.org/techniques/T1137/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $auto1 = "Auto_Open" nocase ascii wide
        $auto2 = "AutoOpen" nocase ascii wide
        $auto3 = "Document_Open" nocase ascii wide
        $auto4 = "Workbook_Open" nocase ascii wide
        $do1 = "URLDownloadToFile" nocase ascii wide
        $do2 = "WScript.Shell" nocase ascii wide
        $do3 = "powershell" nocase ascii wide
        $do4 = "ShellExecute" nocase ascii wide
        $do5 = "cmd.exe /c" nocase ascii wide
        $do6 = "CreateThread" nocase ascii wide
    condition:
        ((uint32be(0) == 0xD0CF11E0 or filesize < 512KB and uint16be(0) != 0x4D5A) and any of ($auto*) and 2 of ($do*)) or false
}

rule VBA_Auto_Run_Downloads_Program {
    meta:
        description = "Macro source that runs by itself, fetches a file, writes it and starts it"
        risk = "high"
        attack = "T1105"
        reference = "https://attack.mitre.org/techniques/T1204/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $module = "Attribute VB_Name" ascii
        $auto1 = "Sub AutoOpen(" nocase ascii
        $auto2 = "Sub Auto_Open(" nocase ascii
        $auto3 = "Sub AutoClose(" nocase ascii
        $auto4 = "Sub Auto_Close(" nocase ascii
        $auto5 = "Sub Document_Open(" nocase ascii
        $auto6 = "Sub Document_Close(" nocase ascii
        $auto7 = "Sub Workbook_Open(" nocase ascii
        $auto8 = "Sub Workbook_Activate(" nocase ascii
        $auto9 = "Sub Workbook_BeforeClose(" nocase ascii
        $both = "URLDownloadToFile" nocase ascii
        $fetch2 = "MSXML2." nocase ascii
        $fetch3 = "Microsoft.XMLHTTP" nocase ascii
        $fetch4 = "WinHttp.WinHttpRequest" nocase ascii
        $save1 = "SaveToFile" nocase ascii
        $save2 = /\bPut #\d/ nocase
        $run1 = "Shell(" nocase ascii
        $run4 = "Shell \"" nocase ascii
        $run5 = "Shell (" nocase ascii
        $run2 = "WScript.Shell" nocase ascii
        $run3 = "ShellExecute" nocase ascii
    condition:
        (filesize < 1MB and $module and any of ($auto*) and ($both or (any of ($fetch*) and any of ($save*))) and any of ($run*)) or false
}

rule VBA_Runs_Shellcode {
    meta:
        description = "Macro source that declares the calls to place machine code in memory and start it"
        risk = "high"
        attack = "T1055"
        reference = "https://attack.mitre.org/techniques/T1059/005/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $declare = /Declare (PtrSafe )?(Function|Sub) / nocase
        $kernel = "Lib \"kernel32" nocase ascii
        $alloc1 = "VirtualAlloc" ascii
        $alloc2 = "HeapCreate" ascii
        $alloc3 = "NtAllocateVirtualMemory" ascii
        $copy1 = "RtlMoveMemory" ascii
        $copy2 = "WriteProcessMemory" ascii
        $start1 = "CreateThread" ascii
        $start2 = "CreateRemoteThread" ascii
        $start3 = "EnumSystemLocales" ascii
        $start4 = "EnumDateFormats" ascii
        $start5 = "QueueUserAPC" ascii
        $start6 = "CallWindowProc" ascii
    condition:
        (filesize < 1MB and $declare and $kernel and any of ($alloc*) and any of ($copy*) and any of ($start*)) or false
}

rule VBA_Starts_Process_By_WMI {
    meta:
        description = "Macro source that runs by itself and starts a process through WMI, so that Office is not its parent"
        risk = "high"
        attack = "T1047"
        reference = "https://attack.mitre.org/techniques/T1047/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $auto1 = "Sub AutoOpen(" nocase ascii
        $auto2 = "Sub Auto_Open(" nocase ascii
        $auto3 = "Sub AutoClose(" nocase ascii
        $auto4 = "Sub Auto_Close(" nocase ascii
        $auto5 = "Sub Document_Open(" nocase ascii
        $auto6 = "Sub Document_Close(" nocase ascii
        $auto7 = "Sub Workbook_Open(" nocase ascii
        $auto8 = "Sub Workbook_Activate(" nocase ascii
        $auto9 = "Sub Workbook_BeforeClose(" nocase ascii
        $wmi1 = "winmgmts:" nocase ascii
        $wmi2 = "WbemScripting.SWbemLocator" nocase ascii
        $class1 = "Win32_Process" nocase ascii
        $class2 = "Win32_ProcessStartup" nocase ascii
        $create = /\.Create(\(| )/ nocase
    condition:
        (filesize < 1MB and any of ($auto*) and any of ($wmi*) and any of ($class*) and $create) or false
}

rule VBA_Runs_Text_From_Document {
    meta:
        description = "Macro source that takes its command from document properties or form captions"
        risk = "medium"
        attack = "T1027.009"
        reference = "https://attack.mitre.org/techniques/T1027/009/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $auto1 = "Sub AutoOpen(" nocase ascii
        $auto2 = "Sub Auto_Open(" nocase ascii
        $auto3 = "Sub AutoClose(" nocase ascii
        $auto4 = "Sub Auto_Close(" nocase ascii
        $auto5 = "Sub Document_Open(" nocase ascii
        $auto6 = "Sub Document_Close(" nocase ascii
        $auto7 = "Sub Workbook_Open(" nocase ascii
        $auto8 = "Sub Workbook_Activate(" nocase ascii
        $auto9 = "Sub Workbook_BeforeClose(" nocase ascii
        $from1 = "BuiltInDocumentProperties(" nocase ascii
        $from2 = "CustomDocumentProperties(" nocase ascii
        $from3 = ".ControlTipText" nocase ascii
        $from4 = ".AlternativeText" nocase ascii
        $from5 = "ActiveDocument.Variables(" nocase ascii
        $run1 = /\bShell ?\(?[A-Za-z]/ nocase
        $run2 = "WScript.Shell" nocase ascii
        $run3 = ".ShellExecute" nocase ascii
    condition:
        (filesize < 1MB and any of ($auto*) and any of ($from*) and any of ($run*)) or false
}

rule VBA_Text_Built_From_Codes {
    meta:
        description = "Macro source that writes a long text as character codes, one by one"
        risk = "medium"
        attack = "T1027.010"
        reference = "https://attack.mitre.org/techniques/T1027/010/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $chain = /(chrw?\$?\( ?\d{1,3} ?\) ?[&+] ?){12}/ nocase
        $use1 = "CreateObject" nocase ascii
        $use2 = "Shell(" nocase ascii
        $use4 = "Shell " nocase ascii
        $use3 = "Execute(" nocase ascii
    condition:
        (filesize < 1MB and $chain and any of ($use*)) or false
}

rule VBA_Lowers_Macro_Security {
    meta:
        description = "Macro or script that lets all macros run or opens the macro project to programs"
        risk = "high"
        attack = "T1112"
        reference = "https://attack.mitre.org/techniques/T1562/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $key1 = "\\Security\\VBAWarnings" nocase ascii wide
        $key2 = "\\Security\\AccessVBOM" nocase ascii wide
        $office = "Software\\Microsoft\\Office\\" nocase ascii wide
        $write1 = ".RegWrite" nocase ascii wide
        $write2 = "reg add " nocase ascii wide
        $write3 = "Set-ItemProperty" nocase ascii wide
        $write4 = "New-ItemProperty" nocase ascii wide
    condition:
        (filesize < 1MB and uint16be(0) != 0x4D5A and $office and any of ($key*) and any of ($write*)) or false
}

rule VBA_Copies_Itself_To_Template {
    meta:
        description = "Macro source that writes its own code into the template of all documents"
        risk = "high"
        attack = "T1137.001"
        reference = "https://attack.mitre.org/techniques/T1137/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $template1 = "NormalTemplate.VBProject" nocase ascii
        $template2 = "\\XLSTART" nocase ascii
        $template3 = ".StartupPath" nocase ascii
        $code1 = ".CodeModule.AddFromString" nocase ascii
        $code2 = ".CodeModule.InsertLines" nocase ascii
        $code3 = "OrganizerCopy" nocase ascii
        $read = ".CodeModule.Lines(" nocase ascii
    condition:
        (filesize < 1MB and any of ($template*) and any of ($code*) and $read) or false
}

rule VBA_Schedules_Task {
    meta:
        description = "Macro source that runs by itself and plants a scheduled task"
        risk = "high"
        attack = "T1053.005"
        reference = "https://attack.mitre.org/techniques/T1053/005/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $auto1 = "Sub AutoOpen(" nocase ascii
        $auto2 = "Sub Auto_Open(" nocase ascii
        $auto3 = "Sub AutoClose(" nocase ascii
        $auto4 = "Sub Auto_Close(" nocase ascii
        $auto5 = "Sub Document_Open(" nocase ascii
        $auto6 = "Sub Document_Close(" nocase ascii
        $auto7 = "Sub Workbook_Open(" nocase ascii
        $auto8 = "Sub Workbook_Activate(" nocase ascii
        $auto9 = "Sub Workbook_BeforeClose(" nocase ascii
        $service = "Schedule.Service" nocase ascii
        $register = "RegisterTaskDefinition" nocase ascii
        $command1 = "schtasks /create" nocase ascii
        $command2 = "schtasks.exe /create" nocase ascii
    condition:
        (filesize < 1MB and any of ($auto*) and (($service and $register) or any of ($command*))) or false
}

rule XLM_Formula_Runs_Command {
    meta:
        description = "Excel 4 macro formula that starts a command line"
        risk = "high"
        attack = "T1059.003"
        reference = "https://learn.microsoft.com/office/troubleshoot/excel/working-with-excel-4.0-macros"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $exec1 = "=EXEC(" nocase ascii
        $exec2 = "<f>EXEC(" nocase ascii
        $exec3 = "&EXEC(" nocase ascii
        $what1 = "cmd.exe" nocase ascii
        $what8 = "cmd /c" nocase ascii
        $what2 = "powershell" nocase ascii
        $what3 = "mshta" nocase ascii
        $what4 = "regsvr32" nocase ascii
        $what5 = "rundll32" nocase ascii
        $what6 = "wscript" nocase ascii
        $what7 = "wmic process call" nocase ascii
    condition:
        (filesize < 4MB and any of ($exec*) and any of ($what*)) or false
}

rule XLM_Formula_Calls_Download {
    meta:
        description = "Excel 4 macro formula that calls the system's download function"
        risk = "high"
        attack = "T1105"
        reference = "https://learn.microsoft.com/office/troubleshoot/excel/working-with-excel-4.0-macros"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $call1 = "CALL(\"urlmon\"" nocase ascii
        $call2 = "REGISTER(\"urlmon\"" nocase ascii
        $call3 = "CALL(&quot;urlmon&quot;" nocase ascii
        $name = "URLDownloadToFile" nocase ascii
    condition:
        (filesize < 4MB and any of ($call*) and $name) or false
}

rule XLM_Formulas_Built_From_Codes {
    meta:
        description = "Excel 4 macro sheet that puts formulas together from character codes and writes them into cells"
        risk = "medium"
        attack = "T1027.010"
        reference = "https://attack.mitre.org/techniques/T1027/010/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $char = "CHAR(" ascii
        $formula1 = "FORMULA(" ascii
        $formula2 = "FORMULA.FILL(" ascii
        $goto1 = "GOTO(" ascii
        $goto2 = "HALT(" ascii
    condition:
        (filesize < 4MB and #char > 40 and any of ($formula*) and any of ($goto*)) or false
}

rule OOXML_Remote_Template {
    meta:
        description = "Part list of a Word document that loads its template from the web"
        risk = "medium"
        attack = "T1221"
        reference = "https://attack.mitre.org/techniques/T1221/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $rels = "http://schemas.openxmlformats.org/package/2006/relationships" ascii
        $kind = "/relationships/attachedTemplate\"" ascii
        $target = /Target="https?:\/\/[^"]{4,400}"/ nocase
        $external = "TargetMode=\"External\"" nocase ascii
    condition:
        (filesize < 256KB and all of them) or false
}

rule OOXML_Remote_Ole_Object {
    meta:
        description = "Part list of an Office document whose embedded object is a page on the web, as CVE-2021-40444 and CVE-2022-30190 use it"
        risk = "high"
        attack = "T1221"
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2022-30190"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $rels = "http://schemas.openxmlformats.org/package/2006/relationships" ascii
        $kind1 = "/relationships/oleObject\"" ascii
        $kind2 = "/relationships/frame\"" ascii
        $target1 = "Target=\"mhtml:http" nocase ascii
        $target2 = /Target="https?:\/\/[^"!]{4,300}\.html?!"/ nocase
        $target3 = "!x-usc:http" nocase ascii
        $external = "TargetMode=\"External\"" nocase ascii
    condition:
        (filesize < 256KB and $rels and $external and any of ($kind*) and any of ($target*)) or false
}

rule Office_Dde_Field_Runs_Command {
    meta:
        description = "Field of a Word document that starts a program through DDE"
        risk = "high"
        attack = "T1559.002"
        reference = "https://attack.mitre.org/techniques/T1559/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $field1 = "DDEAUTO" nocase ascii wide
        $field2 = "w:instr=\"DDE " nocase ascii
        $what1 = "powershell" nocase ascii wide
        $what2 = "\\cmd.exe" nocase ascii wide
        $what3 = "mshta" nocase ascii wide
        $what4 = "regsvr32" nocase ascii wide
        $xml1 = "w:instrText" ascii
        $xml2 = "w:fldSimple" ascii
    condition:
        (
            filesize < 16MB and any of ($field*) and any of ($what*) and
            (any of ($xml*) or uint32be(0) == 0xD0CF11E0 or uint32be(0) == 0x7B5C7274)
        ) or false
}

rule Spreadsheet_Dde_Command {
    meta:
        description = "Cell or link of a spreadsheet that starts a program through DDE"
        risk = "high"
        attack = "T1559.002"
        reference = "https://owasp.org/www-community/attacks/CSV_Injection"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $cell1 = "=cmd|'" nocase ascii wide
        $cell2 = "+cmd|'" nocase ascii wide
        $cell3 = "@SUM(1+1)*cmd|'" nocase ascii wide
        $cell4 = "=MSEXCEL|'" nocase ascii wide
        $link = /ddeService="(cmd|powershell|mshta|msexcel)"/ nocase
        $args1 = "/c " nocase ascii wide
        $args2 = "powershell" nocase ascii wide
        $args3 = "\\windows\\system32\\" nocase ascii wide
        $topic = "ddeTopic=" nocase ascii
    condition:
        (filesize < 8MB and ((any of ($cell*) and any of ($args*)) or ($link and $topic))) or false
}

rule Excel_Symbolic_Link_Runs_Command {
    meta:
        description = "SYLK spreadsheet with a macro formula that starts a program"
        risk = "high"
        attack = "T1059.003"
        reference = "https://outflank.nl/blog/2019/10/30/abusing-the-sylk-file-format/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $exec = "EEXEC(" nocase ascii
        $call = "ECALL(" nocase ascii
        $auto = "NN;NAuto_open" nocase ascii
    condition:
        (filesize < 1MB and uint32be(0) == 0x49443B50 and $auto and any of ($exec, $call)) or false
}

rule Excel_Web_Query_File {
    meta:
        description = "Web query that makes Excel fetch formulas from a bare address or a script"
        risk = "medium"
        attack = "T1105"
        reference = "https://attack.mitre.org/techniques/T1221/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $head = /^WEB\r?\n1\r?\nhttps?:\/\/(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|[^\s\/]{3,100}\/[^\s]{1,200}\.(dat|txt|php|ps1)\b)/
    condition:
        (filesize < 8KB and $head at 0) or false
}

rule RTF_Equation_Editor_Object {
    meta:
        description = "RTF with an embedded equation object, the carrier of CVE-2017-11882 and its kin"
        risk = "high"
        attack = "T1203"
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2017-11882"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $clsid = "02ce020000000000c000000000000046" nocase
        $name = "4571756174696f6e2e33" nocase
        $object = "\\objdata" nocase
        $update = "\\objupdate" nocase
    condition:
        (uint32be(0) == 0x7B5C7274 and $object and ($clsid or ($name and $update))) or false
}

rule RTF_Linked_Object_Updates_Itself {
    meta:
        description = "RTF with a linked object that is fetched without a question, as CVE-2017-0199 does"
        risk = "high"
        attack = "T1203"
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2017-0199"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $link = "4f4c45324c696e6b" nocase
        $moniker = "e0c9ea79f9bace118c8200aa004ba90b" nocase
        $object = "\\objdata" nocase
        $update = "\\objupdate" nocase
    condition:
        (uint32be(0) == 0x7B5C7274 and $object and $update and any of ($link, $moniker)) or false
}

rule RTF_Packaged_Program {
    meta:
        description = "RTF that carries a packaged script or program"
        risk = "medium"
        attack = "T1204.002"
        reference = "https://attack.mitre.org/techniques/T1027/009/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $object = "\\objdata" nocase
        $package = "5061636b61676500" nocase
        $exe = "2e65786500" nocase
        $scr = "2e73637200" nocase
        $vbs = "2e76627300" nocase
        $bat = "2e62617400" nocase
        $sct = "2e73637400" nocase
        $hta = "2e68746100" nocase
        $cmd = "2e636d6400" nocase
        $ps1 = "2e70733100" nocase
    condition:
        (
            uint32be(0) == 0x7B5C7274 and $object and $package and
            any of ($exe, $scr, $vbs, $bat, $sct, $hta, $cmd, $ps1)
        ) or false
}

rule RTF_Broken_Head_With_Object {
    meta:
        description = "RTF whose first word is cut or damaged, which Word still opens and scanners may not, with an embedded object"
        risk = "high"
        attack = "T1027"
        reference = "https://attack.mitre.org/techniques/T1036/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $head = "{\\rtf" nocase
        $object1 = "\\objdata" nocase
        $object2 = "\\objemb" nocase
        $object3 = "\\objupdate" nocase
    condition:
        (uint32be(0) == 0x7B5C7274 and not $head at 0 and 2 of ($object*)) or false
}

rule RTF_Remote_Template {
    meta:
        description = "RTF that loads its template from the web"
        risk = "medium"
        attack = "T1221"
        reference = "https://attack.mitre.org/techniques/T1221/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $template = /\{\\\*\\template ?(https?:|\\u-?\d{1,6}|\\'68\\'74)/ nocase
    condition:
        (uint32be(0) == 0x7B5C7274 and $template) or false
}

rule Ole_Packaged_Program {
    meta:
        description = "Office document that carries a packaged program or script"
        risk = "medium"
        attack = "T1204.002"
        reference = "https://learn.microsoft.com/openspecs/windows_protocols/ms-oleds/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $stream = { 01 00 4F 00 6C 00 65 00 31 00 30 00 4E 00 61 00 74 00 69 00 76 00 65 00 }
        $word = "WordDocument" wide
        $excel1 = "Workbook" wide
        $slides = "PowerPoint Document" wide
        $object = "ObjectPool" wide
        $name = /[\w \-]{1,64}\.(exe|scr|com|js|jse|vbs|vbe|wsf|hta|bat|cmd|ps1|lnk|jar)\x00[A-Za-z]:\\/ nocase
    condition:
        (uint32be(0) == 0xD0CF11E0 and $stream and any of ($word, $excel1, $slides, $object) and $name) or false
}

rule Msdt_Link_Runs_Command {
    meta:
        description = "Page that starts the support diagnostic tool with a command inside, as CVE-2022-30190 does"
        risk = "high"
        attack = "T1218"
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2022-30190"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $scheme = "ms-msdt:" nocase ascii wide
        $param = /IT_(BrowseForFile|RebrowseForFile|LaunchMethod)=[^\r\n"']{0,80}\$\(/ nocase ascii wide
    condition:
        (filesize < 1MB and $scheme and $param) or false
}

rule OpenDocument_Macro_Runs_Program {
    meta:
        description = "OpenDocument macro that starts a command line"
        risk = "medium"
        attack = "T1059"
        reference = "https://attack.mitre.org/techniques/T1204/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $module = "<script:module" ascii
        $shell = /\bShell ?\( ?(&quot;|")/ nocase
        $what1 = "cmd.exe" nocase ascii
        $what7 = "cmd /c" nocase ascii
        $what2 = "powershell" nocase ascii
        $what3 = "/bin/sh" ascii
        $what4 = "/bin/bash" ascii
        $what5 = "curl " nocase ascii
        $what6 = "mshta" nocase ascii
    condition:
        (filesize < 1MB and $module and $shell and any of ($what*)) or false
}
