// Tools that follow a break-in. Some are used by testers too: they are risky in any other hand.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

rule Mimikatz {
    meta:
        description = "Mimikatz, which reads the passwords of a running machine"
        risk = "high"
        attack = "T1003.001"
        reference = "https://attack.mitre.org/software/S0002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $author = "gentilkiwi" ascii wide
        $module1 = "sekurlsa" ascii wide
        $module2 = "kerberos::golden" ascii wide
        $module3 = "lsadump" ascii wide
        $logon = "logonpasswords" nocase ascii wide
    condition:
        (uint16be(0) == 0x4D5A and ($author and any of ($module*) or ($logon and 2 of ($module*)))) or false
}

rule Mimikatz_Commands_In_Script {
    meta:
        description = "Script that runs Mimikatz or carries it"
        risk = "high"
        attack = "T1003.001"
        reference = "https://attack.mitre.org/software/S0002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $function = "function Invoke-Mimikatz" nocase ascii wide
        $bytes = "PEBytes64" ascii wide
        $chain = /privilege::debug["' ]{1,6}[^\r\n]{0,40}(sekurlsa::|token::elevate|lsadump::)/ nocase ascii wide
        $exit = /(sekurlsa::(logonpasswords|minidump|pth)|lsadump::(sam|dcsync|lsa|secrets))[^\r\n]{0,60}["' ]exit\b/ nocase ascii wide
    condition:
        (filesize < 8MB and uint16be(0) != 0x4D5A and ($function and $bytes or any of ($chain, $exit))) or false
}

rule PowerShell_Attack_Functions {
    meta:
        description = "PowerShell that defines functions of well-known attack collections"
        risk = "high"
        attack = "T1059.001"
        reference = "https://attack.mitre.org/software/S0194/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $f1 = "function Invoke-ReflectivePEInjection" nocase ascii wide
        $f2 = "function Invoke-Shellcode" nocase ascii wide
        $f3 = "function Invoke-DllInjection" nocase ascii wide
        $f4 = "function Invoke-TokenManipulation" nocase ascii wide
        $f5 = "function Invoke-Kerberoast" nocase ascii wide
        $f6 = "function Invoke-UserHunter" nocase ascii wide
        $f7 = "function Find-LocalAdminAccess" nocase ascii wide
        $f8 = "function Invoke-AllChecks" nocase ascii wide
        $f9 = "function Get-GPPPassword" nocase ascii wide
        $f10 = "function Invoke-SMBExec" nocase ascii wide
        $f11 = "function Invoke-BloodHound" nocase ascii wide
        $f12 = "function Invoke-Inveigh" nocase ascii wide
        $f13 = "function Out-Minidump" nocase ascii wide
        $f14 = "function Invoke-NinjaCopy" nocase ascii wide
    condition:
        (filesize < 8MB and any of ($f*)) or false
}

rule Rubeus {
    meta:
        description = "Tool that asks for and passes Kerberos tickets"
        risk = "high"
        attack = "T1558"
        reference = "https://attack.mitre.org/software/S1071/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $guid = "658c8b7f-3664-4a95-9572-a3e5871dfc06" nocase ascii
        $c1 = "asreproast" ascii wide
        $c2 = "kerberoast" ascii wide
        $c3 = "asktgt" ascii wide
        $c4 = "tgtdeleg" ascii wide
        $c5 = "/ptt" ascii wide
        $c6 = "s4u2self" nocase ascii wide
        $name = "Rubeus" ascii wide
    condition:
        (uint16be(0) == 0x4D5A and filesize < 8MB and ($guid or 5 of ($c*) or ($name and 3 of ($c*)))) or false
}

rule SharpHound {
    meta:
        description = "Collector of accounts and rights in a domain"
        risk = "high"
        attack = "T1087.002"
        reference = "https://attack.mitre.org/software/S0521/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $name1 = "SharpHound" ascii wide
        $name2 = "BloodHound" ascii wide
        $c1 = "CollectionMethod" ascii wide nocase
        $c2 = "GPOLocalGroup" ascii wide
        $c3 = "DCOnly" ascii wide
        $c4 = "SkipPortScan" ascii wide nocase
        $c5 = "ObjectProps" ascii wide
        $c6 = "LoggedOn" ascii wide
    condition:
        (filesize < 16MB and uint16be(0) == 0x4D5A and any of ($name*) and 3 of ($c*)) or false
}

rule Net_Attack_Tools {
    meta:
        description = ".NET tool that looks for weaknesses and secrets of a Windows machine"
        risk = "high"
        attack = "T1082"
        reference = "https://github.com/GhostPack"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $net = "_CorExeMain" ascii
        $seatbelt1 = "Seatbelt.Commands" ascii
        $seatbelt2 = "Seatbelt" ascii wide
        $dpapi = "SharpDPAPI" ascii wide
        $up = "SharpUp" ascii wide
        $certify = "Certify.Commands" ascii
        $peas = "winPEAS" ascii wide
        $wmi = "SharpWMI" ascii wide
        $chrome = "SharpChrome" ascii wide
        $covenant1 = "CovenantCertHash" ascii wide
        $covenant2 = "GruntHTTP" ascii wide
        $snaffler = "Snaffler" ascii wide
        $sharpview = "SharpView" ascii wide
    condition:
        (
            uint16be(0) == 0x4D5A and filesize < 16MB and $net and
            (all of ($seatbelt*) or any of ($dpapi, $up, $certify, $peas, $wmi, $chrome, $snaffler, $sharpview) or any of ($covenant*))
        ) or false
}

rule Remote_Execution_Service {
    meta:
        description = "Service that runs commands for another machine, as administrators and intruders use it"
        risk = "low"
        attack = "T1569.002"
        reference = "https://attack.mitre.org/software/S0029/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $psexec1 = "PSEXESVC" ascii wide
        $psexec2 = "PsExec Service" ascii wide
        $paexec1 = "PAExec" ascii wide
        $paexec2 = "-PAExec-" ascii wide
        $remcom1 = "RemCom_communicaton" ascii wide
        $remcom2 = "RemComSvc" ascii wide
        $csexec = "csexecsvc" ascii wide nocase
    condition:
        (uint16be(0) == 0x4D5A and filesize < 4MB and (all of ($psexec*) or all of ($paexec*) or any of ($remcom*) or $csexec)) or false
}

rule Remote_Execution_Traces {
    meta:
        description = "Command line as the remote execution tools of Impacket write it"
        risk = "high"
        attack = "T1021.002"
        reference = "https://attack.mitre.org/software/S0357/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $wmi = /cmd\.exe \/Q \/c [^\r\n]{1,400}1> \\\\127\.0\.0\.1\\(ADMIN\$|C\$)\\__\d/ nocase ascii wide
        $smb = /%COMSPEC% \/Q \/c echo [^\r\n]{1,400}> \\\\127\.0\.0\.1\\C\$\\__output/ nocase ascii wide
        $atexec = /cmd\.exe \/C [^\r\n]{1,200}%windir%\\Temp\\[A-Za-z]{8}\.tmp 2>&1/ nocase ascii wide
    condition:
        (filesize < 64MB and any of them) or false
}

rule Lsass_Memory_Dumped {
    meta:
        description = "Command that writes the memory of the process with all passwords to a file"
        risk = "high"
        attack = "T1003.001"
        reference = "https://attack.mitre.org/techniques/T1003/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $comsvcs = /rundll32(\.exe)?["']? [^\r\n]{0,60}comsvcs(\.dll)?["']?,? {0,2}(MiniDump|#\+?0{0,4}24)\b/ nocase ascii wide
        $procdump = /procdump(64)?(\.exe)? [^\r\n]{0,40}-ma [^\r\n]{0,20}lsass/ nocase ascii wide
        $powershell = /Get-Process [^\r\n]{0,20}lsass[^\r\n]{0,200}MiniDumpWriteDump/ nocase ascii wide
    condition:
        (filesize < 16MB and uint16be(0) != 0x4D5A and any of them) or false
}

rule Password_Stores_Of_System_Copied {
    meta:
        description = "Command that copies the stores of all local or domain passwords"
        risk = "high"
        attack = "T1003.002"
        reference = "https://attack.mitre.org/techniques/T1003/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $sam = /reg(\.exe)? {1,2}save {1,2}["']?(hklm|hkey_local_machine)\\sam\b/ nocase ascii wide
        $system = /reg(\.exe)? {1,2}save {1,2}["']?(hklm|hkey_local_machine)\\(system|security)\b/ nocase ascii wide
        $ntds = /ntdsutil(\.exe)? [^\r\n]{0,60}(ac i|activate instance) [^\r\n]{0,20}ntds[^\r\n]{0,40}ifm[^\r\n]{0,40}create full/ nocase ascii wide
        $shadow = /copy {1,2}["']?\\\\\?\\GLOBALROOT\\Device\\HarddiskVolumeShadowCopy\d{1,3}\\(windows\\ntds\\ntds\.dit|windows\\system32\\config\\(sam|system))/ nocase ascii wide
    condition:
        (filesize < 4MB and uint16be(0) != 0x4D5A and ($sam and $system or any of ($ntds, $shadow))) or false
}

rule LaZagne {
    meta:
        description = "Tool that gathers the saved passwords of a machine"
        risk = "high"
        attack = "T1555"
        reference = "https://attack.mitre.org/software/S0349/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $name = "laZagne" ascii wide nocase
        $m1 = "lazagne.softwares" ascii
        $m2 = "lazagne.config" ascii
        $m3 = "The LaZagne Project" ascii
        $m4 = "write_output" ascii
    condition:
        (filesize < 64MB and $name and 2 of ($m*)) or false
}

rule Privilege_Escalation_Potato {
    meta:
        description = "Program that becomes the system account by a service's right to impersonate"
        risk = "high"
        attack = "T1134.001"
        reference = "https://attack.mitre.org/techniques/T1134/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $right = "SeImpersonatePrivilege" ascii wide
        $n1 = "JuicyPotato" nocase ascii wide
        $n2 = "PrintSpoofer" nocase ascii wide
        $n3 = "GodPotato" nocase ascii wide
        $n4 = "SweetPotato" nocase ascii wide
        $n5 = "RoguePotato" nocase ascii wide
        $n6 = "EfsPotato" nocase ascii wide
        $n7 = "Find System Token" nocase ascii wide
        $how1 = "CreateProcessWithToken" ascii
        $how2 = "CreateProcessAsUser" ascii
        $how3 = "ImpersonateNamedPipeClient" ascii
    condition:
        (uint16be(0) == 0x4D5A and filesize < 8MB and any of ($n*) and ($right or any of ($how*))) or false
}

rule Privilege_Checks_For_Linux {
    meta:
        description = "Script that looks for ways to become root on Linux"
        risk = "medium"
        attack = "T1082"
        reference = "https://github.com/peass-ng/PEASS-ng"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $n1 = "linpeas" nocase ascii
        $n2 = "LinEnum" ascii
        $n3 = "linux-exploit-suggester" nocase ascii
        $n4 = "PEASS" ascii
        $c1 = "find / -perm -4000" ascii
        $c2 = "sudo -l" ascii
        $c3 = "/etc/shadow" ascii
        $c4 = "getcap -r /" ascii
        $c5 = "/etc/crontab" ascii
        $shell = "#!/bin/" ascii
    condition:
        (filesize < 2MB and $shell at 0 and any of ($n*) and 3 of ($c*)) or false
}

rule Tunnel_Program {
    meta:
        description = "Program that tunnels connections out of a network; administrators use it too"
        risk = "low"
        attack = "T1572"
        reference = "https://attack.mitre.org/techniques/T1572/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $chisel1 = "github.com/jpillora/chisel" ascii
        $chisel2 = "chisel-v3" ascii
        $frp1 = "github.com/fatedier/frp/" ascii
        $frp2 = "frpc" ascii
        $ligolo = "ligolo-ng" ascii
        $go = "runtime.gopanic" ascii
    condition:
        (
            filesize < 64MB and (uint16be(0) == 0x4D5A or uint32be(0) == 0x7F454C46) and $go and
            (all of ($chisel*) or all of ($frp*) or #ligolo > 5)
        ) or false
}

rule Name_Service_Poisoner {
    meta:
        description = "Tool that answers name requests of a network falsely to gather password hashes"
        risk = "high"
        attack = "T1557.001"
        reference = "https://attack.mitre.org/software/S0174/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $name = "NBT-NS, LLMNR & MDNS Responder" ascii
        $m1 = "settings.Config" ascii
        $m2 = "LLMNR" ascii
        $m3 = "NTLMv2" ascii
        $m4 = "WPAD" ascii
        $inveigh1 = "Inveigh" ascii wide
        $inveigh2 = "LLMNR spoofer" nocase ascii wide
        $inveigh3 = "NTLMv2 challenge/response" nocase ascii wide
    condition:
        (filesize < 8MB and (($name and 2 of ($m*)) or all of ($inveigh*))) or false
}
