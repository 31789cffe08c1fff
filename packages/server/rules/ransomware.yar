// What ransomware says and what it does before.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

rule Shadow_Copies_Deleted {
    meta:
        description = "Deletes the copies that a victim could restore from, as ransomware does"
        risk = "medium"
        attack = "T1490"
        reference = "https://attack.mitre.org/techniques/T1490/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $vss = /vssadmin(\.exe)? {1,4}delete {1,4}shadows {1,4}\/all/ nocase ascii wide
        $wmic = /wmic(\.exe)? {1,4}shadowcopy {1,4}delete/ nocase ascii wide
        $boot = /bcdedit(\.exe)? {1,4}\/set {1,4}\{default\} {1,4}recoveryenabled {1,4}no/ nocase ascii wide
        $quiet = "/quiet" nocase ascii wide
        $catalog = "wbadmin delete catalog" nocase ascii wide
    condition:
        (filesize < 20MB and (($vss and ($quiet or $boot or $catalog or $wmic)) or ($wmic and $boot))) or false
}

rule Ransomware_Program_Prepares {
    meta:
        description = "Program that deletes shadow copies and has the words or calls to encrypt files"
        risk = "high"
        attack = "T1486"
        reference = "https://attack.mitre.org/techniques/T1490/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $prepare1 = "delete shadows" nocase ascii wide
        $prepare2 = "shadowcopy delete" nocase ascii wide
        $prepare3 = "recoveryenabled no" nocase ascii wide
        $prepare4 = "delete catalog -quiet" nocase ascii wide
        $prepare5 = "ignoreallfailures" nocase ascii wide
        $prepare6 = "resize shadowstorage" nocase ascii wide
        $prepare7 = "Win32_ShadowCopy" nocase ascii wide
        $crypt1 = "CryptEncrypt" ascii
        $crypt2 = "BCryptEncrypt" ascii
        $crypt3 = "RijndaelManaged" ascii
        $crypt4 = "CryptGenRandom" ascii
        $crypt5 = "expand 32-byte k" ascii
        $crypt6 = "SystemFunction036" ascii
        $note1 = "decrypt" nocase ascii wide
        $note2 = ".onion" nocase ascii wide
        $note3 = "readme" nocase ascii wide
        $note4 = "recover your files" nocase ascii wide
        $note5 = "are encrypted" nocase ascii wide
        $note6 = "been encrypted" nocase ascii wide
    condition:
        (uint16be(0) == 0x4D5A and filesize < 20MB and 2 of ($prepare*) and any of ($crypt*) and 2 of ($note*)) or false
}

rule Ransom_Note_With_Hidden_Service {
    meta:
        description = "Text that says files are encrypted and where in the Tor network to pay"
        risk = "medium"
        attack = "T1486"
        reference = "https://attack.mitre.org/techniques/T1486/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $what1 = /(all )?(of )?your (important |personal )?(files|documents|data|network|servers)[^\r\n]{0,60}(encrypted|locked|stolen|penetrated)/ nocase ascii wide
        $onion = /[a-z2-7]{56}\.onion/ ascii wide
        $tor1 = "tor browser" nocase ascii wide
        $tor2 = "torproject.org" nocase ascii wide
        $pay1 = "decrypt" nocase ascii wide
        $pay2 = "bitcoin" nocase ascii wide
        $pay3 = "ransom" nocase ascii wide
        $pay4 = "monero" nocase ascii wide
        $pay5 = "negotiat" nocase ascii wide
    condition:
        (filesize < 128KB and $what1 and $onion and any of ($tor*) and 1 of ($pay*)) or false
}

rule Ransom_Note_With_Mail_Address {
    meta:
        description = "Text that says files are encrypted, warns of other help and names a mail address to write to"
        risk = "medium"
        attack = "T1486"
        reference = "https://attack.mitre.org/techniques/T1486/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $what1 = /your (important |personal )?(files|documents|data|network|computer|pc)[^\r\n]{0,80}(encrypted|locked)/ nocase ascii wide
        $mail1 = "@proton.me" nocase ascii wide
        $mail2 = "@protonmail." nocase ascii wide
        $mail3 = "@tutanota." nocase ascii wide
        $mail4 = "@tuta.io" nocase ascii wide
        $mail5 = "@onionmail." nocase ascii wide
        $mail6 = "@cock.li" nocase ascii wide
        $mail7 = "@airmail.cc" nocase ascii wide
        $mail8 = "@msgsafe.io" nocase ascii wide
        $mail9 = "@mailfence.com" nocase ascii wide
        $mail10 = "@keemail.me" nocase ascii wide
        $mail11 = "@firemail.cc" nocase ascii wide
        $mail12 = "@cyberfear.com" nocase ascii wide
        $mail13 = "@skiff.com" nocase ascii wide
        $mail14 = "@aol.com" nocase ascii wide
        $warn11 = "do not rename" nocase ascii wide
        $warn12 = "do not modify" nocase ascii wide
        $warn13 = "do not try to decrypt" nocase ascii wide
        $warn14 = "do not use third" nocase ascii wide
        $warn2 = "third party software" nocase ascii wide
        $warn3 = "third-party software" nocase ascii wide
        $warn4 = "permanent data loss" nocase ascii wide
        $warn5 = "personal id" nocase ascii wide
        $warn6 = "your id" nocase ascii wide
        $warn7 = "free decryption" nocase ascii wide
        $warn8 = "test decryption" nocase ascii wide
    condition:
        (filesize < 128KB and $what1 and any of ($mail*) and 2 of ($warn*)) or false
}

rule Ransom_Note_Of_Known_Family {
    meta:
        description = "Note in the words of a known family"
        risk = "high"
        attack = "T1486"
        reference = "https://attack.mitre.org/techniques/T1486/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $lockbit1 = "~~~ LockBit" ascii wide
        $lockbit2 = "You can contact us and decrypt one file for free" ascii wide
        $revil1 = "---=== Welcome. Again. ===---" ascii wide
        $revil2 = "[+] Whats Happen? [+]" ascii wide
        $conti1 = "All of your files are currently encrypted by CONTI" ascii wide
        $conti2 = "contirecovery" ascii wide
        $phobos1 = "All your files have been encrypted due to a security problem with your PC" ascii wide
        $phobos2 = "You have to pay for decryption in Bitcoins" ascii wide
        $djvu1 = "Don't worry, you can return all your files!" ascii wide
        $djvu2 = "You can get and look video overview decrypt tool" ascii wide
        $babuk1 = "How To Restore Your Files" nocase ascii wide
        $babuk2 = "Your computers and servers are encrypted, backups are deleted" ascii wide
        $akira1 = "Whatever who you are and what your title is if you're reading this it means the internal infrastructure" ascii wide
        $akira2 = "akira" ascii wide
        $maze1 = "What happened?" ascii wide
        $maze2 = "We hacked your network and now all your files, documents, photos, databases" ascii wide
    condition:
        (
            filesize < 4MB and (all of ($lockbit*) or all of ($revil*) or all of ($conti*) or all of ($phobos*) or all of ($djvu*) or
            all of ($babuk*) or all of ($akira*) or all of ($maze*))
        ) or false
}

rule WannaCry_Program {
    meta:
        description = "Program with the marks of WannaCry"
        risk = "high"
        attack = "T1486"
        reference = "https://attack.mitre.org/software/S0366/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $password = "WNcry@2ol7" ascii
        $magic = "WANACRY!" ascii
        $task = "tasksche.exe" ascii
        $wnry1 = "t.wnry" ascii
        $wnry2 = "msg/m_english.wnry" ascii
        $grant = "icacls . /grant Everyone:F /T /C /Q" ascii
    condition:
        (uint16be(0) == 0x4D5A and 3 of them) or false
}

rule Ransomware_Ends_Database_Programs {
    meta:
        description = "Program that carries the list of database, mail and backup programs to end before it encrypts their files"
        risk = "high"
        attack = "T1489"
        reference = "https://attack.mitre.org/techniques/T1489/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $p1 = "agntsvc" nocase ascii wide
        $p2 = "isqlplussvc" nocase ascii wide
        $p3 = "xfssvccon" nocase ascii wide
        $p4 = "mydesktopservice" nocase ascii wide
        $p5 = "ocautoupds" nocase ascii wide
        $p6 = "encsvc" nocase ascii wide
        $p7 = "tbirdconfig" nocase ascii wide
        $p8 = "mydesktopqos" nocase ascii wide
        $p9 = "sqbcoreservice" nocase ascii wide
        $p10 = "dbeng50" nocase ascii wide
        $p11 = "synctime" nocase ascii wide
        $p12 = "ocssd" nocase ascii wide
    condition:
        (filesize < 20MB and (uint16be(0) == 0x4D5A or uint32be(0) == 0x7F454C46) and 7 of them) or false
}

rule Script_Ends_Backup_Services {
    meta:
        description = "Script that stops database, backup and security services one after the other"
        risk = "high"
        attack = "T1489"
        reference = "https://attack.mitre.org/techniques/T1489/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $stop1 = "net stop" nocase ascii wide
        $stop2 = "sc stop" nocase ascii wide
        $stop3 = "taskkill /f /im" nocase ascii wide
        $stop4 = "Stop-Service" nocase ascii wide
        $stop5 = "sc config" nocase ascii wide
        $what1 = "MSSQL" nocase ascii wide
        $what2 = "Veeam" nocase ascii wide
        $what3 = "BackupExec" nocase ascii wide
        $what4 = "MSExchange" nocase ascii wide
        $what5 = "Sophos" nocase ascii wide
        $what6 = "Acronis" nocase ascii wide
        $what7 = "McAfee" nocase ascii wide
        $what8 = "SQLWriter" nocase ascii wide
        $what9 = "VSNAPVSS" nocase ascii wide
        $what10 = "sqlservr" nocase ascii wide
        $then1 = "delete shadows" nocase ascii wide
        $then2 = "shadowcopy delete" nocase ascii wide
        $then3 = "bcdedit" nocase ascii wide
        $then4 = "wevtutil cl" nocase ascii wide
    condition:
        (filesize < 1MB and uint16be(0) != 0x4D5A and any of ($stop*) and 5 of ($what*) and any of ($then*)) or false
}

rule Event_Logs_Emptied {
    meta:
        description = "Empties one event log of Windows after the other"
        risk = "medium"
        attack = "T1070.001"
        reference = "https://attack.mitre.org/techniques/T1070/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $one = /wevtutil(\.exe)?["']? {1,3}(cl|clear-log) {1,3}["']?(system|security|application|setup)/ nocase ascii wide
        $all = /for \/f [^\r\n]{0,60}wevtutil(\.exe)? (el|enum-logs)[^\r\n]{0,60}wevtutil(\.exe)? cl/ nocase ascii wide
        $journal = /fsutil(\.exe)? usn deletejournal/ nocase ascii wide
        $clear = /Get-WinEvent -ListLog \*[^\r\n]{0,120}ClearLog\(/ nocase ascii wide
    condition:
        (filesize < 20MB and (#one > 2 or ($one and $journal) or $all or $clear)) or false
}

rule Ransomware_For_Virtual_Machine_Hosts {
    meta:
        description = "Program or script that ends all virtual machines of a host and encrypts their disks"
        risk = "high"
        attack = "T1486"
        reference = "https://attack.mitre.org/techniques/T1675/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $kill1 = "esxcli vm process kill" ascii
        $kill2 = "vim-cmd vmsvc/power.off" ascii
        $kill3 = "esxcli --formatter=csv --format-param=fields==\"WorldID,DisplayName\" vm process list" ascii
        $snap = "vim-cmd vmsvc/snapshot.removeall" ascii
        $volumes = "/vmfs/volumes" ascii
        $disk2 = ".vmdk" ascii
        $disk3 = ".vmsn" ascii
        $disk4 = ".vswp" ascii
        $crypt1 = "encrypt" nocase ascii
        $crypt2 = "expand 32-byte k" ascii
        $crypt3 = "/etc/motd" ascii
        $crypt4 = "/usr/lib/vmware/hostd/docroot/index.html" ascii
    condition:
        (filesize < 16MB and any of ($kill*) and ($snap or any of ($disk*)) and $volumes and any of ($crypt*)) or false
}

rule Script_Destroys_Disk {
    meta:
        description = "Script that overwrites disks or removes every file of a machine"
        risk = "high"
        attack = "T1561.001"
        reference = "https://attack.mitre.org/techniques/T1485/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $bat = "@echo off" nocase ascii
        $format = /format {1,3}[c-z]: {1,3}\/(y|q|fs)/ nocase
        $remove1 = /(del|erase) {1,3}(\/[fsqa] {1,3}){2,4}["']?(c:\\\*|%systemdrive%|%windir%|c:\\windows)/ nocase
        $remove2 = /(rd|rmdir) {1,3}(\/[sq] {1,3}){2}["']?(c:\\["' \r\n]|%systemdrive%|%windir%|c:\\windows)/ nocase
        $shell = "#!/" ascii
        $rm = /rm -rf --no-preserve-root \/|rm -rf \/\* /
        $dd = /dd if=\/dev\/(zero|urandom|random) of=\/dev\/(sd[a-z]|nvme\dn\d|vd[a-z]|xvd[a-z])\b/
    condition:
        (filesize < 256KB and (($bat and 2 of ($format, $remove1, $remove2)) or ($shell and $rm and $dd))) or false
}
