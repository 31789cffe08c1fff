// Installers and archives that start scripts, and how programs are packed: packing alone is no crime, so those rules are low.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

rule Msi_Action_Runs_Hidden_Command {
    meta:
        description = "Installation database with an action that starts a hidden, encoded or fetched command"
        risk = "high"
        attack = "T1218.007"
        reference = "https://attack.mitre.org/techniques/T1218/007/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $table = "CustomAction" ascii
        $command1 = /powershell(\.exe)?["']? [^\r\n\x00]{0,100}(-w[a-z]{0,11} {1,2}hidden|-e[nc][a-z]{0,12} {1,2}[A-Za-z0-9+\/]{20})/ nocase
        $command2 = /\bmshta(\.exe)? {1,2}["']?(https?:|javascript:|vbscript:)/ nocase
        $command3 = /\b(iwr|irm|Invoke-WebRequest|DownloadString\(|DownloadFile\()[^\r\n\x00]{0,200}(\biex\b|Start-Process|\.exe)/ nocase
    condition:
        (uint32be(0) == 0xD0CF11E0 and filesize < 200MB and $table and any of ($command*)) or false
}

rule Msi_Script_Action_Fetches_Program {
    meta:
        description = "Installation database with a script that fetches a program, writes and starts it"
        risk = "high"
        attack = "T1218.007"
        reference = "https://attack.mitre.org/techniques/T1218/007/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $table = "CustomAction" ascii
        $http1 = "MSXML2." nocase ascii
        $http2 = "WinHttp.WinHttpRequest" nocase ascii
        $http3 = "Microsoft.XMLHTTP" nocase ascii
        $stream = "ADODB.Stream" nocase ascii
        $save = "SaveToFile" nocase ascii
        $run = "WScript.Shell" nocase ascii
    condition:
        (uint32be(0) == 0xD0CF11E0 and filesize < 200MB and $table and any of ($http*) and $stream and $save and $run) or false
}

rule Sfx_7z_Starts_Script {
    meta:
        description = "Self-extracting archive that starts a script or a hidden command line"
        risk = "medium"
        attack = "T1027.009"
        reference = "https://www.7-zip.org/sdk.html"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $head = ";!@Install@!UTF-8!" ascii
        $end = ";!@InstallEnd@!" ascii
        $run1 = "RunProgram=" nocase ascii
        $run2 = "ExecuteFile=" nocase ascii
        $run3 = "AutoInstall=" nocase ascii
        $what1 = "powershell" nocase ascii
        $what2 = "mshta" nocase ascii
        $what3 = "wscript" nocase ascii
        $what4 = "cscript" nocase ascii
        $what5 = "rundll32" nocase ascii
        $what6 = "regsvr32" nocase ascii
        $what7 = "cmd /c" nocase ascii
        $what8 = ".vbs" nocase ascii
        $what9 = ".vbe" nocase ascii
        $what10 = ".jse" nocase ascii
        $what11 = ".bat" nocase ascii
        $what12 = ".cmd" nocase ascii
        $what13 = ".ps1" nocase ascii
        $what14 = ".hta" nocase ascii
        $what15 = ".wsf" nocase ascii
        $hide1 = "GUIMode=\"2\"" nocase ascii
        $hide2 = "hidcon:" nocase ascii
        $hide3 = "nowait:" nocase ascii
    condition:
        ($head and $end and any of ($run*) and any of ($what*) in (@head..@head + 4096) and any of ($hide*)) or false
}

rule Sfx_Rar_Starts_Script_Silently {
    meta:
        description = "Self-extracting archive that unpacks without a window and starts a script"
        risk = "medium"
        attack = "T1027.009"
        reference = "https://www.win-rar.com/gui-sfx-archive.html"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $setup = /Setup ?= ?[^\r\n\x00]{0,120}(powershell|mshta|wscript|cscript|\.(vbs|vbe|js|jse|bat|cmd|ps1|hta|wsf)\b)/ nocase
        $silent1 = "Silent=1" nocase ascii
        $silent2 = "Silent=2" nocase ascii
        $where1 = "Path=%temp%" nocase ascii
        $where2 = "Path=%appdata%" nocase ascii
        $where3 = "TempMode" nocase ascii
        $where4 = "Overwrite=1" nocase ascii
    condition:
        (any of ($silent*) and $setup and any of ($where*)) or false
}

rule Iexpress_Package_Starts_Script {
    meta:
        description = "IExpress package whose command starts a script"
        risk = "medium"
        attack = "T1218"
        reference = "https://lolbas-project.github.io/lolbas/Binaries/Iexpress/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $stub = "WEXTRACT" ascii wide nocase
        $run1 = "RUNPROGRAM" wide
        $run2 = "POSTRUNPROGRAM" wide
        $what1 = "powershell" nocase ascii
        $what2 = "mshta " nocase ascii
        $what3 = "wscript " nocase ascii
        $what4 = "cmd /c " nocase ascii
        $what5 = "cmd.exe /c " nocase ascii
    condition:
        (uint16be(0) == 0x4D5A and $stub and any of ($run*) and any of ($what*)) or false
}

rule AutoIt_Program {
    meta:
        description = "Program made of an AutoIt script, which may be anything"
        risk = "low"
        attack = "T1059.010"
        reference = "https://attack.mitre.org/techniques/T1059/010/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $mark1 = "AU3!EA06" ascii
        $mark2 = "AU3!EA05" ascii
        $text = "This is a third-party compiled AutoIt script." ascii wide
        $key = "Software\\AutoIt v3\\AutoIt" wide
    condition:
        (uint16be(0) == 0x4D5A and any of ($mark*) and any of ($text, $key)) or false
}

rule PyInstaller_Program {
    meta:
        description = "Program made of a Python script, which may be anything"
        risk = "low"
        attack = "T1059.006"
        reference = "https://pyinstaller.org/en/stable/advanced-topics.html"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $cookie = { 4D 45 49 0C 0B 0A 0B 0E }
        $boot1 = "pyi-runtime-tmpdir" ascii
        $boot2 = "_MEIPASS2" ascii
        $boot3 = "pyiboot01_bootstrap" ascii
    condition:
        ((uint16be(0) == 0x4D5A or uint32be(0) == 0x7F454C46) and $cookie and any of ($boot*)) or false
}

rule PowerShell_Made_Into_Program {
    meta:
        description = "Program that is a PowerShell script in disguise"
        risk = "low"
        attack = "T1059.001"
        reference = "https://github.com/MScholtes/PS2EXE"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $net = "_CorExeMain" ascii
        $namespace = "ModuleNameSpace" ascii
        $host1 = "PS2EXEHost" ascii wide
        $host2 = "MainModuleRawUI" ascii
        $option1 = "-extract:\"<FILENAME>\"" wide
        $option2 = "If you specify the -extract option" wide
    condition:
        (uint16be(0) == 0x4D5A and $net and $namespace and (any of ($host*)) and any of ($option*)) or false
}

rule Packed_By_Upx {
    meta:
        description = "Windows program packed by UPX"
        risk = "low"
        attack = "T1027.002"
        reference = "https://upx.github.io/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $section0 = "UPX0\x00\x00\x00\x00" ascii
        $section1 = "UPX1\x00\x00\x00\x00" ascii
        $mark = "UPX!" ascii
    condition:
        (uint16be(0) == 0x4D5A and $section0 in (0..2048) and $section1 in (0..2048) and $mark in (0..8192)) or false
}

rule Packed_By_Altered_Upx {
    meta:
        description = "Windows program packed by UPX whose mark was taken out, so that it cannot be unpacked with UPX itself"
        risk = "medium"
        attack = "T1027.002"
        reference = "https://upx.github.io/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $section0 = "UPX0\x00\x00\x00\x00" ascii
        $section1 = "UPX1\x00\x00\x00\x00" ascii
        $mark = "UPX!" ascii
    condition:
        (uint16be(0) == 0x4D5A and filesize > 1KB and $section0 in (0..2048) and $section1 in (0..2048) and not $mark) or false
}

rule Elf_Packed_By_Upx {
    meta:
        description = "Linux program packed by UPX"
        risk = "low"
        attack = "T1027.002"
        reference = "https://upx.github.io/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $mark = "UPX!" ascii
        $info = "$Info: This file is packed with the UPX executable packer" ascii
    condition:
        (uint32be(0) == 0x7F454C46 and $mark in (0..1024) and $info) or false
}

rule Elf_Packed_By_Altered_Upx {
    meta:
        description = "Linux program packed by UPX whose texts were taken out, as bots for devices do"
        risk = "medium"
        attack = "T1027.002"
        reference = "https://upx.github.io/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $mark = "UPX!" ascii
        $info = "$Info: This file is packed with the UPX executable packer" ascii
        $id = "$Id: UPX " ascii
        $sections = ".shstrtab" ascii
    condition:
        (
            uint32be(0) == 0x7F454C46 and filesize < 8MB and $mark in (0..1024) and
            $mark in (filesize - 512..filesize) and not any of ($info, $id, $sections)
        ) or false
}

rule Protected_By_Themida {
    meta:
        description = "Program protected by Themida or WinLicense"
        risk = "medium"
        attack = "T1027.002"
        reference = "https://attack.mitre.org/techniques/T1027/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $section1 = ".themida" ascii
        $section2 = ".winlice" ascii
        $boot = ".boot\x00\x00\x00" ascii
    condition:
        (uint16be(0) == 0x4D5A and any of ($section*) in (0..2048) and $boot in (0..2048)) or false
}

rule Protected_By_VMProtect {
    meta:
        description = "Program protected by VMProtect"
        risk = "medium"
        attack = "T1027.002"
        reference = "https://attack.mitre.org/techniques/T1027/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $section0 = ".vmp0\x00\x00\x00" ascii
        $section1 = ".vmp1\x00\x00\x00" ascii
        $section2 = ".vmp2\x00\x00\x00" ascii
    condition:
        (uint16be(0) == 0x4D5A and filesize > 1KB and 2 of ($section*) in (0..2048)) or false
}

rule Protected_By_Enigma {
    meta:
        description = "Program protected by Enigma"
        risk = "medium"
        attack = "T1027.002"
        reference = "https://attack.mitre.org/techniques/T1027/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $section1 = ".enigma1" ascii
        $section2 = ".enigma2" ascii
    condition:
        (uint16be(0) == 0x4D5A and all of ($section*) in (0..2048)) or false
}

rule Packed_By_Old_Packer {
    meta:
        description = "Program packed by ASPack, MPRESS, PECompact, Petite or NsPack"
        risk = "low"
        attack = "T1027.002"
        reference = "https://attack.mitre.org/techniques/T1027/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $aspack1 = ".aspack\x00" ascii
        $aspack2 = ".adata\x00\x00" ascii
        $mpress1 = ".MPRESS1" ascii
        $mpress2 = ".MPRESS2" ascii
        $pec1 = "PEC2TO\x00\x00" ascii
        $pec2 = "PECompact2" ascii
        $petite1 = ".petite\x00" ascii
        $ns1 = ".nsp0\x00\x00\x00" ascii
        $ns2 = ".nsp1\x00\x00\x00" ascii
    condition:
        (
            uint16be(0) == 0x4D5A and (all of ($aspack*) in (0..2048) or all of ($mpress*) in (0..2048) or
            any of ($pec*) in (0..2048) or $petite1 in (0..2048) or all of ($ns*) in (0..2048))
        ) or false
}

rule Net_Program_Made_Unreadable {
    meta:
        description = ".NET program obfuscated by ConfuserEx"
        risk = "medium"
        attack = "T1027.002"
        reference = "https://github.com/mkaring/ConfuserEx"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $net = "_CorExeMain" ascii
        $net2 = "_CorDllMain" ascii
        $mark1 = "ConfusedByAttribute" ascii
        $mark2 = "ConfuserEx v" ascii
        $mark3 = "Confuser.Core " ascii
    condition:
        (uint16be(0) == 0x4D5A and any of ($net, $net2) and any of ($mark*)) or false
}

rule Net_Program_By_Reactor {
    meta:
        description = ".NET program protected by .NET Reactor"
        risk = "low"
        attack = "T1027.002"
        reference = "https://www.eziriz.com/dotnet_reactor.htm"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $net = "_CorExeMain" ascii
        $net2 = "_CorDllMain" ascii
        $mark1 = "{11111-22222-" wide
        $mark2 = "-00000}" wide
        $mark3 = "Eziriz's \".NET Reactor\"" ascii wide
    condition:
        (uint16be(0) == 0x4D5A and any of ($net, $net2) and (all of ($mark1, $mark2) or $mark3)) or false
}

rule Python_Protected_By_PyArmor {
    meta:
        description = "Python protected by PyArmor"
        risk = "low"
        attack = "T1027.002"
        reference = "https://pyarmor.readthedocs.io/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $old = "__pyarmor__(__name__, __file__, b" ascii
        $import1 = "from pyarmor_runtime" ascii
        $import2 = "from pytransform import pyarmor_runtime" ascii
        $data = "PYARMOR" ascii
        $old_data = "\\x50\\x59\\x41\\x52\\x4d\\x4f\\x52" nocase ascii
    condition:
        (filesize < 32MB and any of ($old, $import1, $import2) and any of ($data, $old_data)) or false
}
