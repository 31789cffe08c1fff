// Programs that give whoever finds their URL a shell on a web server.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

rule Webshell_PHP_Eval_Of_Request {
    meta:
        description = "PHP that runs what a request brings"
        risk = "high"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<?" ascii
        $eval = /\b(eval|assert)[ \t]{0,8}\([ \t]{0,8}@?(base64_decode|gzinflate|str_rot13|stripslashes)?[ \t(]{0,8}\$_(POST|GET|REQUEST|COOKIE)[ \t]{0,4}\[/ nocase
        $system = /\b(system|shell_exec|passthru|exec|popen|proc_open)[ \t]{0,8}\([ \t]{0,8}\$_(POST|GET|REQUEST|COOKIE)[ \t]{0,4}\[/ nocase
    condition:
        (filesize < 1MB and $open and ($eval or $system)) or false
}

rule Webshell_PHP_Packed {
    meta:
        description = "PHP that unpacks its own text and runs it"
        risk = "medium"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<?php" nocase ascii
        $chain = /eval[ \t]{0,4}\([ \t]{0,4}(gzinflate|gzuncompress|gzdecode|str_rot13)[ \t]{0,4}\([ \t]{0,4}(base64_decode|str_rot13)[ \t]{0,4}\(/ nocase
    condition:
        (filesize < 2MB and all of them) or false
}

rule Webshell_PHP_Function_From_Request {
    meta:
        description = "PHP that calls the function whose name a request brings"
        risk = "high"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<?" ascii
        $direct = /\$_(POST|GET|REQUEST|COOKIE|SERVER) ?\[[^\]\r\n]{1,40}\] ?\( ?\$_(POST|GET|REQUEST|COOKIE)/
        $variable = /@?array_(map|filter|walk|reduce|diff_ukey)\([^\r\n;]{0,40}\$_(POST|GET|REQUEST|COOKIE)\[[^\]\r\n]{1,40}\] ?, ?\$_(POST|GET|REQUEST|COOKIE)/
        $call = /call_user_func(_array)?\( ?\$_(POST|GET|REQUEST|COOKIE)\[/
        $create = /create_function\( ?["'][^"']{0,20}["'] ?, ?(base64_decode\( ?)?\$_(POST|GET|REQUEST|COOKIE)\[/
        $replace = /preg_replace\( ?["'][^"'\r\n]{1,40}\/e["'] ?, ?\$_(POST|GET|REQUEST|COOKIE)\[/
        $input = /(eval|assert|include|require)\(? ?\(?(file_get_contents\( ?)?["']php:\/\/input["']/
    condition:
        (filesize < 1MB and $open and any of ($direct, $variable, $call, $create, $replace, $input)) or false
}

rule Webshell_PHP_Password_Gate {
    meta:
        description = "PHP that runs commands for whoever sends the password whose hash stands in it"
        risk = "high"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<?" ascii
        $gate = /(md5|sha1|hash)\( ?(["']\w{3,8}["'] ?, ?)?\$_(POST|GET|REQUEST|COOKIE|SERVER)\[[^\]\r\n]{1,40}\] ?\) ?={2,3} ?["'][0-9a-f]{32,64}["']/ nocase
        $run1 = /\b(eval|assert) ?\( ?[@$]/
        $run2 = "shell_exec(" ascii
        $run3 = "passthru(" ascii
        $run4 = "proc_open(" ascii
        $run5 = "move_uploaded_file(" ascii
    condition:
        (filesize < 1MB and all of ($open, $gate) and any of ($run*)) or false
}

rule Webshell_PHP_Runs_Fetched_Code {
    meta:
        description = "PHP that runs what it fetches from another host"
        risk = "high"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<?" ascii
        $direct = /eval\( ?["']\?>["'] ?\. ?(file_get_contents|curl_exec|\$\w{1,24}\()\( ?["']?(https?:|\$)/ nocase
        $paste = /(eval|assert)\( ?(base64_decode\( ?)?file_get_contents\( ?["']https?:\/\// nocase
    condition:
        (filesize < 1MB and $open and any of ($direct, $paste)) or false
}

rule Webshell_PHP_Known_Kits {
    meta:
        description = "PHP file manager and shell of a known kit"
        risk = "high"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<?" ascii
        $wso1 = "FilesMan" ascii
        $wso2 = "wsoEx(" ascii
        $wso3 = "$default_action" ascii
        $c99a = "c99shell" nocase ascii
        $c99b = "c99ftpbrutecheck" nocase ascii
        $r57a = "r57shell" nocase ascii
        $r57b = "r57_pwd_hash" nocase ascii
        $b374a = "b374k" nocase ascii
        $b374b = "$s_pass" ascii
        $p0wn = "p0wny@shell" ascii
        $alfa1 = "AlfaTeam" nocase ascii
        $alfa2 = "alfa_aes_encrypt" nocase ascii
        $run = /(shell_exec|passthru|proc_open|popen|system)\(/
    condition:
        (filesize < 2MB and $open and (2 of ($wso*) or 2 of ($c99*) or 2 of ($r57*) or 2 of ($b374*) or 2 of ($alfa*) or ($p0wn and $run))) or false
}

rule Webshell_PHP_Words_In_Escapes {
    meta:
        description = "PHP that writes the names of dangerous functions as escapes"
        risk = "high"
        attack = "T1027.010"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<?" ascii
        $base64 = "\\x62\\x61\\x73\\x65\\x36\\x34" nocase ascii
        $eval = "\\x65\\x76\\x61\\x6c" nocase ascii
        $assert = "\\x61\\x73\\x73\\x65\\x72\\x74" nocase ascii
        $inflate = "\\x67\\x7a\\x69\\x6e\\x66\\x6c\\x61\\x74\\x65" nocase ascii
        $system = "\\x73\\x79\\x73\\x74\\x65\\x6d" nocase ascii
        $create = "\\x63\\x72\\x65\\x61\\x74\\x65\\x5f\\x66" nocase ascii
        $octal = "\\142\\141\\163\\145\\66\\64" ascii
        $globals = "${\"\\x47\\x4c\\x4f\\x42\\x41\\x4c\\x53\"}" ascii
    condition:
        (filesize < 2MB and $open and any of ($base64, $eval, $assert, $inflate, $system, $create, $octal, $globals)) or false
}

rule Webshell_PHP_Glued_Words {
    meta:
        description = "PHP that glues the names of dangerous functions together from pieces"
        risk = "medium"
        attack = "T1027.010"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<?" ascii
        $base64 = /["']b(a|["'] ?\. ?["']a)(s|["'] ?\. ?["']s)(e|["'] ?\. ?["']e)(6|["'] ?\. ?["']6)(4|["'] ?\. ?["']4)(_|["'] ?\. ?["']_)d/
        $plain = /["']base64_d/
        $create = /["'](cr|cre|crea|creat)["'] ?\. ?["'](eate|ate|te|e)_f/
        $assert = /["'](as|ass|asse)["'] ?\. ?["'](sert|ert|rt)["']/
        $shell = /["'](sh|she|shel|shell)["'] ?\. ?["'](ell|ll|l)?_e?x?e?c?/
        $request = /\$_(POST|GET|REQUEST|COOKIE)/
    condition:
        (filesize < 1MB and $open and $request and (($base64 and not $plain) or any of ($create, $assert, $shell))) or false
}

rule Webshell_PHP_Bare_Upload {
    meta:
        description = "PHP page that stores whatever file is sent under the name that the sender chose"
        risk = "medium"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1105/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<?" ascii
        $copy = /@?(copy|move_uploaded_file)\( ?\$_FILES\[[^\]\r\n]{1,24}\]\[["']?tmp_name["']?\] ?, ?(\$_FILES\[[^\]\r\n]{1,24}\]\[["']?name["']?\]|\$_(POST|GET|REQUEST)\[)/
        $form = "multipart/form-data" nocase ascii
    condition:
        (filesize < 32KB and all of them) or false
}

rule Htaccess_Runs_Pictures_As_PHP {
    meta:
        description = "Web server settings that make pictures run as PHP"
        risk = "high"
        attack = "T1505.003"
        reference = "https://httpd.apache.org/docs/current/mod/mod_mime.html"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $type = /Add(Type|Handler) {1,4}(application\/x-httpd-php|php\d?-script|application\/x-httpd-php\d)[^\r\n]{0,40} \.(jpe?g|png|gif|ico|txt|css|webp|pdf)\b/ nocase
        $prepend = /auto_(pre|ap)pend_file["']? {0,4}[= ] {0,4}["']?[^\r\n]{1,120}\.(jpe?g|png|gif|ico|txt|webp)\b/ nocase
    condition:
        (filesize < 64KB and any of them) or false
}

rule Webshell_JSP_Exec_Of_Request {
    meta:
        description = "JSP that runs a request's parameter as a command"
        risk = "high"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<%" ascii
        $direct = /getRuntime\(\)[ \t\r\n]{0,8}\.exec\([ \t]{0,8}request\.getParameter\(/
        $builder = /new ProcessBuilder\([ \t]{0,8}request\.getParameter\(/
        $via = /(String|String\[\]) \w{1,32} ?= ?request\.getParameter\("(cmd|c|command|exec|pwd|i)"\)/
        $exec = "getRuntime().exec(" ascii
    condition:
        (filesize < 512KB and $open and ($direct or $builder or ($via and $exec))) or false
}

rule Webshell_JSP_Loads_Sent_Class {
    meta:
        description = "JSP that decrypts a class out of a request and runs it"
        risk = "high"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<%" ascii
        $loader = "extends ClassLoader" ascii
        $define = "defineClass(" ascii
        $from1 = "request.getReader()" ascii
        $from2 = "request.getParameter(" ascii
        $from3 = "request.getInputStream()" ascii
        $decode1 = "Cipher.getInstance(\"AES" ascii
        $decode2 = "BASE64Decoder" ascii
        $decode3 = "Base64.getDecoder()" ascii
        $run = "newInstance()" ascii
    condition:
        (filesize < 512KB and $open and $loader and $define and any of ($from*) and any of ($decode*) and $run) or false
}

rule Webshell_ASP_Eval_Of_Request {
    meta:
        description = "ASP or ASP.NET page that runs what a request brings"
        risk = "high"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<%" ascii
        $eval = /\b(eval|execute|executeglobal)[ (]{1,4}request(\.(item|form|querystring))?[ ]{0,2}[(\[][ ]{0,2}["']/ nocase
    condition:
        (filesize < 512KB and all of them) or false
}

rule Webshell_ASP_Shell_Of_Request {
    meta:
        description = "Classic ASP page that runs a request's text by the command line"
        risk = "high"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<%" ascii
        $make = /CreateObject\( ?["'](WScript\.Shell|Shell\.Application|WSCRIPT\.SHELL)["'] ?\)/ nocase
        $run = /\.(exec|run|shellexecute) ?\(? ?["'a-z]/ nocase
        $request1 = /request\.(form|querystring)\( ?["'](cmd|c|command|exec|txtcmd|\.cmd)["'] ?\)/ nocase
        $request2 = /request\( ?["'](cmd|c|command|exec|\.cmd)["'] ?\)/ nocase
    condition:
        (filesize < 512KB and $open and $make and $run and any of ($request*)) or false
}

rule Webshell_ASPX_Command_Page {
    meta:
        description = "ASP.NET page that runs a request's text by the command line and shows the output"
        risk = "high"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $page = /<%@ {0,2}Page [^>]{0,120}Language ?=/ nocase
        $info = "ProcessStartInfo" ascii
        $shell1 = "cmd.exe" nocase ascii
        $shell2 = "powershell" nocase ascii
        $output = "RedirectStandardOutput" ascii
        $from1 = /Request(\.(Form|QueryString|Params|Item|Headers))?\[/
        $from2 = /\bRequest\.Form\(/
        $from3 = /\w{1,32}\.Text\b/
    condition:
        (filesize < 256KB and $page and $info and any of ($shell*) and $output and any of ($from*)) or false
}

rule Webshell_ASPX_Loads_Sent_Assembly {
    meta:
        description = "ASP.NET page that decrypts a program out of a request and runs it"
        risk = "high"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $page = "<%@" ascii
        $load = /Assembly\.Load\(/
        $load2 = "\"Load\"" ascii
        $from1 = "Request.BinaryRead(" ascii
        $from2 = /(FromBase64String|Decrypt|TransformFinalBlock)\([^\r\n]{0,60}Request/
        $from3 = "Context.Request[" ascii
        $crypt1 = "Rijndael" ascii
        $crypt2 = "FromBase64String" ascii
        $run1 = "CreateInstance(" ascii
        $run2 = ".Invoke(" ascii
    condition:
        (filesize < 256KB and $page and any of ($load, $load2) and any of ($from*) and any of ($crypt*) and any of ($run*)) or false
}

rule Webshell_Python_Runs_Request {
    meta:
        description = "Python web page that runs a request's text as a command"
        risk = "high"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $run = /\b(os\.(popen|system)|subprocess\.(check_output|getoutput|getstatusoutput|Popen|run|call)|commands\.getoutput|exec|eval)\( ?(request\.(args|form|values|GET|POST|query|json|cookies|headers)|form\.getvalue|form\[|cgi\.FieldStorage)/
        $web1 = "flask" nocase ascii
        $web2 = "cgi" ascii
        $web3 = "django" nocase ascii
        $web4 = "bottle" ascii
    condition:
        (filesize < 256KB and $run and any of ($web*)) or false
}

rule Webshell_Node_Runs_Request {
    meta:
        description = "Node web page that runs a request's text as a command"
        risk = "high"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $exec = /\bexec(Sync|File)?\( ?(req|request|ctx)\.(query|body|params|headers|request\.query)[.\[]/
        $eval = /\beval\( ?(req|request|ctx)\.(query|body|params|headers)[.\[]/
        $module = "child_process" ascii
    condition:
        (filesize < 256KB and (($exec and $module) or $eval)) or false
}

rule Webshell_ColdFusion_Runs_Request {
    meta:
        description = "ColdFusion page that runs a request's text as a command"
        risk = "high"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $run = /<cfexecute[^>]{0,40} name ?= ?["']?#(form|url|cgi)\./ nocase
        $cmd = /<cfexecute[^>]{0,40} name ?= ?["'][^"']{0,60}(cmd\.exe|\/bin\/(ba)?sh)["'][^>]{0,40}arguments ?= ?["'][^"'>]{0,20}#(form|url)\./ nocase
    condition:
        (filesize < 256KB and any of them) or false
}

rule Webshell_Perl_Runs_Request {
    meta:
        description = "Perl web page that runs a request's text as a command"
        risk = "high"
        attack = "T1505.003"
        reference = "https://attack.mitre.org/techniques/T1505/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $cgi = "CGI" ascii
        $run1 = /\b(system|exec)\( ?\$?(q|cgi|query|form)?(->)?param\( ?["']/
        $run2 = /`\$(q|cgi|query|in)(->param\(|\{)["']?\w{1,16}/
        $run3 = /open\( ?\w{1,8}, ?"?\$?(q|cgi|query)?(->)?param\( ?["']\w{1,16}["'] ?\) ?\. ?"\|/
    condition:
        (filesize < 256KB and $cgi and any of ($run*)) or false
}
