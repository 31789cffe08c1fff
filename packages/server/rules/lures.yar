// What people are made to open: shortcuts, pages that carry a file inside, disk images, notes, settings files.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

// Shortcuts are read by their header: the lnk module parses every body that is scanned, whatever it is (8 us each).

rule Shortcut_Runs_Script {
    meta:
        description = "Windows shortcut that starts a script host on hidden code"
        risk = "high"
        attack = "T1204.002"
        reference = "https://attack.mitre.org/techniques/T1204/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $host1 = "powershell" nocase ascii wide
        $host2 = "mshta" nocase ascii wide
        $how1 = " -enc" nocase wide
        $how2 = "-w hidden" nocase wide
        $how3 = "-windowstyle hidden" nocase wide
        $how4 = "http" nocase wide
        $how5 = "iex" nocase wide
    condition:
        (uint32be(0) == 0x4C000000 and uint32be(4) == 0x01140200 and any of ($host*) and any of ($how*)) or false
}

rule Shortcut_Runs_Windows_Tool {
    meta:
        description = "Windows shortcut that fetches or starts something through a tool of the system"
        risk = "high"
        attack = "T1204.002"
        reference = "https://lolbas-project.github.io/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $tool1 = "certutil" nocase ascii wide
        $tool2 = "bitsadmin" nocase ascii wide
        $tool3 = "regsvr32" nocase ascii wide
        $tool4 = "rundll32" nocase ascii wide
        $tool5 = "msiexec" nocase ascii wide
        $tool6 = "curl" nocase ascii wide
        $tool7 = "wscript" nocase ascii wide
        $tool8 = "ssh.exe" nocase ascii wide
        $tool9 = "forfiles" nocase ascii wide
        $how1 = "http" nocase wide
        $how2 = "ProxyCommand" nocase wide
        $how3 = "/c start" nocase wide
        $how4 = "%temp%" nocase wide
        $how5 = "%appdata%" nocase wide
        $how6 = "javascript:" nocase wide
        $how7 = "&&" wide
    condition:
        (uint32be(0) == 0x4C000000 and uint32be(4) == 0x01140200 and filesize < 8MB and any of ($tool*) and 2 of ($how*)) or false
}

rule Shortcut_Arguments_Pushed_Out_Of_Sight {
    meta:
        description = "Windows shortcut whose arguments stand behind so many blanks that the properties window does not show them"
        risk = "high"
        attack = "T1027.012"
        reference = "https://attack.mitre.org/techniques/T1027/012/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $blanks = { 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 }
        $tabs = { 09 00 09 00 09 00 09 00 09 00 09 00 09 00 09 00 09 00 09 00 09 00 09 00 09 00 09 00 09 00 09 00 09 00 09 00 09 00 09 00 }
        $lines = { 0A 00 0A 00 0A 00 0A 00 0A 00 0A 00 0A 00 0A 00 0A 00 0A 00 0A 00 0A 00 0A 00 0A 00 0A 00 0A 00 0A 00 0A 00 0A 00 0A 00 }
    condition:
        (uint32be(0) == 0x4C000000 and uint32be(4) == 0x01140200 and filesize < 8MB and (#blanks > 40 or #tabs > 40 or #lines > 40)) or false
}

rule Shortcut_Dressed_As_Document {
    meta:
        description = "Windows shortcut with the icon of a document that starts a command line"
        risk = "medium"
        attack = "T1036.008"
        reference = "https://attack.mitre.org/techniques/T1204/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $shell1 = "\\cmd.exe" nocase ascii wide
        $shell2 = "\\powershell.exe" nocase ascii wide
        $shell3 = "\\mshta.exe" nocase ascii wide
        $shell4 = "\\conhost.exe" nocase ascii wide
        $icon1 = "\\imageres.dll" nocase wide
        $icon2 = "winword.exe" nocase wide
        $icon3 = "excel.exe" nocase wide
        $icon4 = "acrord32.exe" nocase wide
        $icon5 = "msedge.exe" nocase wide
        $icon6 = ".pdf" nocase wide
        $icon7 = "wordicon.exe" nocase wide
    condition:
        (
            uint32be(0) == 0x4C000000 and uint32be(4) == 0x01140200 and filesize < 8MB and any of ($shell*) and any of ($icon*) and
            uint32(20) & 0x20 != 0
        ) or false
}

rule Shortcut_Carries_Payload {
    meta:
        description = "Windows shortcut with a large tail that its own command line cuts out"
        risk = "high"
        attack = "T1027.009"
        reference = "https://attack.mitre.org/techniques/T1027/009/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $self1 = ".lnk" nocase wide
        $cut1 = "findstr" nocase wide
        $cut2 = "ReadAllBytes" nocase wide
        $cut3 = "Select-String" nocase wide
        $cut4 = "FromBase64String" nocase wide
        $cut5 = "-Skip" nocase wide
        $cut6 = "dir " nocase wide
    condition:
        (uint32be(0) == 0x4C000000 and uint32be(4) == 0x01140200 and filesize > 6KB and filesize < 64MB and $self1 and any of ($cut*)) or false
}

rule Internet_Shortcut_To_Program {
    meta:
        description = "Internet shortcut that opens a program or script on a foreign share"
        risk = "high"
        attack = "T1204.002"
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2023-36025"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $head = "[InternetShortcut]" nocase ascii
        $share = /URL ?= ?(file:|\\\\)[\/\\]{0,5}[^\r\n]{3,250}\.(exe|scr|com|hta|vbs|vbe|js|jse|wsf|bat|cmd|ps1|cpl|msi|lnk|zip|jar|url)\b/ nocase
        $local = /URL ?= ?file:\/{2,3}[A-Za-z]:/ nocase
    condition:
        (filesize < 64KB and $head and $share and not $local) or false
}

rule Icon_On_Foreign_Share {
    meta:
        description = "Shell file whose icon lies on a foreign share: showing its folder gives away the user's password hash"
        risk = "high"
        attack = "T1187"
        reference = "https://attack.mitre.org/techniques/T1187/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $head1 = "[InternetShortcut]" nocase ascii
        $head2 = "[Shell]" nocase ascii
        $head3 = "[.ShellClassInfo]" nocase ascii
        $icon = /Icon(File|Resource) ?= ?\\\\[\w.\-@]{3,120}\\/ nocase
    condition:
        (filesize < 64KB and any of ($head*) and $icon) or false
}

rule Library_Or_Search_On_Foreign_Share {
    meta:
        description = "Library or saved search that shows a foreign share as if it were a local folder"
        risk = "medium"
        attack = "T1204.002"
        reference = "https://attack.mitre.org/techniques/T1187/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $library = "<libraryDescription" ascii
        $place1 = /<url>(\\\\|https?:\/\/)[^<]{4,200}<\/url>/ nocase
        $search1 = "search-ms:" nocase ascii
        $search2 = /crumb=location:(\\\\|%5c%5c|https?:|\\\\\\\\)/ nocase
        $own = ".sharepoint.com" nocase ascii
    condition:
        (filesize < 512KB and (($library and $place1 and not $own) or ($search1 and $search2))) or false
}

rule Settings_Content_Runs_Command {
    meta:
        description = "Settings shortcut whose link is a command line"
        risk = "high"
        attack = "T1204.002"
        reference = "https://posts.specterops.io/the-tale-of-settingcontent-ms-files-f1ea253e4d39"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $root = "<PCSettings>" nocase ascii wide
        $link = "<DeepLink>" nocase ascii wide
        $tool1 = "cmd.exe" nocase ascii wide
        $tool2 = "cmd /c" nocase ascii wide
        $tool3 = "powershell" nocase ascii wide
        $tool4 = "mshta" nocase ascii wide
        $tool5 = "wscript" nocase ascii wide
        $tool6 = "rundll32" nocase ascii wide
        $tool7 = "regsvr32" nocase ascii wide
    condition:
        (filesize < 64KB and $root and $link and any of ($tool*)) or false
}

rule Management_Console_Runs_Script {
    meta:
        description = "Management console file that runs a script when it is opened"
        risk = "high"
        attack = "T1218.014"
        reference = "https://attack.mitre.org/techniques/T1218/014/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $root = "<MMC_ConsoleFile" ascii wide
        $redirect = "apds.dll/redirect.html" nocase ascii wide
        $script1 = "javascript:eval(" nocase ascii wide
        $script2 = "loadXML" ascii wide
        $script3 = "external.Document" ascii wide
        $task = /CommandLine Directory="[^"]{0,200}" WindowState="Minimized" Params="[^"]{0,80}(powershell|\/c |http|-enc|iex)/ nocase
    condition:
        (filesize < 8MB and $root and ($task or ($redirect and any of ($script*)))) or false
}

rule Help_File_Runs_Command {
    meta:
        description = "Page of a Windows help file whose shortcut object starts a command line by itself"
        risk = "high"
        attack = "T1218.001"
        reference = "https://attack.mitre.org/techniques/T1218/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $class = "clsid:52a2aaae-085d-4187-97ea-8c30db990436" nocase ascii
        $class2 = "clsid:adb880a6-d8ff-11cf-9377-00aa003b7a11" nocase ascii
        $shortcut = "ShortCut" nocase ascii
        $what = /name=["']?Item1["']? {1,4}value=["']? {0,4},? {0,4}[^>]{0,40}(cmd|powershell|mshta|wscript|rundll32|regsvr32|hh|certutil)(\.exe)?\b/ nocase
        $click = ".Click()" nocase ascii
    condition:
        (filesize < 1MB and any of ($class, $class2) and $shortcut and $what and $click) or false
}

rule Remote_Desktop_File_Shares_Drives {
    meta:
        description = "Remote desktop file that hands all drives and the clipboard to a foreign machine and shows only one window"
        risk = "medium"
        attack = "T1204.002"
        reference = "https://learn.microsoft.com/azure/virtual-desktop/rdp-properties"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $host = "full address:s:" nocase ascii wide
        $app = "remoteapplicationmode:i:1" nocase ascii wide
        $drives = "drivestoredirect:s:*" nocase ascii wide
        $clip = "redirectclipboard:i:1" nocase ascii wide
    condition:
        (filesize < 64KB and all of them) or false
}

rule Autorun_Starts_Script {
    meta:
        description = "Drive that starts a script or a hidden library when it is opened"
        risk = "medium"
        attack = "T1091"
        reference = "https://attack.mitre.org/techniques/T1091/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $head = "[autorun]" nocase ascii
        $open1 = "=wscript" nocase ascii
        $open2 = "=cscript" nocase ascii
        $open3 = "=cmd" nocase ascii
        $open4 = "=powershell" nocase ascii
        $open5 = "=rundll32" nocase ascii
        $open6 = "=mshta" nocase ascii
        $open7 = ".vbs" nocase ascii
        $open8 = ".vbe" nocase ascii
        $open9 = ".wsf" nocase ascii
        $open10 = ".bat" nocase ascii
        $open11 = ".scr" nocase ascii
        $open12 = ".pif" nocase ascii
    condition:
        (filesize < 64KB and $head in (0..1024) and any of ($open*)) or false
}

rule HTML_Smuggles_Program {
    meta:
        description = "Page that puts a Windows program together in the browser and saves it"
        risk = "high"
        attack = "T1027.006"
        reference = "https://attack.mitre.org/techniques/T1027/006/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $program1 = "TVqQAAMAAAAEAAAA" ascii
        $program2 = "TVpQAAIAAAAEAA8A" ascii
        $program3 = "TVoAAAAAAAAAAAAA" ascii
        $build1 = "new Blob(" ascii
        $build2 = "new File(" ascii
        $data = "data:application/octet-stream;base64," ascii
        $url1 = "createObjectURL" ascii
        $url2 = "msSaveOrOpenBlob" ascii
        $url3 = "msSaveBlob" ascii
        $save1 = ".download" ascii
        $save2 = ".click()" ascii
        $save3 = "saveAs(" ascii
    condition:
        (filesize < 64MB and any of ($program*) and ($data or (any of ($url*) and any of ($build*))) and any of ($save*)) or false
}

rule HTML_Smuggles_Archive {
    meta:
        description = "Page that puts an archive or disk image together in the browser and saves it at once"
        risk = "medium"
        attack = "T1027.006"
        reference = "https://attack.mitre.org/techniques/T1027/006/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $html1 = "<html" nocase ascii
        $html2 = "<script" nocase ascii
        $archive1 = /["'`](UEsDB[BA-D]|UmFyIRo|N3q8rycc|TVNDRg)[A-Za-z0-9+\/]{200}/
        $image = "AAABQ0QwMDE" ascii
        $decode1 = "atob(" ascii
        $decode2 = "charCodeAt(" ascii
        $build = "new Blob(" ascii
        $url1 = "createObjectURL(" ascii
        $url2 = "msSaveOrOpenBlob" ascii
        $save = ".download" ascii
        $click = ".click()" ascii
    condition:
        (
            filesize < 64MB and all of ($html*) and ($archive1 or $image) and any of ($decode*) and $build and any of ($url*) and
            $save and $click
        ) or false
}

rule HTML_Saves_Decoded_File_At_Once {
    meta:
        description = "Page that decodes a large text into a file and saves it without being asked"
        risk = "medium"
        attack = "T1027.006"
        reference = "https://attack.mitre.org/techniques/T1027/006/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $html = "<script" nocase ascii
        $decode1 = "atob(" ascii
        $decode2 = "window['atob']" ascii
        $decode3 = "window[\"atob\"]" ascii
        $build = /new Blob\( ?\[[^\]\r\n]{1,80}\] ?, ?\{ ?["']?type["']? ?: ?["'](octet\/stream|application\/(octet-stream|zip|x-zip-compressed|x-iso9660-image|vnd\.ms-cab-compressed|x-msdownload))/
        $click = ".click()" ascii
        $name = /\.download ?= ?["'`]?[^"'`\r\n]{0,80}(\.(zip|iso|img|rar|7z|exe|js|vbs|hta|lnk|msi|one|xll|html?)["'`]|\w)/ nocase
    condition:
        (filesize > 4KB and filesize < 64MB and $html and any of ($decode*) and $build and $click and $name) or false
}

rule HTML_Makes_User_Paste_Command {
    meta:
        description = "Page that puts a command into the clipboard and tells the user to run it"
        risk = "high"
        attack = "T1204.004"
        reference = "https://attack.mitre.org/techniques/T1204/004/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $copy1 = "clipboard.writeText" ascii
        $copy2 = "execCommand(\"copy\")" ascii
        $copy3 = "execCommand('copy')" ascii
        $what1 = "powershell" nocase ascii
        $what2 = "mshta" nocase ascii
        $what3 = "cmd /c" nocase ascii
        $what4 = "msiexec" nocase ascii
        $what5 = "base64 -d" nocase ascii
        $how11 = "Windows Key" nocase ascii
        $how12 = "Win + R" nocase ascii
        $how13 = "Windows + R" nocase ascii
        $how14 = "Win+R" nocase ascii
        $how15 = "Windows+R" nocase ascii
        $how16 = "Win</kbd>" nocase ascii
        $how17 = "Windows</kbd>" nocase ascii
        $how18 = "Windows Button" nocase ascii
        $how2 = "<kbd>R</kbd>" nocase ascii
        $how3 = "Run dialog" nocase ascii
        $paste1 = "Ctrl + V" nocase ascii
        $paste2 = "Ctrl+V" nocase ascii
        $paste3 = "Ctrl</kbd>" nocase ascii
        $paste4 = "Control + V" nocase ascii
        $paste5 = "Ctrl key" nocase ascii
        $verify1 = "robot" nocase ascii
        $verify2 = "captcha" nocase ascii
        $verify3 = "verif" nocase ascii
        $verify4 = "fix" nocase ascii fullword
    condition:
        (filesize < 4MB and any of ($copy*) and any of ($what*) and any of ($how*) and any of ($paste*) and any of ($verify*)) or false
}

rule SVG_Script_Leads_Away {
    meta:
        description = "Picture with a script that decodes an address and goes there, or saves a file"
        risk = "high"
        attack = "T1027.017"
        reference = "https://attack.mitre.org/techniques/T1027/017/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $svg = "<svg" nocase ascii
        $script = /<script\b/ nocase
        $decode1 = "atob(" ascii
        $decode2 = "fromCharCode" ascii
        $decode3 = "decodeURIComponent(" ascii
        $go1 = "window.location" ascii
        $go2 = "location.href" ascii
        $go3 = "location.replace(" ascii
        $go4 = "createObjectURL" ascii
        $go5 = "window.open(" ascii
        $html = "<body" nocase ascii
    condition:
        (filesize < 4MB and $svg in (0..2048) and $script and any of ($decode*) and any of ($go*) and not $html) or false
}

rule SVG_Carries_Login_Form {
    meta:
        description = "Picture with a page inside that asks for a password"
        risk = "high"
        attack = "T1566.001"
        reference = "https://attack.mitre.org/techniques/T1566/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $svg = "<svg" nocase ascii
        $foreign = "<foreignObject" nocase ascii
        $password = /type=["']?password/ nocase
        $send1 = /action=["']?https?:/ nocase
        $send2 = "fetch(" ascii
        $send3 = "XMLHttpRequest" ascii
    condition:
        (filesize < 4MB and $svg in (0..2048) and $foreign and $password and any of ($send*)) or false
}

rule OneNote_Embedded_Program {
    meta:
        description = "OneNote page with an attached script or program"
        risk = "medium"
        attack = "T1204.002"
        reference = "https://learn.microsoft.com/openspecs/office_file_formats/ms-one"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $blob = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC }
        $ext = /\.(hta|vbs|wsf|bat|cmd|js|exe|lnk|ps1)\x00\x00?/ nocase wide
        $mz = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC [16-32] 4D 5A }
    condition:
        (uint32be(0) == 0xE4525C7B and ($mz or ($blob and $ext))) or false
}

rule OneNote_Embedded_Script_Text {
    meta:
        description = "OneNote page that carries a script which starts a command line"
        risk = "high"
        attack = "T1204.002"
        reference = "https://learn.microsoft.com/openspecs/office_file_formats/ms-one"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $blob = { E7 16 E3 BD 65 26 11 45 A4 C4 8D 4D 0B 7A 9E AC }
        $shell1 = "WScript.Shell" nocase ascii
        $shell2 = "CreateObject(" nocase ascii
        $shell3 = "ActiveXObject(" nocase ascii
        $shell4 = "@echo off" nocase ascii
        $what1 = "powershell" nocase ascii
        $what2 = "cmd /c" nocase ascii
        $what3 = "mshta" nocase ascii
        $what4 = "rundll32" nocase ascii
        $what5 = "curl " nocase ascii
        $what6 = ".ShellExecute" nocase ascii
    condition:
        (uint32be(0) == 0xE4525C7B and $blob and any of ($shell*) and any of ($what*)) or false
}

rule Disk_Image_Shortcut_Beside_Library {
    meta:
        description = "Small disk image with a shortcut beside a program library, which opens without the mark of the web"
        risk = "medium"
        attack = "T1553.005"
        reference = "https://attack.mitre.org/techniques/T1553/005/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $link = ".LNK;1" nocase ascii
        $link_joliet = { 00 2E 00 (4C | 6C) 00 (4E | 6E) 00 (4B | 6B) }
        $code1 = ".DLL;1" nocase ascii
        $code2 = ".CPL;1" nocase ascii
        $code3 = ".JS;1" nocase ascii
        $code4 = ".VBS;1" nocase ascii
        $code5 = ".BAT;1" nocase ascii
        $code6 = ".CMD;1" nocase ascii
        $code7 = ".PS1;1" nocase ascii
    condition:
        (filesize < 50MB and uint32be(0x8001) == 0x43443030 and any of ($link, $link_joliet) and any of ($code*)) or false
}

rule Disk_Image_With_Script {
    meta:
        description = "Tiny disk image whose files are scripts for Windows"
        risk = "medium"
        attack = "T1553.005"
        reference = "https://attack.mitre.org/techniques/T1553/005/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $code1 = ".HTA;1" nocase ascii
        $code2 = ".JSE;1" nocase ascii
        $code3 = ".VBE;1" nocase ascii
        $code4 = ".WSF;1" nocase ascii
        $code5 = ".VBS;1" nocase ascii
        $code6 = ".SCR;1" nocase ascii
        $boot = "EL TORITO SPECIFICATION" ascii
    condition:
        (filesize < 10MB and uint32be(0x8001) == 0x43443030 and any of ($code*) and not $boot) or false
}
