// Windows script hosts, batch files, and what developers' tools run: npm hooks, Python set-up files.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

rule Script_Host_Dropper {
    meta:
        description = "Windows script that downloads, writes a file and runs it"
        risk = "high"
        attack = "T1059.005"
        reference = "https://attack.mitre.org/techniques/T1059/005/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $http1 = "MSXML2.XMLHTTP" nocase ascii wide
        $http2 = "MSXML2.ServerXMLHTTP" nocase ascii wide
        $http3 = "WinHttp.WinHttpRequest" nocase ascii wide
        $http4 = "Microsoft.XMLHTTP" nocase ascii wide
        $stream = "ADODB.Stream" nocase ascii wide
        $save = "SaveToFile" nocase ascii wide
        $shell1 = "WScript.Shell" nocase ascii wide
        $shell2 = "Shell.Application" nocase ascii wide
        $run = /\.(run|shellexecute|exec)\s{0,4}\(?["' (]/ nocase ascii
    condition:
        (filesize < 1MB and any of ($http*) and $stream and $save and any of ($shell*) and $run) or false
}

rule Living_Off_The_Land_Download {
    meta:
        description = "A Windows tool used to fetch and run a remote file"
        risk = "medium"
        attack = "T1105"
        reference = "https://lolbas-project.github.io/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $certutil = /certutil(\.exe)?["']? [^\r\n]{0,50}[-\/]urlcache /i ascii wide
        $bits = /bitsadmin(\.exe)?["']? [^\r\n]{0,50}\/transfer /i ascii wide
        $regsvr = /regsvr32(\.exe)?["']? [^\r\n]{0,50}\/i:https?:\/\//i ascii wide
        $mshta = /\bmshta(\.exe)?["']? ["']?(https?:\/\/|javascript:|vbscript:)/i ascii wide
        $rundll = /rundll32(\.exe)?["']? ["']?javascript:/i ascii wide
        $msiexec = /msiexec(\.exe)?["']? [^\r\n]{0,30}[-\/]i ?["']?https?:\/\/\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}/i ascii wide
    condition:
        (filesize < 1MB and any of them) or false
}

rule JavaScript_Evaluates_Packed_Text {
    meta:
        description = "Script that unpacks a long escaped text and runs it"
        risk = "low"
        attack = "T1027"
        reference = "https://attack.mitre.org/techniques/T1027/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $unescape = /eval ?\( ?unescape ?\( ?["']%[0-9a-f]{2}%[0-9a-f]{2}%(%|[0-9a-f]){180}/ nocase
        $atob = /eval ?\( ?atob ?\( ?["'][A-Za-z0-9+\/]{128}/ nocase
        $codes = /eval ?\( ?String\.fromCharCode ?\(( ?\d{1,3} ?,){48}/ nocase
    condition:
        (filesize < 2MB and any of them) or false
}

rule Script_Starts_Hidden_PowerShell {
    meta:
        description = "Windows script that starts PowerShell without a window on an encoded or fetched command"
        risk = "high"
        attack = "T1059.001"
        reference = "https://attack.mitre.org/techniques/T1059/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $shell1 = "WScript.Shell" nocase ascii wide
        $shell2 = "Shell.Application" nocase ascii wide
        $shell3 = "Win32_Process" nocase ascii wide
        $make1 = "CreateObject" nocase ascii wide
        $make2 = "ActiveXObject" nocase ascii wide
        $make3 = "GetObject" nocase ascii wide
        $command = /powershell(\.exe)? [^\r\n]{0,120}(-e[nc][a-z]{0,12} |FromBase64String|DownloadString|DownloadFile|\biex\b|\birm\b|-w[a-z]{0,11} {1,2}(hidden|1)\b)/ nocase ascii wide
    condition:
        (filesize < 2MB and uint16be(0) != 0x4D5A and uint32be(0) != 0xD0CF11E0 and any of ($shell*) and any of ($make*) and $command) or false
}

rule Script_Hidden_By_Codes_Runs_Command {
    meta:
        description = "Script for the Windows script host that is written in character codes or escapes"
        risk = "medium"
        attack = "T1027.010"
        reference = "https://attack.mitre.org/techniques/T1027/010/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $host1 = "ActiveXObject" nocase ascii
        $host2 = "WScript" ascii
        $host3 = "CreateObject" nocase ascii
        $codes1 = /(chrw?\(&?h?[0-9a-f]{1,3}\) ?[&+] ?){10}/ nocase
        $codes2 = /fromCharCode\(( ?(0x)?[0-9a-f]{1,4} ?,){24}/ nocase
        $word1 = "\\x57\\x53\\x63\\x72\\x69\\x70\\x74" nocase ascii
        $word2 = "\\x41\\x63\\x74\\x69\\x76\\x65\\x58" nocase ascii
        $word3 = "\\u0057\\u0053\\u0063\\u0072" nocase ascii
        $word4 = "\\u0041\\u0063\\u0074\\u0069" nocase ascii
        $run1 = "Execute" nocase ascii fullword
        $run2 = "ExecuteGlobal" nocase ascii fullword
        $run3 = "eval(" ascii
        $run4 = "Function(" ascii
        $run5 = ".Run" nocase ascii
    condition:
        (filesize < 2MB and ((any of ($host*) and any of ($codes*)) or any of ($word*)) and any of ($run*)) or false
}

rule VBScript_Writes_Decoded_Program {
    meta:
        description = "Windows script that decodes a file from its own text, writes and runs it"
        risk = "high"
        attack = "T1140"
        reference = "https://attack.mitre.org/techniques/T1140/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $type = "bin.base64" nocase ascii wide
        $value = "nodeTypedValue" nocase ascii wide
        $stream = "ADODB.Stream" nocase ascii wide
        $save = "SaveToFile" nocase ascii wide
        $run1 = "WScript.Shell" nocase ascii wide
        $run2 = "ShellExecute" nocase ascii wide
    condition:
        (filesize < 16MB and uint16be(0) != 0x4D5A and $type and $value and $stream and $save and any of ($run*)) or false
}

rule Script_Encoded_For_Script_Host {
    meta:
        description = "JScript or VBScript in the encoded form that hides its source"
        risk = "medium"
        attack = "T1027.010"
        reference = "https://learn.microsoft.com/previous-versions/tn-archive/ee176795(v=technet.10)"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $head = "#@~^" ascii
        $end = "==^#~@" ascii
    condition:
        (filesize < 2MB and $end and ($head in (0..16) or ($head in (0..4096) and uint8(0) == 0x3C))) or false
}

rule Wsf_Job_Runs_Command {
    meta:
        description = "Windows script file whose job starts a command line"
        risk = "medium"
        attack = "T1059.005"
        reference = "https://attack.mitre.org/techniques/T1059/005/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $job1 = "<job" nocase ascii
        $job2 = "<package" nocase ascii
        $script = /<script {1,4}language ?=/ nocase
        $shell1 = "WScript.Shell" nocase ascii
        $shell2 = "Shell.Application" nocase ascii
        $what1 = "powershell" nocase ascii
        $what2 = "cmd /c" nocase ascii
        $what3 = "cmd.exe /c" nocase ascii
        $what4 = "mshta" nocase ascii
        $what5 = "rundll32" nocase ascii
        $what6 = "%temp%" nocase ascii
        $html = "<html" nocase ascii
    condition:
        (filesize < 1MB and any of ($job*) in (0..4096) and $script and any of ($shell*) and any of ($what*) and not $html) or false
}

rule Hta_Hides_And_Runs_Command {
    meta:
        description = "HTML application that makes its window vanish and starts a command line"
        risk = "high"
        attack = "T1218.005"
        reference = "https://attack.mitre.org/techniques/T1218/005/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $script = "<script" nocase ascii wide
        $hide1 = /resizeTo\(? ?0 ?, ?0/ nocase ascii wide
        $hide12 = "moveTo(-" nocase ascii wide
        $hide13 = "moveTo -" nocase ascii wide
        $hide14 = "moveTo (-" nocase ascii wide
        $hide3 = "windowstate=\"minimize\"" nocase ascii wide
        $hide4 = "showintaskbar=\"no\"" nocase ascii wide
        $shell1 = "WScript.Shell" nocase ascii wide
        $shell2 = "Shell.Application" nocase ascii wide
        $shell3 = "winmgmts:" nocase ascii wide
        $what1 = "powershell" nocase ascii wide
        $what2 = "cmd /c" nocase ascii wide
        $what3 = "cmd.exe" nocase ascii wide
        $what4 = "curl " nocase ascii wide
        $what5 = "rundll32" nocase ascii wide
    condition:
        (filesize < 4MB and $script and any of ($hide*) and any of ($shell*) and any of ($what*)) or false
}

rule Scriptlet_Runs_Command {
    meta:
        description = "COM scriptlet whose registration runs a command, as regsvr32 takes it from the web"
        risk = "high"
        attack = "T1218.010"
        reference = "https://attack.mitre.org/techniques/T1218/010/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $scriptlet = "<scriptlet" nocase ascii
        $registration = "<registration" nocase ascii
        $cdata = "<![CDATA[" nocase ascii
        $make = "ActiveXObject(" nocase ascii
        $make2 = "CreateObject(" nocase ascii
        $run = /\.(run|exec|shellexecute) ?\(? ?["'a-z]/ nocase
    condition:
        (filesize < 512KB and $scriptlet and $registration and $cdata and any of ($make, $make2) and $run) or false
}

rule Stylesheet_Runs_Command {
    meta:
        description = "XSL style sheet with a script that starts a command, as wmic and msxsl run it"
        risk = "high"
        attack = "T1220"
        reference = "https://attack.mitre.org/techniques/T1220/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $sheet = "http://www.w3.org/1999/XSL/Transform" ascii
        $script = "urn:schemas-microsoft-com:xslt" ascii
        $prefix = "implements-prefix" ascii
        $make = "ActiveXObject(" nocase ascii
        $run = /\.(run|exec|shellexecute) ?\(? ?["'a-z]/ nocase
    condition:
        (filesize < 512KB and all of them) or false
}

rule Build_File_Runs_Machine_Code {
    meta:
        description = "MSBuild project whose inline task imports the calls to place and start machine code"
        risk = "high"
        attack = "T1127.001"
        reference = "https://attack.mitre.org/techniques/T1127/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $project = "http://schemas.microsoft.com/developer/msbuild/2003" ascii
        $task = "<UsingTask" nocase ascii
        $factory = "TaskFactory" ascii
        $code = "<Code " nocase ascii
        $call1 = "VirtualAlloc" ascii
        $call2 = "CreateThread" ascii
        $call3 = "Assembly.Load(" ascii
        $call4 = "GetDelegateForFunctionPointer" ascii
    condition:
        (filesize < 4MB and $project and $task and $factory and $code and any of ($call*)) or false
}

rule Batch_Fetches_And_Starts {
    meta:
        description = "Batch file that saves a program into a folder of the user by a system tool and starts it"
        risk = "medium"
        attack = "T1059.003"
        reference = "https://attack.mitre.org/techniques/T1059/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $echo = "@echo off" nocase ascii
        $get1 = "curl " nocase ascii
        $get2 = "certutil" nocase ascii
        $get3 = "bitsadmin" nocase ascii
        $get4 = "DownloadFile(" nocase ascii
        $where = /%(temp|tmp|appdata|localappdata|public|programdata)%\\[\w\\.\-]{1,80}\.(exe|dll|vbs|js|hta|ps1|bat|scr)/ nocase
        $start1 = /\bstart {1,3}(\/b |\/min |"" )/ nocase
        $start2 = "rundll32" nocase ascii
        $start3 = "wscript" nocase ascii
    condition:
        (filesize < 256KB and $echo and any of ($get*) and $where and any of ($start*)) or false
}

rule Batch_Words_Cut_From_Variables {
    meta:
        description = "Batch file that puts its commands together letter by letter from variables"
        risk = "medium"
        attack = "T1027.010"
        reference = "https://attack.mitre.org/techniques/T1027/010/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $letter = ",1%%" ascii
    condition:
        (filesize < 4MB and #letter > 60) or false
}

rule Batch_Carries_PowerShell_Payload {
    meta:
        description = "Batch file that makes PowerShell read a program from the batch file itself"
        risk = "high"
        attack = "T1059.003"
        reference = "https://attack.mitre.org/techniques/T1059/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $echo = "@echo off" nocase ascii
        $self1 = "%~f0" ascii
        $self2 = "%~0" ascii
        $shell = "powershell" nocase ascii
        $read1 = "ReadAllText(" nocase ascii
        $read2 = "ReadAllBytes(" nocase ascii
        $read3 = "ReadLines(" nocase ascii
        $run1 = "FromBase64String(" nocase ascii
        $run2 = "Assembly]::Load(" nocase ascii
        $run3 = "Decompress" nocase ascii
    condition:
        (filesize < 16MB and $echo and any of ($self*) and $shell and any of ($read*) and 2 of ($run*)) or false
}

rule AutoIt_Script_Injects_Code {
    meta:
        description = "AutoIt script that places machine code in a process"
        risk = "high"
        attack = "T1055"
        reference = "https://attack.mitre.org/techniques/T1059/010/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $tray = "#NoTrayIcon" nocase ascii wide
        $call = "DllCall(" nocase ascii wide
        $alloc1 = "VirtualAlloc" nocase ascii wide
        $alloc2 = "DllStructCreate(\"byte[" nocase ascii wide
        $start1 = "CallWindowProc" nocase ascii wide
        $start2 = "CreateRemoteThread" nocase ascii wide
        $start3 = "SetThreadContext" nocase ascii wide
        $start4 = "DllCallAddress(" nocase ascii wide
    condition:
        (filesize < 8MB and uint16be(0) != 0x4D5A and $tray and $call and any of ($alloc*) and any of ($start*)) or false
}

rule Npm_Hook_Runs_Download {
    meta:
        description = "Package whose installation hook runs what it fetches from the network"
        risk = "high"
        attack = "T1195.002"
        reference = "https://docs.npmjs.com/cli/using-npm/scripts"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $name = "\"name\"" ascii
        $hook = /"(pre|post)?install" ?: ?"[^"\r\n]{0,80}(curl|wget) [^"\r\n]{0,160}\| ?(ba|z)?sh\b/
        $shell = /"(pre|post)?install" ?: ?"[^"\r\n]{0,40}powershell[^"\r\n]{0,80}(-e[nc][a-z]{0,12} |iex|irm )/ nocase
        $eval = /"(pre|post)?install" ?: ?"node -e [^\r\n]{0,400}(https?\.get|child_process|Buffer\.from)/
    condition:
        (filesize < 256KB and $name and any of ($hook, $shell, $eval)) or false
}

rule Node_Sends_Environment_Away {
    meta:
        description = "Node script that sends the machine's environment and user to a request catcher"
        risk = "high"
        attack = "T1567"
        reference = "https://attack.mitre.org/techniques/T1195/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $env = /JSON\.stringify\( ?(process\.env|os\.(networkInterfaces|userInfo)\(\))/ ascii
        $who1 = "os.hostname()" ascii
        $who2 = "os.userInfo()" ascii
        $who3 = "process.env" ascii
        $catch1 = ".oastify.com" ascii
        $catch2 = ".burpcollaborator.net" ascii
        $catch3 = ".pipedream.net" ascii
        $catch4 = "webhook.site/" ascii
        $catch5 = ".interact.sh" ascii
        $catch6 = ".oast." ascii
        $catch7 = ".requestbin." ascii
        $send1 = "https.request(" ascii
        $send2 = "fetch(" ascii
        $send3 = "dns." ascii
        $send4 = "axios" ascii
    condition:
        (filesize < 512KB and ($env or 2 of ($who*)) and any of ($catch*) and any of ($send*)) or false
}

rule Python_Runs_Packed_Code {
    meta:
        description = "Python that unpacks its own text and runs it"
        risk = "medium"
        attack = "T1059.006"
        reference = "https://attack.mitre.org/techniques/T1059/006/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $direct = /\b(exec|eval)\( ?(zlib\.decompress|marshal\.loads|base64\.b64decode|bytes\.fromhex|codecs\.decode|gzip\.decompress|lzma\.decompress)\(/
        $import = /\b(exec|eval)\([^\r\n]{0,40}__import__\( ?["'](zlib|base64|marshal|builtins|codecs)["'] ?\)[^\r\n]{0,40}(decompress|b64decode|loads|decode)\(/
        $lambda = /exec\(\(_\)\(b["']/
        $reverse = /lambda __ ?: ?__import__\(["']zlib["']\)\.decompress\(__import__\(["']base64["']\)\.b64decode\(__\[::-1\]\)\)/
    condition:
        (filesize < 16MB and any of them) or false
}

rule Python_Setup_Runs_Download {
    meta:
        description = "Python set-up file that fetches and runs something while the package is installed"
        risk = "high"
        attack = "T1195.002"
        reference = "https://attack.mitre.org/techniques/T1059/006/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $setup = "setup(" ascii
        $class = "cmdclass" ascii
        $hook = /class \w{1,64}\((install|develop|egg_info|build_py)\)/
        $get1 = "urlopen(" ascii
        $get2 = "requests.get(" ascii
        $get3 = "urlretrieve(" ascii
        $get4 = "curl " ascii
        $run1 = /\bexec\( ?(requests|urllib|urlopen|base64|zlib|code|data|response|r\.)/
        $run2 = /os\.(system|popen|startfile)\(/
        $run3 = "subprocess.Popen(" ascii
        $where1 = "tempfile" ascii
        $where2 = "getenv(\"TEMP\")" ascii
        $where3 = "/tmp/" ascii
        $where4 = "http://" ascii
        $where5 = "powershell" nocase ascii
    condition:
        (filesize < 128KB and $setup and $class and $hook and any of ($get*) and any of ($run*) and 2 of ($where*)) or false
}
