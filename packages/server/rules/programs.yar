// Tools and families by words of their own.

rule Mimikatz {
    meta:
        description = "Credential dumper"
        risk = "high"
        reference = "https://attack.mitre.org/software/S0002/"
        mitre = "T1003.001"
    strings:
        $author = "gentilkiwi" ascii wide
        $module1 = "sekurlsa" ascii wide
        $module2 = "kerberos::golden" ascii wide
        $module3 = "lsadump" ascii wide
        $logon = "logonpasswords" nocase ascii wide
    condition:
        uint16be(0) == 0x4D5A and ($author and any of ($module*) or ($logon and 2 of ($module*)))
}

rule Reflective_Loader_Beacon {
    meta:
        description = "Library that loads itself from memory, with a beacon's names"
        risk = "high"
        reference = "https://attack.mitre.org/software/S0154/"
        mitre = "T1620"
    strings:
        $loader = "ReflectiveLoader" ascii
        $beacon1 = "beacon.dll" ascii
        $beacon2 = "beacon.x64.dll" ascii
        $beacon3 = "%s as %s\\%s: %d" ascii
        $meter1 = "metsrv.dll" ascii
        $meter2 = "metsrv.x64.dll" ascii
    condition:
        uint16be(0) == 0x4D5A and $loader and any of ($beacon*, $meter*)
}

rule Coin_Miner_Configured {
    meta:
        description = "Program or script with a mining pool's address and a miner's options"
        risk = "medium"
        reference = "https://attack.mitre.org/techniques/T1496/"
        mitre = "T1496"
    strings:
        $pool = /stratum\+(tcp|ssl):\/\/[a-z0-9.\-]{4,80}:\d{2,5}/ nocase ascii wide
        $option1 = "--donate-level" ascii wide
        $option2 = "xmrig" nocase ascii wide
        $option3 = "\"algo\": \"rx/0\"" ascii
        $option4 = "cryptonight" nocase ascii wide
    condition:
        $pool and 2 of ($option*)
}

rule Mirai_Bot {
    meta:
        description = "Telnet bot for small devices"
        risk = "high"
        reference = "https://attack.mitre.org/techniques/T1583/005/"
        mitre = "T1110.001"
    strings:
        $busybox1 = "/bin/busybox MIRAI" ascii
        $busybox2 = "/bin/busybox ECCHI" ascii
        $watchdog = "/dev/misc/watchdog" ascii
        $fetch = "dvrHelper" ascii
        $scan = "assword" ascii
    condition:
        uint32be(0) == 0x7F454C46 and (any of ($busybox*) or ($watchdog and $fetch and $scan))
}
