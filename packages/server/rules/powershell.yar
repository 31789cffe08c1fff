// PowerShell: one suspicious call alone is ordinary administration, so rules ask for a chain.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

rule PowerShell_Download_Cradle {
    meta:
        description = "PowerShell fetches text from the network and runs it at once"
        risk = "medium"
        attack = "T1059.001"
        reference = "https://attack.mitre.org/techniques/T1059/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $run = /\b(iex|invoke-expression)\b/ nocase ascii wide
        $get1 = "net.webclient" nocase ascii wide
        $get2 = ".downloadstring(" nocase ascii wide
        $get3 = ".downloaddata(" nocase ascii wide
        $irm1 = "(irm http" nocase ascii wide
        $irm2 = "(iwr http" nocase ascii wide
        $irm3 = "(invoke-webrequest http" nocase ascii wide
        $irm4 = "(invoke-restmethod http" nocase ascii wide
    condition:
        (filesize < 1MB and $run and (($get1 and ($get2 or $get3)) or any of ($irm*))) or false
}

rule PowerShell_Hidden_Encoded_Command {
    meta:
        description = "PowerShell started without a window on a Base64 command"
        risk = "high"
        attack = "T1027.010"
        reference = "https://attack.mitre.org/techniques/T1027/010/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $hidden_first = /(powershell|pwsh)(\.exe)?["']? [^\r\n]{0,100}-w[a-z]{0,11} {1,3}(hidden|1) [^\r\n]{0,100}-e[nc]?[a-z]{0,12} {1,3}["']?[A-Za-z0-9+\/]{40}/ nocase ascii wide
        $hidden_last = /(powershell|pwsh)(\.exe)?["']? [^\r\n]{0,100}-e[nc]?[a-z]{0,12} {1,3}["']?[A-Za-z0-9+\/=]{40,2000}["']? [^\r\n]{0,80}-w[a-z]{0,11} {1,3}(hidden|1)\b/ nocase ascii wide
    condition:
        (filesize < 5MB and any of them) or false
}

rule PowerShell_Encoded_Cradle {
    meta:
        description = "Base64 of UTF-16 text that fetches and runs code, as -EncodedCommand takes it"
        risk = "high"
        attack = "T1027.010"
        reference = "https://attack.mitre.org/techniques/T1027/010/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $client = "Net.WebClient" wide base64
        $string = "DownloadString(" wide base64
        $file = "DownloadFile(" wide base64
        $iex1 = "IEX" wide base64
        $iex2 = "Invoke-Expression" wide base64
    condition:
        (filesize < 5MB and $client and ($string or $file) and any of ($iex*)) or false
}

rule PowerShell_Amsi_Bypass {
    meta:
        description = "Switches off the scan of scripts by reflection"
        risk = "high"
        attack = "T1562.001"
        reference = "https://attack.mitre.org/techniques/T1562/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $utils = "System.Management.Automation.AmsiUtils" nocase ascii wide
        $field = "amsiInitFailed" nocase ascii wide
        $set = "SetValue(" nocase ascii wide
    condition:
        (filesize < 1MB and all of them) or false
}

rule PowerShell_Patches_Scan_Function {
    meta:
        description = "Script that overwrites the function through which scripts are scanned or traced"
        risk = "high"
        attack = "T1562.001"
        reference = "https://attack.mitre.org/techniques/T1562/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $what1 = "AmsiScanBuffer" nocase ascii wide
        $what2 = "AmsiOpenSession" nocase ascii wide
        $what3 = "EtwEventWrite" nocase ascii wide
        $protect = "VirtualProtect" nocase ascii wide
        $address1 = "GetProcAddress" nocase ascii wide
        $address2 = "GetDelegateForFunctionPointer" nocase ascii wide
        $copy1 = "Marshal]::Copy(" nocase ascii wide
        $copy2 = "Marshal]::Write" nocase ascii wide
        $copy3 = "Marshal.Copy(" nocase ascii wide
    condition:
        (filesize < 1MB and uint16be(0) != 0x4D5A and any of ($what*) and $protect and any of ($address*) and any of ($copy*)) or false
}

rule PowerShell_Loads_Assembly_From_Text {
    meta:
        description = "PowerShell that decodes a program from its own text, loads it into memory and calls it"
        risk = "medium"
        attack = "T1620"
        reference = "https://attack.mitre.org/techniques/T1620/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $load1 = "Reflection.Assembly]::Load(" nocase ascii wide
        $load2 = "AppDomain]::CurrentDomain.Load(" nocase ascii wide
        $decode1 = "FromBase64String(" nocase ascii wide
        $decode2 = "GzipStream" nocase ascii wide
        $call1 = ".EntryPoint.Invoke(" nocase ascii wide
        $call2 = ".GetMethod(" nocase ascii wide
        $call3 = ".InvokeMember(" nocase ascii wide
    condition:
        (filesize < 16MB and uint16be(0) != 0x4D5A and any of ($load*) and any of ($decode*) and any of ($call*)) or false
}

rule PowerShell_Runs_Shellcode {
    meta:
        description = "PowerShell that places machine code in memory and starts it"
        risk = "high"
        attack = "T1055"
        reference = "https://attack.mitre.org/techniques/T1055/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $alloc = "VirtualAlloc" ascii wide
        $copy1 = "Marshal]::Copy(" nocase ascii wide
        $copy2 = "RtlMoveMemory" ascii wide
        $copy3 = "memset" ascii wide
        $start1 = "CreateThread" ascii wide
        $start2 = "CallWindowProc" ascii wide
        $start3 = ".Invoke([IntPtr]::Zero" nocase ascii wide
        $bind1 = "GetDelegateForFunctionPointer" nocase ascii wide
        $bind2 = "DllImport(" nocase ascii wide
        $shell1 = "Add-Type" nocase ascii wide
        $shell2 = "DefineDynamicAssembly" nocase ascii wide
    condition:
        (
            filesize < 4MB and uint16be(0) != 0x4D5A and $alloc and any of ($copy*) and any of ($start*) and any of ($bind*) and
            any of ($shell*)
        ) or false
}

rule PowerShell_Runs_Compressed_Text {
    meta:
        description = "PowerShell that inflates its own text and runs it"
        risk = "medium"
        attack = "T1027.010"
        reference = "https://attack.mitre.org/techniques/T1027/010/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $run = /\b(iex|invoke-expression)\b/ nocase ascii wide
        $reader = "IO.StreamReader" nocase ascii wide
        $inflate1 = "IO.Compression.GzipStream" nocase ascii wide
        $inflate2 = "IO.Compression.DeflateStream" nocase ascii wide
        $decode = "FromBase64String(" nocase ascii wide
        $end = ".ReadToEnd(" nocase ascii wide
    condition:
        (filesize < 8MB and $run and $reader and any of ($inflate*) and $decode and $end) or false
}

rule PowerShell_Scattered_Words {
    meta:
        description = "PowerShell that shuffles the pieces of its own words by the format operator and runs the result"
        risk = "medium"
        attack = "T1027.010"
        reference = "https://attack.mitre.org/techniques/T1027/010/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $shuffle = /\("(\{\d{1,2}\}){4,40}"[ ]{0,2}-f/ nocase ascii
        $run1 = /[&.] ?\( ?"(\{\d{1,2}\}){2,20}"/ ascii
        $run2 = "iex" nocase ascii fullword
        $run3 = "invoke-expression" nocase ascii
    condition:
        (filesize < 4MB and #shuffle > 5 and any of ($run*)) or false
}

rule PowerShell_Reverse_Shell {
    meta:
        description = "PowerShell that runs what a network connection sends and answers with the output"
        risk = "high"
        attack = "T1059.001"
        reference = "https://attack.mitre.org/techniques/T1059/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $client = "Net.Sockets.TCPClient(" nocase ascii wide
        $stream = ".GetStream()" nocase ascii wide
        $run1 = /\b(iex|invoke-expression)\b/ nocase ascii wide
        $run2 = "cmd.exe" nocase ascii wide
        $out1 = "Out-String" nocase ascii wide
        $out2 = "RedirectStandardOutput" nocase ascii wide
        $write = ".Write(" nocase ascii wide
    condition:
        (filesize < 1MB and $client and $stream and any of ($run*) and any of ($out*) and $write) or false
}

rule PowerShell_Defender_Off {
    meta:
        description = "Switches off the system's virus scanner or exempts whole drives from it"
        risk = "medium"
        attack = "T1562.001"
        reference = "https://attack.mitre.org/techniques/T1562/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $off1 = /Set-MpPreference[^\r\n]{0,80}-DisableRealtimeMonitoring {1,3}(\$true|1)/ nocase ascii wide
        $off2 = /Add-MpPreference[^\r\n]{0,60}-ExclusionPath {1,3}["']?([c-z]:\\?["' \r\n]|\$env:(temp|appdata|userprofile|programdata|systemdrive))/ nocase ascii wide
        $off3 = /Add-MpPreference[^\r\n]{0,60}-ExclusionExtension {1,3}["']?\.?(exe|ps1|dll)/ nocase ascii wide
        $off4 = /Add-MpPreference[^\r\n]{0,60}-ExclusionProcess {1,3}["']?(powershell|rundll32|regsvr32|mshta|cmd)/ nocase ascii wide
        $off5 = /reg(\.exe)? {1,3}add[^\r\n]{0,80}Windows Defender["']?[^\r\n]{0,40}DisableAntiSpyware/ nocase ascii wide
    condition:
        (filesize < 16MB and any of them) or false
}

rule PowerShell_Uac_Bypass {
    meta:
        description = "Plants a command that an elevated Windows program runs without asking"
        risk = "high"
        attack = "T1548.002"
        reference = "https://attack.mitre.org/techniques/T1548/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $key1 = "\\ms-settings\\shell\\open\\command" nocase ascii wide
        $bare1 = "\\mscfile\\shell\\open\\command" nocase ascii wide
        $bare2 = "\\exefile\\shell\\runas\\command" nocase ascii wide
        $key4 = "\\Folder\\shell\\open\\command" nocase ascii wide
        $delegate = "DelegateExecute" nocase ascii wide
        $start1 = "fodhelper" nocase ascii wide
        $start2 = "computerdefaults" nocase ascii wide
        $start3 = "eventvwr" nocase ascii wide
        $start4 = "sdclt.exe" nocase ascii wide
        $start5 = "wsreset" nocase ascii wide
    condition:
        (filesize < 8MB and any of ($start*) and ((any of ($key*) and $delegate) or any of ($bare*))) or false
}

rule PowerShell_Run_Key_With_Hidden_Command {
    meta:
        description = "Registers a hidden or encoded PowerShell command to run at every logon"
        risk = "high"
        attack = "T1547.001"
        reference = "https://attack.mitre.org/techniques/T1547/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $key = "\\CurrentVersion\\Run" nocase ascii wide
        $write1 = "New-ItemProperty" nocase ascii wide
        $write2 = "Set-ItemProperty" nocase ascii wide
        $write3 = "reg add " nocase ascii wide
        $write4 = ".RegWrite" nocase ascii wide
        $command = /powershell(\.exe)?["']? [^\r\n]{0,80}(-w[a-z]{0,11} {1,2}hidden|-e[nc][a-z]{0,12} {1,2}[A-Za-z0-9+\/$]{8})/ nocase ascii wide
    condition:
        (filesize < 2MB and uint16be(0) != 0x4D5A and $key and any of ($write*) and $command) or false
}

rule PowerShell_Fetches_And_Starts_Hidden {
    meta:
        description = "PowerShell that saves a program into a folder of the user and starts it without a window"
        risk = "medium"
        attack = "T1105"
        reference = "https://attack.mitre.org/techniques/T1105/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $get1 = ".DownloadFile(" nocase ascii wide
        $get2 = "Invoke-WebRequest" nocase ascii wide
        $get3 = "Start-BitsTransfer" nocase ascii wide
        $get4 = "curl.exe" nocase ascii wide
        $where1 = "$env:temp" nocase ascii wide
        $where2 = "$env:appdata" nocase ascii wide
        $where3 = "$env:public" nocase ascii wide
        $where4 = "$env:localappdata" nocase ascii wide
        $start = /Start-Process[^\r\n]{0,160}-WindowStyle {1,2}["']?Hidden/ nocase ascii wide
        $kind1 = ".exe" nocase ascii wide
        $kind2 = ".dll" nocase ascii wide
        $kind3 = ".bat" nocase ascii wide
        $kind4 = ".cmd" nocase ascii wide
        $kind5 = ".vbs" nocase ascii wide
        $kind6 = ".hta" nocase ascii wide
        $kind7 = ".msi" nocase ascii wide
    condition:
        (filesize < 256KB and any of ($get*) and any of ($where*) and $start and any of ($kind*)) or false
}

rule PowerShell_Keylogger {
    meta:
        description = "PowerShell that asks for the state of every key and writes it down"
        risk = "high"
        attack = "T1056.001"
        reference = "https://attack.mitre.org/techniques/T1056/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $import = "DllImport(" nocase ascii wide
        $add = "Add-Type" nocase ascii wide
        $key = "GetAsyncKeyState" ascii wide
        $map1 = "GetKeyboardState" ascii wide
        $map2 = "ToUnicode" ascii wide
        $map3 = "MapVirtualKey" ascii wide
        $keep1 = "AppendAllText" nocase ascii wide
        $keep2 = "Out-File" nocase ascii wide
        $keep3 = "Add-Content" nocase ascii wide
        $keep4 = "Send-MailMessage" nocase ascii wide
    condition:
        (filesize < 512KB and uint16be(0) != 0x4D5A and $import and $add and $key and any of ($map*) and any of ($keep*)) or false
}

rule PowerShell_Rc4_Stager {
    meta:
        description = "Short PowerShell stager that decrypts the next stage by RC4"
        risk = "high"
        attack = "T1027.010"
        reference = "https://attack.mitre.org/software/S0363/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $schedule = "$S=0..255" nocase ascii wide
        $args = "$D,$K=$Args" nocase ascii wide
        $mix = "%256]" ascii wide
        $xor = "-bxor$S[" nocase ascii wide
    condition:
        (filesize < 1MB and $schedule and $args and $mix and $xor) or false
}

rule PowerShell_Fetches_Hidden_In_Picture {
    meta:
        description = "PowerShell that fetches a picture and runs the text that stands between two marks inside it"
        risk = "high"
        attack = "T1027.003"
        reference = "https://attack.mitre.org/techniques/T1027/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $get1 = ".DownloadData(" nocase ascii wide
        $get2 = ".DownloadString(" nocase ascii wide
        $mark = "<<BASE64_START>>" nocase ascii wide
        $end = "<<BASE64_END>>" nocase ascii wide
        $load = "Assembly]::Load(" nocase ascii wide
    condition:
        (filesize < 1MB and any of ($get*) and $mark and $end and $load) or false
}
