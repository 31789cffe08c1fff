// Machine code that finds its own way, loaders that place code in other processes, beacons of attack frameworks.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

rule Reflective_Loader_Beacon {
    meta:
        description = "Library that loads itself from memory, with a beacon's names"
        risk = "high"
        attack = "T1620"
        reference = "https://attack.mitre.org/software/S0154/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $loader = "ReflectiveLoader" ascii
        $beacon1 = "beacon.dll" ascii
        $beacon2 = "beacon.x64.dll" ascii
        $beacon3 = "%s as %s\\%s: %d" ascii
        $meter1 = "metsrv.dll" ascii
        $meter2 = "metsrv.x64.dll" ascii
    condition:
        (uint16be(0) == 0x4D5A and $loader and any of ($beacon*, $meter*)) or false
}

rule Shellcode_Finds_Calls_By_Hash {
    meta:
        description = "Machine code that walks the loaded libraries and finds calls by a rotated hash, as Metasploit's does"
        risk = "high"
        attack = "T1027.007"
        reference = "https://github.com/rapid7/metasploit-framework/tree/master/external/source/shellcode"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $x86 = { 64 8B 5? 30 8B 5? 0C 8B 5? 14 8B 7? 28 0F B7 4A 26 31 FF }
        $x86_hash = { AC 3C 61 7C 02 2C 20 C1 CF 0D 01 C7 }
        $x64 = { 65 48 8B 52 60 48 8B 52 18 48 8B 52 20 48 8B 72 50 48 0F B7 4A 4A }
        $x64_hash = { AC 3C 61 7C 02 2C 20 41 C1 C9 0D 41 01 C1 }
    condition:
        (($x86 and $x86_hash) or ($x64 and $x64_hash)) or false
}

rule Shellcode_Written_In_Script {
    meta:
        description = "Script or page that carries the first bytes of well-known machine code as text"
        risk = "high"
        attack = "T1027.009"
        reference = "https://attack.mitre.org/techniques/T1059/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $list64 = /0xfc, ?0x48, ?0x83, ?0xe4, ?0xf0, ?0xe8/ nocase ascii wide
        $list32 = /0xfc, ?0xe8, ?0x(82|89|8f), ?0x00, ?0x00, ?0x00, ?0x60, ?0x(89|31)/ nocase ascii wide
        $escape64 = "\\xfc\\x48\\x83\\xe4\\xf0\\xe8" nocase ascii wide
        $escape32 = /\\xfc\\xe8\\x(82|89|8f)\\x00\\x00\\x00\\x60\\x(89|31)/ nocase ascii wide
        $hex64 = "fc4883e4f0e8" nocase ascii wide
        $base64_64 = "/EiD5PDo" ascii wide
        $base64_32a = "/OiCAAAAYInl" ascii wide
        $base64_32b = "/OiJAAAAYInl" ascii wide
        $vba = "Array(252,72,131,228,240,232" nocase ascii
        $vba2 = "Array(252,232,130,0,0,0,96,137" nocase ascii
    condition:
        (filesize < 16MB and uint16be(0) != 0x4D5A and uint32be(0) != 0x7F454C46 and any of them) or false
}

rule Shellcode_Known_Call_Hashes {
    meta:
        description = "Code with the hashes of at least four system calls that it looks for by hash"
        risk = "high"
        attack = "T1027.007"
        reference = "https://attack.mitre.org/techniques/T1027/007/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $block1 = { 4C 77 26 07 }
        $block2 = { 58 A4 53 E5 }
        $block3 = { 3A 56 79 A7 }
        $block4 = { 29 80 6B 00 }
        $block5 = { EA 0F DF E0 }
        $block6 = { 99 A5 74 61 }
        $block7 = { 08 87 1D 60 }
        $block8 = { F0 B5 A2 56 }
        $refl1 = { 8E 4E 0E EC }
        $refl2 = { AA FC 0D 7C }
        $refl3 = { 54 CA AF 91 }
        $refl4 = { B8 0A 4C 53 }
        $refl5 = { 5B BC 4A 6A }
        $refl6 = { 5D 68 FA 3C }
    condition:
        (filesize < 2MB and (4 of ($block*) or 5 of ($refl*))) or false
}

rule Header_Made_Runnable {
    meta:
        description = "Library whose header was turned into code, so that it can be started where it lies in memory"
        risk = "high"
        attack = "T1620"
        reference = "https://attack.mitre.org/techniques/T1620/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $x64 = { 4D 5A 41 52 55 48 89 E5 48 81 EC 20 00 00 00 48 8D }
        $x86 = { 4D 5A 52 45 E8 00 00 00 00 5B }
        $x86b = { 4D 5A E8 00 00 00 00 5B 89 DF 52 45 55 89 E5 }
    condition:
        (any of them at 0) or false
}

rule Donut_Shellcode {
    meta:
        description = "Machine code made of a program by Donut"
        risk = "high"
        attack = "T1027.002"
        reference = "https://thewover.github.io/Introducing-Donut/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $pop = { 59 31 C0 48 0F 88 }
        $pop_x64 = { 59 55 48 89 E5 }
        $pop_x86 = "YZQR" ascii
    condition:
        (
            uint8(0) == 0xE8 and filesize < 32MB and uint32(1) > 0x400 and uint32(1) < filesize and
            any of ($pop, $pop_x64, $pop_x86) at uint32(1) + 5 and uint32(5) == uint32(1)
        ) or false
}

rule Shellcode_Reflective_Library {
    meta:
        description = "Machine code that loads the library behind it, as sRDI makes it"
        risk = "high"
        attack = "T1620"
        reference = "https://github.com/monoxgas/sRDI"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $x64 = { E8 00 00 00 00 59 49 89 C8 48 81 C1 ?? ?? ?? ?? BA ?? ?? ?? ?? 49 81 C0 }
        $x64_old = { E8 00 00 00 00 59 49 89 C8 BA ?? ?? ?? ?? 49 81 C0 }
        $x86 = { E8 00 00 00 00 58 55 89 E5 89 C2 (68 | 05 | 83) }
    condition:
        (filesize < 64MB and any of them at 0) or false
}

rule Beacon_Settings {
    meta:
        description = "Settings block of a Cobalt Strike beacon, plain or hidden by one of its two fixed bytes"
        risk = "high"
        attack = "T1071.001"
        reference = "https://attack.mitre.org/software/S0154/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $plain = { 00 01 00 01 00 02 ?? ?? 00 02 00 01 00 02 ?? ?? 00 03 00 02 00 04 ?? ?? ?? ?? 00 04 00 02 00 04 }
        $by69 = { 69 68 69 68 69 6B ?? ?? 69 6B 69 68 69 6B ?? ?? 69 6A 69 6B 69 6D ?? ?? ?? ?? 69 6D 69 6B 69 6D }
        $by2e = { 2E 2F 2E 2F 2E 2C ?? ?? 2E 2C 2E 2F 2E 2C ?? ?? 2E 2D 2E 2C 2E 2A ?? ?? ?? ?? 2E 2A 2E 2C 2E 2A }
    condition:
        (filesize < 32MB and any of them) or false
}

rule Beacon_Texts {
    meta:
        description = "Program with the messages of a Cobalt Strike beacon"
        risk = "high"
        attack = "T1071.001"
        reference = "https://attack.mitre.org/software/S0154/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $t1 = "%02d/%02d/%02d %02d:%02d:%02d" ascii
        $t2 = "Started service %s on %s" ascii
        $t3 = "%s as %s\\%s: %d" ascii
        $t4 = "could not spawn %s: %d" ascii
        $t5 = "Could not connect to pipe: %d" ascii
        $t6 = "powershell -nop -exec bypass -EncodedCommand \"%s\"" ascii
        $t7 = "%s%s: %s" ascii
        $t8 = "IEX (New-Object Net.Webclient).DownloadString('http://127.0.0.1:%u/')" ascii
        $t9 = "MSSE-%d-server" ascii
        $t10 = "I'm already in SMB mode" ascii
    condition:
        (
            filesize < 16MB and uint32be(0) != 0x7F454C46 and (any of ($t8, $t9, $t10) and uint16be(0) == 0x4D5A or 4 of ($t2, $t3, $t4, $t5, $t6) or
            (any of ($t2, $t4, $t5) and any of ($t6, $t8, $t10) and any of ($t1, $t7)))
        ) or false
}

rule Meterpreter_Program {
    meta:
        description = "Program with the command names of Meterpreter"
        risk = "high"
        attack = "T1059"
        reference = "https://docs.metasploit.com/docs/using-metasploit/advanced/meterpreter/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $c1 = "stdapi_sys_process_execute" ascii
        $c2 = "stdapi_fs_file_expand_path" ascii
        $c3 = "stdapi_net_config_get_interfaces" ascii
        $c4 = "core_channel_open" ascii
        $c5 = "core_loadlib" ascii
        $c6 = "core_transport_add" ascii
        $c7 = "priv_elevate_getsystem" ascii
        $c8 = "core_negotiate_tlv_encryption" ascii
        $c9 = "metsrv" ascii
    condition:
        ((uint16be(0) == 0x4D5A or uint32be(0) == 0x7F454C46 or uint32be(0) == 0xCFFAEDFE) and filesize < 16MB and 3 of them) or false
}

rule Go_Implant {
    meta:
        description = "Program with the package names of the Sliver or Merlin implants"
        risk = "high"
        attack = "T1071.001"
        reference = "https://attack.mitre.org/software/S0633/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $sliver1 = "github.com/bishopfox/sliver/implant/" ascii
        $sliver2 = "sliverpb." ascii
        $sliver3 = "github.com/bishopfox/sliver/protobuf" ascii
        $merlin1 = "github.com/Ne0nd0g/merlin-agent" ascii
        $merlin2 = "merlin-message" ascii
        $go = "Go build" ascii
        $go2 = "runtime.gopanic" ascii
    condition:
        (
            filesize < 64MB and (uint16be(0) == 0x4D5A or uint32be(0) == 0x7F454C46 or uint32be(0) == 0xCFFAEDFE) and
            any of ($go*) and (2 of ($sliver*) or 2 of ($merlin*))
        ) or false
}

rule Program_Hollows_Process {
    meta:
        description = "Program that starts another one suspended, empties it and puts its own code in its place"
        risk = "medium"
        attack = "T1055.012"
        reference = "https://attack.mitre.org/techniques/T1055/012/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $unmap1 = "NtUnmapViewOfSection" ascii wide
        $unmap2 = "ZwUnmapViewOfSection" ascii wide
        $write1 = "WriteProcessMemory" ascii wide
        $write2 = "NtWriteVirtualMemory" ascii wide
        $context1 = "SetThreadContext" ascii wide
        $context2 = "Wow64SetThreadContext" ascii wide
        $alloc = "VirtualAllocEx" ascii wide
        $create1 = "CreateProcessA" ascii
        $create2 = "CreateProcessW" ascii
        $create3 = "CreateProcess" ascii fullword
        $resume1 = "ResumeThread" ascii wide
        $resume2 = "NtResumeThread" ascii wide
        $wine = "Wine builtin DLL" ascii
        $wine2 = "Wine placeholder DLL" ascii
    condition:
        (
            uint16be(0) == 0x4D5A and filesize < 4MB and any of ($unmap*) and any of ($write*) and any of ($context*) and
            $alloc and any of ($create*) and any of ($resume*) and not any of ($wine*)
        ) or false
}

rule Net_Program_Injects_Code {
    meta:
        description = ".NET program that decrypts code and starts it in another process or its own"
        risk = "high"
        attack = "T1055"
        reference = "https://attack.mitre.org/techniques/T1055/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $net = "_CorExeMain" ascii
        $alloc1 = "VirtualAllocEx" ascii fullword
        $alloc2 = "VirtualAlloc" ascii fullword
        $write1 = "WriteProcessMemory" ascii fullword
        $write2 = "RtlMoveMemory" ascii fullword
        $start1 = "CreateRemoteThread" ascii fullword
        $start2 = "QueueUserAPC" ascii fullword
        $start3 = "CreateThread" ascii fullword
        $start4 = "NtCreateThreadEx" ascii fullword
        $decode1 = "FromBase64String" ascii
        $decode2 = "RijndaelManaged" ascii
        $decode3 = "AesManaged" ascii
        $decode4 = "GZipStream" ascii
    condition:
        (
            uint16be(0) == 0x4D5A and filesize < 8MB and $net and any of ($alloc*) and any of ($write*) and any of ($start*) and
            any of ($decode*)
        ) or false
}

rule Program_Fetches_From_Paste_Site {
    meta:
        description = "Small program that fetches code from a paste or chat site and runs it in memory"
        risk = "medium"
        attack = "T1102.001"
        reference = "https://attack.mitre.org/techniques/T1620/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $site1 = "pastebin.com/raw/" ascii wide
        $site2 = "cdn.discordapp.com/attachments/" ascii wide
        $site3 = "paste.ee/r/" ascii wide
        $site4 = "rentry.co/" ascii wide
        $site5 = "raw.githubusercontent.com/" ascii wide
        $site6 = "transfer.sh/" ascii wide
        $site7 = "hastebin.com/raw/" ascii wide
        $net = "_CorExeMain" ascii
        $get1 = "DownloadData" ascii
        $get2 = "DownloadString" ascii
        $run1 = "get_EntryPoint" ascii
        $run2 = "VirtualAlloc" ascii
        $run3 = "CreateInstance" ascii
        $load = "Load" ascii fullword
    condition:
        (uint16be(0) == 0x4D5A and filesize < 2MB and $net and any of ($site*) and any of ($get*) and $load and any of ($run*)) or false
}

rule Program_Ends_Security_Products {
    meta:
        description = "Program that carries the process names of many security products and a way to end them"
        risk = "medium"
        attack = "T1562.001"
        reference = "https://attack.mitre.org/techniques/T1562/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $p1 = "MsMpEng.exe" nocase ascii wide
        $p2 = "SentinelAgent.exe" nocase ascii wide
        $p3 = "CSFalconService.exe" nocase ascii wide
        $p4 = "CylanceSvc.exe" nocase ascii wide
        $p5 = "SophosHealth.exe" nocase ascii wide
        $p6 = "ekrn.exe" nocase ascii wide
        $p7 = "mfemms.exe" nocase ascii wide
        $p8 = "ccSvcHst.exe" nocase ascii wide
        $p9 = "bdservicehost.exe" nocase ascii wide
        $p10 = "elastic-endpoint.exe" nocase ascii wide
        $p11 = "xagt.exe" nocase ascii wide
        $p12 = "MBAMService.exe" nocase ascii wide
        $end1 = "ZwTerminateProcess" ascii wide
        $end2 = "NtTerminateProcess" ascii wide
        $end3 = "TerminateProcess" ascii wide
        $driver1 = "\\\\.\\" ascii wide
        $driver2 = "DeviceIoControl" ascii
        $driver3 = "NtLoadDriver" ascii
    condition:
        (uint16be(0) == 0x4D5A and filesize < 16MB and 5 of ($p*) and any of ($end*) and any of ($driver*)) or false
}
