import { elf, pe } from './file-heads.ts'
import type { RuleCase } from './rule-case.ts'

const ONION = `${'abcdefgh234567'.repeat(4)}.on¦ion`

export const RANSOMWARE_CASES: readonly RuleCase[] = [
  {
    rule: 'Shadow_Copies_Deleted',
    hit: 'vss¦admin delete shad¦ows /all /quiet',
    swap: ['delete shad¦ows', 'list shadows'],
    because: 'it lists them',
    moreMisses: ['vssadmin delete shadows /for=C: /oldest'],
  },
  {
    rule: 'Ransomware_Program_Prepares',
    hit: pe('delete shad¦ows', 'recovery¦enabled no', 'CryptEn¦crypt', 'decr¦ypt', '.on¦ion'),
    swap: ['recovery¦enabled no', 'bootstatuspolicy'],
    because: 'one step of preparation',
  },
  {
    rule: 'Ransom_Note_With_Hidden_Service',
    hit: `All your files have been encr¦ypted. Install Tor Brow¦ser and open http://${ONION}/ to decr¦ypt them.`,
    swap: [ONION, 'www.example.org'],
    because: 'no hidden service',
  },
  {
    rule: 'Ransom_Note_With_Mail_Address',
    hit: 'Your files are encr¦ypted! Write to help@proton¦mail.com with your¦ ID. Do not re¦name the files.',
    swap: ['help@proton¦mail.com', 'the service desk'],
    because: 'help from the own house',
  },
  {
    rule: 'Ransom_Note_Of_Known_Family',
    hit: '---=== Wel¦come. Again. ===---\n\n[+] Whats¦ Happen? [+]\n',
    swap: ['[+] Whats¦ Happen? [+]', 'News'],
    because: 'one phrase',
  },
  {
    rule: 'WannaCry_Program',
    hit: pe('WNcry¦@2ol7', 'WANA¦CRY!', 't.wn¦ry'),
    swap: ['WANA¦CRY!', 'text'],
    because: 'two marks',
  },
  {
    rule: 'Ransomware_Ends_Database_Programs',
    hit: pe(
      'agnt¦svc.exe',
      'isqlplus¦svc.exe',
      'xfssvc¦con.exe',
      'mydesktop¦service.exe',
      'ocauto¦upds.exe',
      'enc¦svc.exe',
      'tbird¦config.exe',
    ),
    swap: ['enc¦svc.exe', 'a.exe'],
    because: 'six of the list',
  },
  {
    rule: 'Script_Ends_Backup_Services',
    hit: 'net st¦op MSS¦QL\r\nnet st¦op Vee¦am\r\nnet st¦op Backup¦Exec\r\nnet st¦op MSExch¦ange\r\nnet st¦op Soph¦os\r\nbcd¦edit /set x',
    swap: ['Soph¦os', 'Spooler'],
    because: 'four of the list',
  },
  {
    rule: 'Event_Logs_Emptied',
    hit: 'wev¦tutil cl System\r\nwev¦tutil cl Security\r\nwev¦tutil cl Application\r\n',
    swap: [' cl ', ' gl '],
    because: 'it asks for their settings',
  },
  {
    rule: 'Ransomware_For_Virtual_Machine_Hosts',
    hit: elf('esxcli vm process¦ kill --type=force', '/vmfs/¦volumes', '.vm¦dk', 'encr¦ypted'),
    swap: ['esxcli vm process¦ kill', 'esxcli vm process list'],
    because: 'it lists them',
  },
  {
    rule: 'Script_Destroys_Disk',
    hit: '@ec¦ho off\r\nform¦at d: /y\r\nrd /s /q c:\\ \r\n',
    swap: ['form¦at d: /y', 'dir d:'],
    because: 'one step',
    moreHits: ['#!/bin/sh\nrm -rf --no-pre¦serve-root /\ndd if=/dev/ze¦ro of=/dev/s¦da\n'],
  },
]
