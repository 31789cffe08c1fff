import { elf, pe } from './file-heads.ts'
import type { RuleCase } from './rule-case.ts'

const NET = '_CorExeMain'

export const TOOL_CASES: readonly RuleCase[] = [
  {
    rule: 'Mimikatz',
    hit: pe('gentil¦kiwi', 'sekur¦lsa'),
    swap: ['gentil¦kiwi', 'author'],
    because: 'one word',
    moreMisses: ['gentilkiwi and sekurlsa in a text'],
  },
  {
    rule: 'Mimikatz_Commands_In_Script',
    hit: 'm.exe "privil¦ege::debug" "sekur¦lsa::logon¦passwords"',
    swap: ['sekur¦lsa::logon¦passwords', 'version'],
    because: 'no command on passwords',
  },
  {
    rule: 'PowerShell_Attack_Functions',
    hit: 'function Invoke-Kerb¦eroast { Param($x) }',
    swap: ['Invoke-Kerb¦eroast', 'Invoke-Backup'],
    because: 'another function',
  },
  {
    rule: 'Rubeus',
    hit: pe('Rub¦eus', 'asrep¦roast', 'kerb¦eroast', 'ask¦tgt'),
    swap: ['ask¦tgt', 'ask'],
    because: 'two commands',
  },
  {
    rule: 'SharpHound',
    hit: pe('Sharp¦Hound', 'Collection¦Method', 'GPOLocal¦Group', 'DC¦Only'),
    swap: ['GPOLocal¦Group', 'Group'],
    because: 'two names',
  },
  {
    rule: 'Net_Attack_Tools',
    hit: pe(NET, 'SharpD¦PAPI'),
    swap: ['SharpD¦PAPI', 'SharpZip'],
    because: 'another library',
  },
  {
    rule: 'Remote_Execution_Service',
    hit: pe('PSEXE¦SVC', 'PsExec¦ Service'),
    swap: ['PSEXE¦SVC', 'SVC'],
    because: 'one name',
  },
  {
    rule: 'Remote_Execution_Traces',
    hit: 'cmd.exe /Q /c dir 1> \\\\127.0.0.1\\ADM¦IN$\\__1700000000.1 2>&1',
    swap: ['\\\\127.0.0.1\\ADM¦IN$\\__', 'C:\\logs\\'],
    because: 'output in a file of its own',
  },
  {
    rule: 'Lsass_Memory_Dumped',
    hit: 'rundll32.exe C:\\windows\\system32\\comsv¦cs.dll, Mini¦Dump 624 a.dmp full',
    swap: ['Mini¦Dump', 'Install'],
    because: 'another function',
    moreHits: ['proc¦dump64.exe -accepteula -ma ls¦ass.exe a.dmp'],
  },
  {
    rule: 'Password_Stores_Of_System_Copied',
    hit: 'reg save hklm\\s¦am a.hiv\r\nreg save hklm\\sys¦tem b.hiv',
    swap: ['hklm\\s¦am', 'hklm\\software'],
    because: 'no passwords there',
  },
  {
    rule: 'LaZagne',
    hit: elf('laZa¦gne', 'lazagne.soft¦wares', 'write_output'),
    swap: ['lazagne.soft¦wares', 'softwares'],
    because: 'one name',
  },
  {
    rule: 'Privilege_Escalation_Potato',
    hit: pe('Juicy¦Potato', 'SeImpersonate¦Privilege'),
    swap: ['Juicy¦Potato', 'Service'],
    because: 'services use this right',
  },
  {
    rule: 'Privilege_Checks_For_Linux',
    hit: '#!/bin/bash\n# lin¦peas\nfind / -perm¦ -4000\nsudo -l\ncat /etc/sha¦dow',
    swap: ['lin¦peas', 'audit'],
    because: 'the check of an administrator',
  },
  {
    rule: 'Tunnel_Program',
    hit: elf('runtime.gopanic', 'github.com/jpil¦lora/chisel', 'chisel-¦v3'),
    swap: ['chisel-¦v3', 'v3'],
    because: 'one mark',
  },
  {
    rule: 'Name_Service_Poisoner',
    hit: 'NBT-NS, LLM¦NR & MDNS Resp¦onder 3.0\nNTL¦Mv2 WP¦AD',
    swap: ['MDNS Resp¦onder', 'MDNS server'],
    because: 'another program',
  },
]
