// Documents that do something by themselves. Members of ZIP-based documents are packed and not seen here.

rule PDF_Launches_Program {
    meta:
        description = "PDF whose action starts a program"
        risk = "high"
        reference = "ISO 32000-1 12.6.4.5"
        mitre = "T1204.002"
    strings:
        $launch = /\/S[ \t\r\n]{0,4}\/Launch[^\x00]{0,300}(cmd\.exe|powershell|mshta|wscript|cscript|\/bin\/sh)/ nocase
    condition:
        $launch and for any i in (0..1023) : (uint32be(i) == 0x25504446)
}

rule PDF_JavaScript_On_Open {
    meta:
        description = "PDF that runs JavaScript when it is opened"
        risk = "low"
        reference = "ISO 32000-1 12.6.4.16"
        mitre = "T1204.002"
    strings:
        $open1 = "/OpenAction"
        $open2 = /\/AA[ \t\r\n]{0,4}<</
        $script = /\/S[ \t\r\n]{0,4}\/JavaScript/
        $code1 = "/JS ("
        $code2 = "/JS("
        $code3 = /\/JS[ \t]{1,4}\d{1,7} \d{1,5} R/
    condition:
        uint32be(0) == 0x25504446 and any of ($open*) and $script and any of ($code*)
}

rule Office_Auto_Macro_Runs_Program {
    meta:
        description = "Macro that runs by itself and starts a program or a download"
        risk = "medium"
        reference = "https://attack.mitre.org/techniques/T1137/001/"
        mitre = "T1059.005"
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
        (uint32be(0) == 0xD0CF11E0 or filesize < 512KB and uint16be(0) != 0x4D5A) and any of ($auto*) and 2 of ($do*)
}

rule RTF_Equation_Editor_Object {
    meta:
        description = "RTF with an embedded equation object, the carrier of CVE-2017-11882 and its kin"
        risk = "high"
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2017-11882"
        mitre = "T1203"
    strings:
        $clsid = "02ce020000000000c000000000000046" nocase
        $name = "4571756174696f6e2e33" nocase
        $object = "\\objdata" nocase
        $update = "\\objupdate" nocase
    condition:
        uint32be(0) == 0x7B5C7274 and $object and ($clsid or ($name and $update))
}

rule Shortcut_Runs_Script {
    meta:
        description = "Windows shortcut that starts a script host on hidden code"
        risk = "high"
        reference = "https://attack.mitre.org/techniques/T1204/002/"
        mitre = "T1204.002"
    strings:
        $host1 = "powershell" nocase ascii wide
        $host2 = "mshta" nocase ascii wide
        $how1 = " -enc" nocase wide
        $how2 = "-w hidden" nocase wide
        $how3 = "-windowstyle hidden" nocase wide
        $how4 = "http" nocase wide
        $how5 = "iex" nocase wide
    condition:
        uint32be(0) == 0x4C000000 and uint32be(4) == 0x01140200 and any of ($host*) and any of ($how*)
}

rule OneNote_Embedded_Program {
    meta:
        description = "OneNote page with an attached script or program"
        risk = "medium"
        reference = "https://learn.microsoft.com/openspecs/office_file_formats/ms-one"
        mitre = "T1204.002"
    strings:
        $blob = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC }
        $ext = /\.(hta|vbs|wsf|bat|cmd|js|exe|lnk|ps1)\x00\x00?/ nocase wide
        $mz = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC [16-32] 4D 5A }
    condition:
        uint32be(0) == 0xE4525C7B and ($mz or ($blob and $ext))
}
