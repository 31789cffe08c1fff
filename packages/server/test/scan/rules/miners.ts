import { elf, pe } from './file-heads.ts'
import type { RuleCase } from './rule-case.ts'

export const MINER_CASES: readonly RuleCase[] = [
  {
    rule: 'Coin_Miner_Configured',
    hit: 'xm¦rig -o stratum+t¦cp://pool.example:3333 --donate-¦level 1',
    swap: ['stratum+t¦cp://', 'http://'],
    because: 'no pool',
    moreMisses: ['stratum+tcp://pool.example:3333 is how pools are written'],
  },
  {
    rule: 'Coin_Miner_Program',
    hit: elf('donate.v2.xm¦rig.com', 'rand¦omx'),
    swap: ['donate.v2.xm¦rig.com', 'www.example.org'],
    because: 'the algorithm alone is in other programs too',
  },
  {
    rule: 'Coin_Miner_Settings',
    hit: `{ "po¦ols": [{ "url": "pool.example:3333", "user": "4${'A'.repeat(94)}" }], "donate-¦level": 1 }`,
    swap: ['"donate-¦level"', '"level"'],
    because: 'settings of another program',
  },
  {
    rule: 'Coin_Miner_In_Page',
    hit: '<script>var m = new Coin¦Hive.Anonymous("x"); m.st¦art();</script>',
    swap: ['new Coin¦Hive.Anonymous(', 'new Timer('],
    because: 'another object',
  },
  {
    rule: 'Clipboard_Wallet_Swapper',
    hit: pe('(bc1|[13])[a-zA-HJ-NP-Z0-9]{25¦,39}', '0x[a-fA-F0-9]{4¦0}', 'GetClip¦boardData', 'SetClip¦boardData'),
    swap: ['SetClip¦boardData', 'CloseClipboard'],
    because: 'it only reads',
  },
]
