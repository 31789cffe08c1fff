// Programs that give whoever finds their URL a shell on a web server.

rule Webshell_PHP_Eval_Of_Request {
    meta:
        description = "PHP that runs what a request brings"
        risk = "high"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        mitre = "T1505.003"
    strings:
        $open = "<?" ascii
        $eval = /\b(eval|assert)[ \t]{0,8}\([ \t]{0,8}@?(base64_decode|gzinflate|str_rot13|stripslashes)?[ \t(]{0,8}\$_(POST|GET|REQUEST|COOKIE)[ \t]{0,4}\[/ nocase
        $system = /\b(system|shell_exec|passthru|exec|popen|proc_open)[ \t]{0,8}\([ \t]{0,8}\$_(POST|GET|REQUEST|COOKIE)[ \t]{0,4}\[/ nocase
    condition:
        filesize < 1MB and $open and ($eval or $system)
}

rule Webshell_PHP_Packed {
    meta:
        description = "PHP that unpacks its own text and runs it"
        risk = "medium"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        mitre = "T1505.003"
    strings:
        $open = "<?php" nocase ascii
        $chain = /eval[ \t]{0,4}\([ \t]{0,4}(gzinflate|gzuncompress|gzdecode|str_rot13)[ \t]{0,4}\([ \t]{0,4}(base64_decode|str_rot13)[ \t]{0,4}\(/ nocase
    condition:
        filesize < 2MB and all of them
}

rule Webshell_JSP_Exec_Of_Request {
    meta:
        description = "JSP that runs a request's parameter as a command"
        risk = "high"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        mitre = "T1505.003"
    strings:
        $open = "<%" ascii
        $direct = /getRuntime\(\)[ \t\r\n]{0,8}\.exec\([ \t]{0,8}request\.getParameter\(/
        $builder = /new ProcessBuilder\([ \t]{0,8}request\.getParameter\(/
        $via = /(String|String\[\]) \w{1,32} ?= ?request\.getParameter\("(cmd|c|command|exec|pwd|i)"\)/
        $exec = "getRuntime().exec(" ascii
    condition:
        filesize < 512KB and $open and ($direct or $builder or ($via and $exec))
}

rule Webshell_ASP_Eval_Of_Request {
    meta:
        description = "ASP or ASP.NET page that runs what a request brings"
        risk = "high"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        mitre = "T1505.003"
    strings:
        $open = "<%" ascii
        $eval = /\b(eval|execute|executeglobal)[ (]{1,4}request(\.(item|form|querystring))?[ ]{0,2}[(\[][ ]{0,2}["']/ nocase
    condition:
        filesize < 512KB and all of them
}
