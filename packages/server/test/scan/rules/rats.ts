import { pe } from './file-heads.ts'
import { type RuleCase, wide } from './rule-case.ts'

const NET = '_CorExeMain'

export const RAT_CASES: readonly RuleCase[] = [
  {
    rule: 'Rat_AsyncRat',
    hit: pe(
      NET,
      wide('/c schtasks /create /f /sc onlogon /rl high¦est /tn'),
      'Server¦signature',
      'Client¦Socket',
      wide('Select * from Anti¦virusProduct'),
    ),
    swap: [wide('onlogon /rl high¦est'), wide('daily')],
    because: 'a program with a daily task',
  },
  {
    rule: 'Rat_Quasar',
    hit: pe('Quasar.Cli¦ent', 'GetKeylogger¦Logs', 'DoShell¦Execute'),
    swap: ['GetKeylogger¦Logs', 'GetLogs'],
    because: 'one message',
  },
  {
    rule: 'Rat_NjRat',
    hit: pe(
      wide('netsh firewall add allowed¦program "'),
      wide('cmd.exe /c ping 0 -n 2 & d¦el "'),
      wide('SEE_MASK_NOZONE¦CHECKS'),
      wide('[k¦l]'),
    ),
    swap: [wide('[k¦l]'), wide('[ok]')],
    because: 'three texts',
  },
  {
    rule: 'Rat_Remcos',
    hit: pe('Remcos_Mutex¦_Inj', 'Breaking¦Security.net', 'Offline Key¦logger Started'),
    swap: ['Offline Key¦logger Started', 'Started'],
    because: 'two texts',
  },
  {
    rule: 'Rat_NanoCore',
    hit: pe('NanoCore.Client¦Plugin', 'IClientNetwork¦Host', 'PipeExists'),
    swap: ['NanoCore.Client¦Plugin', 'ClientPlugin'],
    because: 'another program with plug-ins',
  },
  {
    rule: 'Rat_DarkComet',
    hit: pe('#BEGIN DARK¦COMET DATA --', '#KCM¦DDC'),
    swap: ['#KCM¦DDC', '#END'],
    because: 'one mark',
  },
  {
    rule: 'Rat_XWorm',
    hit: pe(wide('<Xwor¦mmm>'), wide('PCShut¦down'), wide('StartD¦Dos'), wide('send¦Plugin')),
    swap: [wide('StartD¦Dos'), wide('Start')],
    because: 'three texts',
  },
  {
    rule: 'Rat_Warzone',
    hit: pe('war¦zone160', 'rfxv¦mt.dll'),
    swap: ['war¦zone160', 'remote'],
    because: 'a program for remote desktops',
  },
  {
    rule: 'Rat_Pupy',
    hit: 'import pupy¦importer, pupw¦inutils # pupy¦://',
    swap: ['pupw¦inutils', 'os'],
    because: 'two names',
  },
  {
    rule: 'Rat_Gh0st',
    hit: pe('Gh0st Up¦date', 'Global\\Gh0¦st %d'),
    swap: ['Global\\Gh0¦st %d', 'Global\\%d'],
    because: 'one mark',
  },
  {
    rule: 'Stealer_RedLine',
    hit: pe('ScanGecko¦BrowsersPaths', 'Scanned¦Wallets', 'Scan¦Discord', 'ScanV¦PN'),
    swap: ['Scan¦Discord', 'Scan'],
    because: 'three names',
  },
  {
    rule: 'Stealer_Snake_Keylogger',
    hit: pe(wide('Snake Tra¦cker'), wide('\\SnakeKey¦logger\\')),
    swap: [wide('Snake Tra¦cker'), wide('Snake game')],
    because: 'one mark',
  },
  {
    rule: 'Remote_Support_Program_Planted',
    hit: 'anyd¦esk.exe --install c:\\a --start-with-w¦in --sil¦ent\r\necho x | anyd¦esk.exe --set-pass¦word',
    swap: ['--set-pass¦word', '--get-id'],
    because: 'an installation without a password',
  },
]
