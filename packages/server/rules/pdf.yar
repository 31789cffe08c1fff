// PDF: actions, and the JavaScript that the walker takes out of a document's objects.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

rule PDF_Launches_Program {
    meta:
        description = "PDF whose action starts a program"
        risk = "high"
        attack = "T1204.002"
        reference = "https://opensource.adobe.com/dc-acrobat-sdk-docs/pdfstandards/PDF32000_2008.pdf"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $head = "%PDF-"
        $launch = /\/S[ \t\r\n]{0,4}\/Launch[^\x00]{0,300}(cmd\.exe|powershell|mshta|wscript|cscript|\/bin\/sh)/ nocase
    condition:
        ($head in (0..1023) and $launch) or false
}

rule PDF_JavaScript_On_Open {
    meta:
        description = "PDF that runs JavaScript when it is opened"
        risk = "low"
        attack = "T1059.007"
        reference = "https://opensource.adobe.com/dc-acrobat-sdk-docs/pdfstandards/PDF32000_2008.pdf"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open1 = "/OpenAction"
        $open2 = /\/AA[ \t\r\n]{0,4}<</
        $script = /\/S[ \t\r\n]{0,4}\/JavaScript/
        $code1 = "/JS ("
        $code2 = "/JS("
        $code3 = /\/JS[ \t]{1,4}\d{1,7} \d{1,5} R/
    condition:
        (uint32be(0) == 0x25504446 and any of ($open*) and $script and any of ($code*)) or false
}

rule PDF_Escaped_Keywords {
    meta:
        description = "PDF that writes the names of its actions with escapes no program needs"
        risk = "medium"
        attack = "T1027"
        reference = "https://opensource.adobe.com/dc-acrobat-sdk-docs/pdfstandards/PDF32000_2008.pdf"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $head = "%PDF-"
        $js = /\/(#4aava|J#61va|Ja#76a|Jav#61|Java#53|JavaS#63|JavaSc#72|JavaScr#69|JavaScri#70)/ nocase
        $open = /\/(#4fpenA|O#70enA|Op#65nA|Ope#6eA|Open#41|OpenA#63|OpenAc#74)/ nocase
        $launch = /\/(#4caunch|L#61unch|La#75nch|Lau#6ech|Laun#63h|Launc#68)/ nocase
        $file = /\/(Embedded#46|#45mbeddedF|E#6dbeddedF|AcroF#6frm|#41croForm)/ nocase
    condition:
        ($head in (0..1023) and any of ($js, $open, $launch, $file)) or false
}

rule PDF_Opens_Attachment_By_Script {
    meta:
        description = "Document script that writes an attached file out and starts it"
        risk = "high"
        attack = "T1204.002"
        reference = "https://opensource.adobe.com/dc-acrobat-sdk-docs/library/jsapiref/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $export = "exportDataObject" ascii wide
        $launch = /nLaunch["']?[ \t]{0,4}:[ \t]{0,4}2/ ascii
        $launch_wide = "nLaunch:2" wide
    condition:
        (filesize < 32MB and $export and any of ($launch*)) or false
}

rule PDF_Script_Sprays_Memory {
    meta:
        description = "Document script that fills memory with code before it breaks the reader"
        risk = "high"
        attack = "T1203"
        reference = "https://attack.mitre.org/techniques/T1059/007/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $unescape = "unescape" ascii
        $sled1 = "%u0c0c%u0c0c" nocase ascii
        $sled2 = "%u9090%u9090" nocase ascii
        $sled3 = "%u0a0a%u0a0a" nocase ascii
        $sled4 = "%u0d0d%u0d0d" nocase ascii
        $grow1 = /\.length ?< ?(0x[0-9a-f]{4,6}|\d{5,7})/ nocase
        $grow2 = "new Array(" ascii
        $grow3 = ".substring(0," ascii
    condition:
        (filesize < 8MB and $unescape and any of ($sled*) and 2 of ($grow*)) or false
}

rule PDF_Script_Known_Exploit_Calls {
    meta:
        description = "Document script that calls reader functions in the way only exploits do"
        risk = "high"
        attack = "T1203"
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2009-0927"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $printf = "util.printf(\"%45000" ascii
        $collab = /Collab\.(collectEmailInfo\(\{ ?msg ?:|getIcon\( ?[a-z_]{1,24} ?\+)/ nocase
        $media = "media.newPlayer(null)" ascii
        $customs = "Collab.getIcon(\"_N.bundle" nocase ascii
        $unescape = "unescape(" ascii
        $spray = "%u" ascii
    condition:
        (filesize < 8MB and any of ($printf, $collab, $media, $customs) and $unescape and #spray > 16) or false
}

rule PDF_Fetches_From_Network_Share {
    meta:
        description = "PDF that opens a file on a foreign share when it is opened, which gives away the user's password hash"
        risk = "high"
        attack = "T1187"
        reference = "https://attack.mitre.org/techniques/T1187/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $head = "%PDF-"
        $goto = /\/S[ \t\r\n]{0,4}\/GoTo[ER]\b/
        $share = /\/F[ \t\r\n]{0,4}(<<[^>]{0,80}\/F[ \t]{0,4})?\(\\\\\\\\[^)\\\x00]{4,100}\\\\/
        $open1 = "/OpenAction"
        $open2 = /\/AA[ \t\r\n]{0,4}<</
    condition:
        ($head in (0..1023) and $goto and $share and any of ($open*)) or false
}

rule PDF_Links_To_Script_File {
    meta:
        description = "PDF with a link to a script, shortcut or screen saver"
        risk = "medium"
        attack = "T1566.002"
        reference = "https://attack.mitre.org/techniques/T1566/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $head = "%PDF-"
        $uri = "/URI"
        $end1 = ".hta)" nocase
        $end2 = ".vbs)" nocase
        $end3 = ".vbe)" nocase
        $end4 = ".jse)" nocase
        $end5 = ".wsf)" nocase
        $end6 = ".lnk)" nocase
        $end7 = ".scr)" nocase
        $end8 = ".cpl)" nocase
        $end9 = ".pif)" nocase
        $end10 = ".xll)" nocase
    condition:
        ($head in (0..1023) and $uri and any of ($end*)) or false
}

rule PDF_Attached_Program {
    meta:
        description = "PDF that carries a program or script as an attachment"
        risk = "medium"
        attack = "T1027.009"
        reference = "https://attack.mitre.org/techniques/T1204/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $head = "%PDF-"
        $embedded = "/EmbeddedFile"
        $name1 = ".exe)" nocase
        $name2 = ".scr)" nocase
        $name3 = ".com)" nocase
        $name4 = ".hta)" nocase
        $name5 = ".vbs)" nocase
        $name6 = ".vbe)" nocase
        $name7 = ".js)" nocase
        $name8 = ".jse)" nocase
        $name9 = ".wsf)" nocase
        $name10 = ".bat)" nocase
        $name11 = ".cmd)" nocase
        $name12 = ".ps1)" nocase
        $name13 = ".lnk)" nocase
        $name14 = ".jar)" nocase
        $name15 = ".docm)" nocase
        $name16 = ".xlsm)" nocase
        $name17 = ".pptm)" nocase
    condition:
        ($head in (0..1023) and $embedded and any of ($name*)) or false
}
