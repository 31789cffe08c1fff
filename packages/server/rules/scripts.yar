// Droppers and downloaders in script languages. One suspicious call alone is ordinary administration: rules ask for a chain.

rule PowerShell_Download_Cradle {
    meta:
        description = "PowerShell fetches text from the network and runs it at once"
        risk = "medium"
        reference = "https://attack.mitre.org/techniques/T1059/001/"
        mitre = "T1059.001"
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
        filesize < 1MB and $run and (($get1 and ($get2 or $get3)) or any of ($irm*))
}

rule PowerShell_Hidden_Encoded_Command {
    meta:
        description = "PowerShell started without a window on a Base64 command"
        risk = "high"
        reference = "https://attack.mitre.org/techniques/T1027/010/"
        mitre = "T1027.010"
    strings:
        $name = "powershell" nocase ascii wide
        $hidden = /-w[a-z]{0,11} {1,3}(hidden|1)\b/ nocase
        $encoded = /-e[nc][a-z]{0,12} {1,3}["']?[A-Za-z0-9+\/]{40}/ nocase
    condition:
        filesize < 5MB and $hidden and for any i in (1..#encoded) : (
            $name in (@encoded[i] - 250..@encoded[i]) and
            ($hidden in (@encoded[i] - 200..@encoded[i]) or $hidden in (@encoded[i]..@encoded[i] + 4000))
        )
}

rule PowerShell_Encoded_Cradle {
    meta:
        description = "Base64 of UTF-16 text that fetches and runs code, as -EncodedCommand takes it"
        risk = "high"
        reference = "https://attack.mitre.org/techniques/T1027/010/"
        mitre = "T1027.010"
    strings:
        $client = "Net.WebClient" wide base64
        $string = "DownloadString(" wide base64
        $file = "DownloadFile(" wide base64
        $iex1 = "IEX" wide base64
        $iex2 = "Invoke-Expression" wide base64
    condition:
        filesize < 5MB and $client and ($string or $file) and any of ($iex*)
}

rule PowerShell_Amsi_Bypass {
    meta:
        description = "Switches off the scan of scripts by reflection"
        risk = "high"
        reference = "https://attack.mitre.org/techniques/T1562/001/"
        mitre = "T1562.001"
    strings:
        $utils = "System.Management.Automation.AmsiUtils" nocase ascii wide
        $field = "amsiInitFailed" nocase ascii wide
        $set = "SetValue(" nocase ascii wide
    condition:
        filesize < 1MB and all of them
}

rule Script_Host_Dropper {
    meta:
        description = "Windows script that downloads, writes a file and runs it"
        risk = "high"
        reference = "https://attack.mitre.org/techniques/T1059/005/"
        mitre = "T1059.005"
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
        filesize < 1MB and any of ($http*) and $stream and $save and any of ($shell*) and $run
}

rule Living_Off_The_Land_Download {
    meta:
        description = "A Windows tool used to fetch and run a remote file"
        risk = "medium"
        reference = "https://lolbas-project.github.io/"
        mitre = "T1105"
    strings:
        $certutil = "certutil" nocase ascii wide
        $urlcache = /[-\/]urlcache /i
        $bits = "bitsadmin" nocase ascii wide
        $transfer = "/transfer " nocase
        $regsvr = "regsvr32" nocase ascii wide
        $remote = /\/i:https?:\/\//i
        $mshta = /\bmshta(\.exe)?["']? ["']?(https?:\/\/|javascript:|vbscript:)/i
        $rundll = /rundll32(\.exe)? javascript:/i
        $url = /https?:\/\//i
    condition:
        filesize < 1MB and $url and (
            $mshta or $rundll or
            for any i in (1..#urlcache) : ($certutil in (@urlcache[i] - 60..@urlcache[i])) or
            for any i in (1..#transfer) : ($bits in (@transfer[i] - 60..@transfer[i])) or
            for any i in (1..#remote) : ($regsvr in (@remote[i] - 60..@remote[i]))
        )
}

rule Shadow_Copies_Deleted {
    meta:
        description = "Deletes the copies that a victim could restore from, as ransomware does"
        risk = "medium"
        reference = "https://attack.mitre.org/techniques/T1490/"
        mitre = "T1490"
    strings:
        $vss = /vssadmin(\.exe)? {1,4}delete {1,4}shadows {1,4}\/all/ nocase ascii wide
        $wmic = /wmic(\.exe)? {1,4}shadowcopy {1,4}delete/ nocase ascii wide
        $boot = /bcdedit(\.exe)? {1,4}\/set {1,4}\{default\} {1,4}recoveryenabled {1,4}no/ nocase ascii wide
        $quiet = "/quiet" nocase ascii wide
        $catalog = "wbadmin delete catalog" nocase ascii wide
    condition:
        filesize < 20MB and (($vss and ($quiet or $boot or $catalog or $wmic)) or ($wmic and $boot))
}

rule Unix_Reverse_Shell {
    meta:
        description = "Shell whose input and output are a network connection"
        risk = "high"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
        mitre = "T1059.004"
    strings:
        $bash = /bash -i [>&]{1,3} ?\/dev\/tcp\/[0-9A-Za-z.\-$\{]{1,80}\/[0-9$]/
        $fifo = /mkfifo \/tmp\/\w{1,16} ?(;|&&)[^\r\n]{0,60}\/bin\/(ba)?sh -i 2>&1 ?\| ?nc /
        $python = /socket\.socket\([^\r\n]{0,200}os\.dup2\([^\r\n]{0,200}(subprocess\.call|pty\.spawn)\(/
    condition:
        filesize < 512KB and any of them
}

rule JavaScript_Evaluates_Packed_Text {
    meta:
        description = "Script that unpacks a long escaped text and runs it"
        risk = "low"
        reference = "https://attack.mitre.org/techniques/T1027/"
        mitre = "T1027"
    strings:
        $unescape = /eval ?\( ?unescape ?\( ?["'](%[0-9a-f]{2}){64}/ nocase
        $atob = /eval ?\( ?atob ?\( ?["'][A-Za-z0-9+\/]{128}/ nocase
        $codes = /eval ?\( ?String\.fromCharCode ?\(( ?\d{1,3} ?,){48}/ nocase
    condition:
        filesize < 2MB and any of them
}
