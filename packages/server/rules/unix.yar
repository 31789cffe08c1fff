// Linux, macOS and everything with a shell.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

rule Unix_Reverse_Shell {
    meta:
        description = "Shell whose input and output are a network connection"
        risk = "high"
        attack = "T1059.004"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $bash = /bash -i [>&]{1,3} ?\/dev\/tcp\/[0-9A-Za-z.\-$\{]{1,80}\/[0-9$]/
        $fifo = /mkfifo \/tmp\/\w{1,16} ?(;|&&)[^\r\n]{0,60}\/bin\/(ba)?sh -i 2>&1 ?\| ?nc /
        $python = /socket\.socket\([^\r\n]{0,200}os\.dup2\([^\r\n]{0,200}(subprocess\.call|pty\.spawn)\(/
    condition:
        (filesize < 512KB and any of them) or false
}

rule Interpreter_Reverse_Shell {
    meta:
        description = "One line of Perl, PHP, Ruby, Node or Lua that gives a shell to a network connection"
        risk = "high"
        attack = "T1059"
        reference = "https://attack.mitre.org/techniques/T1059/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $perl = /open\(STDIN, ?">&\w{1,8}"\); ?open\(STDOUT, ?">&\w{1,8}"\);[^\r\n]{0,60}exec\(["']\/bin\/(ba)?sh -i/
        $php = /fsockopen\([^\r\n]{4,60}\); ?(exec|shell_exec|system|passthru|popen|proc_open)\( ?["']\/bin\/(ba)?sh -i ?<&3 ?>&3/
        $ruby = /TCPSocket\.(open|new)\([^\r\n]{4,60}\)\.to_i; ?exec [^\r\n]{0,40}\/bin\/sh -i ?<&%d/
        $node = /spawn\( ?["'](\/bin\/sh|\/bin\/bash|cmd(\.exe)?)["'][^\r\n]{0,40}\);?[^\x00]{0,240}\.pipe\( ?\w{1,16}\.stdin ?\)/
        $lua = /require\( ?["']socket["'] ?\)[^\r\n]{0,160}os\.execute\( ?["']\/bin\/(ba)?sh -i ?<&3/
        $awk = /\/inet\/tcp\/0\/[0-9a-z.\-]{4,80}\/\d{1,5}"[^\r\n]{0,200}\|& ?getline/
    condition:
        (filesize < 512KB and any of them) or false
}

rule Netcat_Gives_Shell {
    meta:
        description = "Netcat, ncat or socat joined to a shell"
        risk = "medium"
        attack = "T1059.004"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $nc = /\b(nc|ncat|netcat)(\.traditional|\.exe)? [^\r\n;|]{0,60}-(e|c|-exec|-sh-exec) ?["']?(\/bin\/(ba|z)?sh|cmd\.exe|powershell)/
        $socat = /socat [^\r\n]{0,60}exec:["']?(bash|sh|\/bin\/sh|\/bin\/bash)[^\r\n]{0,60}(pty|stderr)/ nocase
    condition:
        (filesize < 256KB and any of them) or false
}

rule Shell_Runs_Download_From_Address {
    meta:
        description = "Shell that runs what it fetches from a bare network address"
        risk = "medium"
        attack = "T1105"
        reference = "https://attack.mitre.org/techniques/T1105/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $pipe = /(curl|wget) [^\r\n|;]{0,80}https?:\/\/\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}[^\r\n|;]{0,120}\| ?(sudo )?(ba|z|da)?sh\b/
        $then = /(curl|wget) [^\r\n|;]{0,80}https?:\/\/\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}[^\r\n|;]{0,120}(;|&&) ?chmod [^\r\n;|&]{1,60}(;|&&) ?\.?\//
        $private = /https?:\/\/(127\.0\.0\.1|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/
    condition:
        (filesize < 512KB and any of ($pipe, $then) and not $private) or false
}

rule Shell_Bot_Installer {
    meta:
        description = "Shell script that tries one writable folder after the other and fetches a program for every kind of processor"
        risk = "high"
        attack = "T1105"
        reference = "https://attack.mitre.org/techniques/T1059/004/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $folders = /cd \/tmp ?\|\| ?cd \/(var\/run|mnt|root|var|dev\/shm)/
        $get1 = "wget http" ascii
        $get2 = "curl -O http" ascii
        $get3 = "tftp " ascii
        $get4 = "ftpget" ascii
        $run1 = "chmod 777 " ascii
        $run2 = "chmod +x " ascii
    condition:
        (filesize < 256KB and $folders and any of ($get*) and any of ($run*)) or false
}

rule Shell_Runs_Decoded_Text {
    meta:
        description = "Shell that decodes a Base64 text and runs it"
        risk = "medium"
        attack = "T1140"
        reference = "https://attack.mitre.org/techniques/T1140/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $pipe = /\| ?base64 (-d|-D|--decode|-di) ?\| ?(sudo )?(ba|z|da)?sh\b/
        $eval = /eval ["']?\$\( ?echo ["']?[A-Za-z0-9+\/=]{40,400}["']? ?\| ?base64 (-d|-D|--decode)/
        $source = /(ba|z)?sh ?<<< ?"?\$\( ?base64 (-d|-D|--decode) ?<<< ?["']?[A-Za-z0-9+\/=]{40}/
        $python = /python3? -c ["']import base64[;,][^\r\n]{0,40}exec\(base64\.b64decode\(/
    condition:
        (filesize < 1MB and any of them) or false
}

rule Shell_Cron_Runs_Download {
    meta:
        description = "Plants a cron job that fetches and runs a script again and again"
        risk = "high"
        attack = "T1053.003"
        reference = "https://attack.mitre.org/techniques/T1053/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $job = /\*( \*){3,4} [^\r\n]{0,60}(curl|wget) [^\r\n]{0,200}\| ?(ba|z|da)?sh\b/
        $plant1 = "crontab -" ascii
        $plant2 = "/etc/cron.d/" ascii
        $plant3 = "/var/spool/cron" ascii
        $plant4 = "/etc/crontab" ascii
    condition:
        (filesize < 1MB and $job and any of ($plant*)) or false
}

rule Shell_Miner_Clears_Rivals {
    meta:
        description = "Shell script that kills other miners, opens the machine and fetches its own"
        risk = "high"
        attack = "T1496"
        reference = "https://attack.mitre.org/techniques/T1496/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $kill1 = /pkill (-9 )?-f ['"]?(xmrig|kinsing|kdevtmpfsi|minerd|cryptonight|stratum|sustes|kworkerds)/
        $kill2 = /(grep|awk) [^\r\n]{0,60}(xmrig|kinsing|kdevtmpfsi|minerd|stratum)[^\r\n]{0,120}xargs [^\r\n]{0,20}kill -9/
        $open1 = "iptables -F" ascii
        $open2 = "setenforce 0" ascii
        $open3 = "chattr -i" ascii
        $open4 = "ufw disable" ascii
        $open5 = "vm.nr_hugepages" ascii
        $open6 = "aliyun" ascii
        $get1 = "curl " ascii
        $get2 = "wget " ascii
    condition:
        (filesize < 512KB and any of ($kill*) and 2 of ($open*) and any of ($get*)) or false
}

rule Shell_Service_From_Temporary_Folder {
    meta:
        description = "Installs a system service whose program lies in a folder for temporary files"
        risk = "high"
        attack = "T1543.002"
        reference = "https://attack.mitre.org/techniques/T1543/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $unit = "[Service]" ascii
        $start1 = "ExecStart=/tmp/" ascii
        $start2 = "ExecStart=/var/tmp/" ascii
        $start3 = "ExecStart=/dev/shm/" ascii
        $plant1 = "/etc/systemd/system/" ascii
        $plant2 = "/lib/systemd/system/" ascii
        $plant3 = "systemctl enable" ascii
        $plant4 = "systemctl daemon-reload" ascii
    condition:
        (filesize < 1MB and $unit and any of ($start*) and 2 of ($plant*)) or false
}

rule Shell_Plants_Ssh_Key_And_Locks_It {
    meta:
        description = "Script that adds its own SSH key and makes the file unchangeable"
        risk = "high"
        attack = "T1098.004"
        reference = "https://attack.mitre.org/techniques/T1098/004/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $file = ".ssh/authorized_keys" ascii
        $add = /echo [^\r\n]{0,20}ssh-(rsa|ed25519) [A-Za-z0-9+\/=]{40,800}[^\r\n]{0,120}>>/
        $lock = /chattr \+[ai]{1,2} [^\r\n]{0,80}authorized_keys/
    condition:
        (filesize < 1MB and all of them) or false
}

rule Shell_Hides_Its_Traces {
    meta:
        description = "Script that switches off the history and empties the logs of logins"
        risk = "medium"
        attack = "T1070.003"
        reference = "https://attack.mitre.org/techniques/T1070/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $history1 = "unset HISTFILE" ascii
        $history2 = "HISTFILE=/dev/null" ascii
        $history3 = "HISTSIZE=0" ascii
        $history4 = "history -c" ascii
        $log1 = /(>|cat \/dev\/null ?>|rm -rf?|shred [^\r\n]{0,20}) ?\/var\/log\/(wtmp|lastlog|secure|auth\.log|btmp)/
        $log2 = "> /var/log/wtmp" ascii
        $log3 = "/var/run/utmp" ascii
    condition:
        (filesize < 512KB and uint32be(0) != 0x7F454C46 and 2 of ($history*) and any of ($log*)) or false
}

rule Mirai_Bot {
    meta:
        description = "Telnet bot for small devices"
        risk = "high"
        attack = "T1110.001"
        reference = "https://attack.mitre.org/techniques/T1583/005/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $busybox1 = "/bin/busybox MIRAI" ascii
        $busybox2 = "/bin/busybox ECCHI" ascii
        $watchdog = "/dev/misc/watchdog" ascii
        $fetch = "dvrHelper" ascii
        $scan = "assword" ascii
    condition:
        (uint32be(0) == 0x7F454C46 and (any of ($busybox*) or ($watchdog and $fetch and $scan))) or false
}

rule Telnet_Bot_Default_Passwords {
    meta:
        description = "Program that carries the factory passwords of cameras and recorders, plain or as Mirai hides them"
        risk = "high"
        attack = "T1110.001"
        reference = "https://attack.mitre.org/techniques/T1110/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $plain1 = "xc3511" ascii
        $plain2 = "vizxv" ascii
        $plain3 = "7ujMko0admin" ascii
        $plain4 = "Zte521" ascii
        $plain5 = "jvbzd" ascii
        $plain6 = "hi3518" ascii
        $plain7 = "juantech" ascii
        $hidden1 = "xc3511" xor(0x22)
        $hidden2 = "7ujMko0admin" xor(0x22)
        $hidden3 = "Zte521" xor(0x22)
        $hidden4 = "juantech" xor(0x22)
        $hidden5 = "hi3518" xor(0x22)
    condition:
        (uint32be(0) == 0x7F454C46 and filesize < 4MB and (4 of ($plain*) or 3 of ($hidden*))) or false
}

rule Flood_Bot_Commands {
    meta:
        description = "Program with the commands of a flooding bot"
        risk = "high"
        attack = "T1498"
        reference = "https://attack.mitre.org/techniques/T1499/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $gafgyt1 = "LOLNOGTFO" ascii
        $gafgyt2 = "KILLATTK" ascii
        $gafgyt3 = "GETLOCALIP" ascii
        $gafgyt4 = "SCANNER ON" ascii
        $tsunami1 = "NOTICE %s :TSUNAMI <target> <secs>" ascii
        $tsunami2 = "NOTICE %s :Kaiten wa goraku" ascii
        $tsunami3 = "NOTICE %s :Spoofs" ascii
        $query = "TSource Engine Query" ascii
        $watch = "/dev/watchdog" ascii
        $net = "/proc/net/tcp" ascii
    condition:
        (uint32be(0) == 0x7F454C46 and (2 of ($gafgyt*) or 2 of ($tsunami*) or ($query and $watch and $net))) or false
}

rule Preload_Rootkit {
    meta:
        description = "Library that hides files and processes by standing in front of the C library, loaded for every program"
        risk = "high"
        attack = "T1574.006"
        reference = "https://attack.mitre.org/techniques/T1014/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $preload = "/etc/ld.so.preload" ascii
        $hook1 = "readdir64" ascii
        $hook2 = "readdir" ascii fullword
        $real = "dlsym" ascii
        $hide1 = "/proc/self/fd/%d" ascii
        $hide2 = "/proc/%s/" ascii
        $hide3 = "/proc/net/tcp" ascii
        $door1 = "pam_authenticate" ascii
        $door2 = "getpwnam" ascii fullword
        $door3 = "accept" ascii fullword
        $door4 = "HISTFILE" ascii
    condition:
        (uint32be(0) == 0x7F454C46 and filesize < 2MB and $preload and any of ($hook*) and $real and any of ($hide*) and any of ($door*)) or false
}

rule Kernel_Rootkit {
    meta:
        description = "Kernel module that changes the system call table to hide files and processes"
        risk = "high"
        attack = "T1014"
        reference = "https://attack.mitre.org/techniques/T1014/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $module1 = "__this_module" ascii
        $module2 = "vermagic=" ascii
        $table1 = "sys_call_table" ascii
        $table2 = "ftrace_set_filter_ip" ascii
        $find = "kallsyms_lookup_name" ascii
        $what1 = "getdents64" ascii
        $what2 = "tcp4_seq_show" ascii
        $what3 = "hooked_" ascii
        $what4 = "hide_" ascii
        $root1 = "prepare_creds" ascii
        $root2 = "commit_creds" ascii
    condition:
        (
            uint32be(0) == 0x7F454C46 and filesize < 2MB and all of ($module*) and any of ($table*) and $find and
            any of ($what1, $what2) and any of ($what3, $what4) and all of ($root*)
        ) or false
}

rule Linux_Family_Marks {
    meta:
        description = "Program with the marks of a known Linux family: XorDDoS, Kinsing, BPFDoor"
        risk = "high"
        attack = "T1059.004"
        reference = "https://attack.mitre.org/software/S0599/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $xor1 = "BB2FA36AAA9541F0" ascii
        $xor2 = "/var/run/gcc.pid" ascii
        $kin1 = "kdevtmpfsi" ascii
        $kin2 = "kinsing" ascii
        $kin3 = "redisBrute" ascii
        $bpf1 = "/var/run/haldrund.pid" ascii
        $bpf2 = "/dev/shm/kdmtmpflush" ascii
        $bpf3 = "hald-addon-acpi: listening on acpi kernel interface" ascii
    condition:
        (uint32be(0) == 0x7F454C46 and (all of ($xor*) or 2 of ($kin*) or 2 of ($bpf*))) or false
}

rule Perl_Irc_Bot {
    meta:
        description = "Perl script that takes commands from a chat channel and floods or scans"
        risk = "high"
        attack = "T1071"
        reference = "https://attack.mitre.org/techniques/T1498/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $perl = "perl" ascii
        $socket = "IO::Socket" ascii
        $chat1 = "PRIVMSG" ascii
        $chat2 = "JOIN " ascii
        $do1 = /udp ?flood/ nocase
        $do2 = /tcp ?flood/ nocase
        $do3 = "portscan" nocase ascii
        $do4 = "httpflood" nocase ascii
        $do5 = "back connect" nocase ascii
    condition:
        (filesize < 1MB and $perl in (0..512) and $socket and all of ($chat*) and 2 of ($do*)) or false
}

rule Pkexec_Exploit {
    meta:
        description = "Exploit of the missing argument check in pkexec, CVE-2021-4034"
        risk = "high"
        attack = "T1068"
        reference = "https://nvd.nist.gov/vuln/detail/CVE-2021-4034"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $path1 = "GCONV_PATH=." ascii
        $pkexec = "pkexec" ascii
        $charset = "CHARSET=" ascii
        $init = "gconv_init" ascii
        $shell = "GIO_USE_VFS=" ascii
        $set = "setuid" ascii
    condition:
        (filesize < 1MB and $path1 and $pkexec and 2 of ($charset, $init, $shell, $set)) or false
}

rule Mac_Script_Asks_For_Password {
    meta:
        description = "Script or program for macOS that asks for the user's password in a window of its own and tests it"
        risk = "high"
        attack = "T1056.002"
        reference = "https://attack.mitre.org/techniques/T1059/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $dialog = "display dialog" ascii
        $hidden = "hidden answer" ascii
        $test1 = "dscl . authonly" ascii
        $test2 = "dscl . -authonly" ascii
        $test3 = "security unlock-keychain" ascii
        $test4 = "login.keychain" ascii
        $test5 = "find-generic-password -ga" ascii
        $send1 = "curl -X POST" ascii
        $send2 = "ditto -c -k" ascii
        $send3 = "osascript" ascii
    condition:
        (filesize < 32MB and $dialog and $hidden and any of ($test*) and any of ($send*)) or false
}

rule Mac_Stealer_Collects_Secrets {
    meta:
        description = "Program or script for macOS that collects the keychain, browser data and wallets"
        risk = "high"
        attack = "T1555.001"
        reference = "https://attack.mitre.org/techniques/T1555/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $keychain = "login.keychain-db" ascii
        $browser1 = "Library/Application Support/Google/Chrome" ascii
        $browser2 = "BraveSoftware/Brave-Browser" ascii
        $cookies = "Cookies.binarycookies" ascii
        $notes = "NoteStore.sqlite" ascii
        $wallet1 = "Exodus/exodus.wallet" ascii
        $wallet2 = ".electrum/wallets" ascii
        $wallet3 = "Coinomi/wallets" ascii
        $wallet4 = "atomic/Local Storage/leveldb" ascii
        $wallet5 = "Ledger Live" ascii
        $telegram = "Telegram Desktop/tdata" ascii
    condition:
        (filesize < 32MB and $keychain and any of ($browser*) and 2 of ($wallet*) and any of ($cookies, $notes, $telegram)) or false
}

rule Mac_Launch_Agent_Runs_Script {
    meta:
        description = "Launch agent for macOS that runs a fetched or encoded script at every logon"
        risk = "high"
        attack = "T1543.001"
        reference = "https://attack.mitre.org/techniques/T1543/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $plist = "<plist" ascii
        $args = "<key>ProgramArguments</key>" ascii
        $load = "<key>RunAtLoad</key>" ascii
        $what1 = /<string>[^<]{0,80}(curl|wget) [^<]{0,200}\| ?(ba|z)?sh/
        $what2 = /<string>[^<]{0,80}base64 (-d|-D|--decode)[^<]{0,40}\| ?(ba|z)?sh/
        $what3 = /<string>[^<]{0,80}exec\(base64\.b64decode\(/
        $what4 = /<string>[^<]{0,20}do shell script [^<]{0,100}curl /
        $what5 = /<string>\/(tmp|private\/tmp|Users\/Shared)\/\.[\w.\-\/]{1,80}<\/string>/
    condition:
        (filesize < 128KB and $plist and $args and $load and any of ($what*)) or false
}

rule Mac_Removes_Quarantine_And_Starts {
    meta:
        description = "Script for macOS that takes the mark of the web off a file in a temporary folder and starts it"
        risk = "medium"
        attack = "T1553.001"
        reference = "https://attack.mitre.org/techniques/T1553/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $xattr1 = /xattr -(d|rd|dr) com\.apple\.quarantine ["']?(\/tmp|\/private\/tmp|\$TMPDIR|\/Users\/Shared)/
        $xattr2 = /xattr -c[r]? ["']?(\/tmp|\/private\/tmp|\$TMPDIR|\/Users\/Shared)/
        $get1 = "curl " ascii
        $get2 = "hdiutil attach" ascii
        $run1 = "chmod +x" ascii
        $run2 = "nohup " ascii
        $run3 = "open -a" ascii
    condition:
        (filesize < 1MB and any of ($xattr*) and any of ($get*) and any of ($run*)) or false
}
