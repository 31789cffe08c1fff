// Remote access trojans by words of their own: names of messages, settings and groups that their public sources or reports show.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

rule Rat_AsyncRat {
    meta:
        description = "AsyncRAT or one of its children, a remote access trojan"
        risk = "high"
        attack = "T1219"
        reference = "https://attack.mitre.org/software/S1087/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $own1 = "/c schtasks /create /f /sc onlogon /rl highest /tn" wide
        $s2 = "Select * from AntivirusProduct" wide
        $s3 = "Pastebin" ascii wide fullword
        $s4 = "Server_Certificate" ascii wide nocase
        $s5 = "Serversignature" ascii wide
        $s6 = "ClientSocket" ascii
        $s7 = "Packet" wide fullword
        $own2 = "masterKey can not be null or empty." wide
        $s9 = "savePlugin" wide
        $own3 = "Po_ng" wide
        $own4 = "Pac_ket" wide
        $net = "_CorExeMain" ascii
    condition:
        (uint16be(0) == 0x4D5A and filesize < 4MB and $net and ((any of ($own*) and 3 of ($s*)) or 2 of ($own*))) or false
}

rule Rat_Quasar {
    meta:
        description = "Quasar, a remote access trojan"
        risk = "high"
        attack = "T1219"
        reference = "https://attack.mitre.org/software/S0262/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $n1 = "Quasar.Client" ascii wide
        $n2 = "Quasar.Common" ascii
        $n3 = "xClient.Core" ascii
        $m1 = "GetKeyloggerLogs" ascii
        $m2 = "DoShellExecute" ascii
        $m3 = "DoAskElevate" ascii
        $m4 = "GetPasswordsResponse" ascii
        $m5 = "SetUserStatus" ascii
        $m6 = "DoVisitWebsite" ascii
        $m7 = "ReverseProxyConnect" ascii
    condition:
        (uint16be(0) == 0x4D5A and filesize < 8MB and (any of ($n*) and 2 of ($m*) or 5 of ($m*))) or false
}

rule Rat_NjRat {
    meta:
        description = "njRAT, a remote access trojan"
        risk = "high"
        attack = "T1219"
        reference = "https://attack.mitre.org/software/S0385/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $s1 = "netsh firewall add allowedprogram \"" wide
        $s2 = "netsh firewall delete allowedprogram \"" wide
        $s3 = "cmd.exe /c ping 0 -n 2 & del \"" wide
        $s4 = "SEE_MASK_NOZONECHECKS" wide
        $s5 = "Execute ERROR" wide
        $s6 = "Download ERROR" wide
        $s7 = "Update ERROR" wide
        $s8 = "[kl]" wide
    condition:
        (uint16be(0) == 0x4D5A and filesize < 2MB and 4 of them) or false
}

rule Rat_Remcos {
    meta:
        description = "Remcos, a remote access trojan"
        risk = "high"
        attack = "T1219"
        reference = "https://attack.mitre.org/software/S0332/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $s1 = "Remcos_Mutex_Inj" ascii wide
        $s2 = "BreakingSecurity.net" ascii wide
        $s3 = "[Cleared browsers logins and cookies.]" ascii wide
        $s4 = "Offline Keylogger Started" ascii wide
        $s5 = "Online Keylogger Started" ascii wide
        $s6 = "REMCOS v" ascii wide nocase
        $s7 = "Uploading file to C&C:" ascii wide
        $s8 = "fso.DeleteFile(Wscript.ScriptFullName)" ascii wide
        $s9 = "GetCursorPos" ascii
    condition:
        (uint16be(0) == 0x4D5A and filesize < 8MB and 3 of them) or false
}

rule Rat_NanoCore {
    meta:
        description = "NanoCore, a remote access trojan"
        risk = "high"
        attack = "T1219"
        reference = "https://attack.mitre.org/software/S0336/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $s1 = "NanoCore.ClientPlugin" ascii
        $s2 = "NanoCore Client" ascii wide
        $s3 = "IClientNetworkHost" ascii
        $s4 = "IClientLoggingHost" ascii
        $s5 = "PipeExists" ascii
        $s6 = "#=q" ascii
    condition:
        (uint16be(0) == 0x4D5A and filesize < 8MB and any of ($s1, $s2) and 3 of them) or false
}

rule Rat_DarkComet {
    meta:
        description = "DarkComet, a remote access trojan"
        risk = "high"
        attack = "T1219"
        reference = "https://attack.mitre.org/software/S0334/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $s1 = "#BEGIN DARKCOMET" ascii wide
        $s2 = "#KCMDDC" ascii wide
        $s3 = "DarkComet RAT" ascii wide
        $s4 = "BTRESULTDownload File|" ascii
        $s5 = "DDOSHTTPFLOOD" ascii
        $s6 = "MSRSAAPP" ascii
    condition:
        (uint16be(0) == 0x4D5A and filesize < 8MB and 2 of them) or false
}

rule Rat_XWorm {
    meta:
        description = "XWorm, a remote access trojan"
        risk = "high"
        attack = "T1219"
        reference = "https://attack.mitre.org/techniques/T1219/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $s1 = "<Xwormmm>" wide
        $s2 = "XWorm V" wide
        $s3 = "PCShutdown" wide
        $s4 = "RunShell" wide
        $s5 = "StartDDos" wide
        $s6 = "StopDDos" wide
        $s7 = "sendPlugin" wide
        $s8 = "OfflineGet" wide
        $s9 = "-ExecutionPolicy Bypass Add-MpPreference -ExclusionPath" wide
    condition:
        (uint16be(0) == 0x4D5A and filesize < 4MB and 4 of them) or false
}

rule Rat_Warzone {
    meta:
        description = "Warzone, also called Ave Maria, a remote access trojan"
        risk = "high"
        attack = "T1219"
        reference = "https://attack.mitre.org/software/S0670/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $s1 = "warzone160" ascii wide
        $s2 = "Ave_Maria Stealer OpenSource" ascii wide
        $s3 = "\\SpecialAccounts\\UserList" ascii wide
        $s4 = "rfxvmt.dll" ascii wide
        $s5 = "SELECT * FROM logins" ascii wide
        $s6 = "rdpwrap" nocase ascii wide
    condition:
        (uint16be(0) == 0x4D5A and filesize < 8MB and any of ($s1, $s2) and 2 of them) or false
}

rule Rat_Pupy {
    meta:
        description = "Pupy, a remote access trojan, in Python or as a program"
        risk = "high"
        attack = "T1219"
        reference = "https://attack.mitre.org/software/S0192/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $s1 = "pupyimporter" ascii
        $s2 = "pupy://" ascii
        $s3 = "reverse_slave" ascii
        $s4 = "pupwinutils" ascii
        $s5 = "ReverseSlaveService" ascii
    condition:
        (filesize < 32MB and 3 of them) or false
}

rule Rat_Gh0st {
    meta:
        description = "Gh0st RAT or one of its children"
        risk = "high"
        attack = "T1219"
        reference = "https://attack.mitre.org/software/S0032/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $s1 = "Gh0st Update" ascii
        $s2 = "Global\\Gh0st %d" ascii
        $s3 = "Gh0st RAT" ascii wide
        $s4 = "\\Device\\Gh0st" ascii wide
        $s5 = "CKeyboardManager" ascii
        $s6 = "CScreenManager" ascii
        $s7 = "CShellManager" ascii
        $s8 = "CKernelManager" ascii
    condition:
        (uint16be(0) == 0x4D5A and filesize < 8MB and (2 of ($s1, $s2, $s3, $s4) or 3 of ($s5, $s6, $s7, $s8))) or false
}

rule Stealer_RedLine {
    meta:
        description = "RedLine, a stealer of passwords"
        risk = "high"
        attack = "T1555.003"
        reference = "https://attack.mitre.org/software/S1240/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $s1 = "ScanGeckoBrowsersPaths" ascii
        $s2 = "ScannedWallets" ascii
        $s3 = "ScannedBrowser" ascii
        $s4 = "GameLauncherFiles" ascii
        $s5 = "ScanDiscord" ascii
        $s6 = "ScanVPN" ascii
        $s7 = "BrowserVersion" ascii
        $s8 = "FtpConnections" ascii
    condition:
        (uint16be(0) == 0x4D5A and filesize < 8MB and 4 of them) or false
}

rule Stealer_Snake_Keylogger {
    meta:
        description = "Snake Keylogger, also called 404 Keylogger"
        risk = "high"
        attack = "T1056.001"
        reference = "https://attack.mitre.org/techniques/T1056/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $s1 = "Snake Tracker" wide
        $s2 = "\\SnakeKeylogger\\" wide
        $s3 = "Snake Keylogger" wide
        $s4 = "| Snake" wide
        $s5 = "- Passwords ID -" wide
        $s6 = "- Clipboard Logs ID -" wide
        $s7 = "- keystroke Logs ID -" wide
        $s8 = "- Screenshot Logs ID -" wide
    condition:
        (uint16be(0) == 0x4D5A and filesize < 8MB and (2 of ($s1, $s2, $s3, $s4) or 3 of ($s5, $s6, $s7, $s8))) or false
}

rule Remote_Support_Program_Planted {
    meta:
        description = "Script that installs a remote support program without a window and gives it a password"
        risk = "medium"
        attack = "T1219"
        reference = "https://attack.mitre.org/techniques/T1219/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $anydesk1 = "anydesk" nocase ascii wide
        $anydesk2 = "--set-password" nocase ascii wide
        $anydesk3 = "--silent" nocase ascii wide
        $anydesk4 = "--start-with-win" nocase ascii wide
        $rust1 = "rustdesk" nocase ascii wide
        $rust2 = "--password" nocase ascii wide
        $rust3 = "--silent-install" nocase ascii wide
    condition:
        (filesize < 256KB and uint16be(0) != 0x4D5A and uint32be(0) != 0x7F454C46 and (all of ($anydesk*) or all of ($rust*))) or false
}
