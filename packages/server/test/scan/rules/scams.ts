import { base64, type RuleCase } from './rule-case.ts'

const ADDRESS = base64('https://192.0.2.1/login')

export const SCAM_CASES: readonly RuleCase[] = [
  {
    rule: 'Page_Written_In_Escapes',
    hit: `<script>document.wr¦ite(unes¦cape("${'%3c'.repeat(90)}"))</script>`,
    swap: ['document.wr¦ite(', 'show('],
    because: 'it does not write itself',
    moreMisses: ['<script>document.write(unescape("%3Cscript src=\'https://stats.example/a.js\'%3E"))</script>'],
  },
  {
    rule: 'Page_Leads_On_With_Victims_Address',
    hit: `<script>window.loca¦tion = at¦ob("${ADDRESS}") + loca¦tion.hash</script>`,
    swap: ['at¦ob(', 'pick('],
    because: 'nothing is decoded',
  },
  {
    rule: 'Page_Asks_For_Wallet_Words',
    hit: 'Enter your 12 word reco¦very phrase <form action="send.p¦hp"><textarea name="phr¦ase">',
    swap: ['name="phr¦ase"', 'name="question"'],
    because: 'a page on how to keep the words',
  },
  {
    rule: 'Page_Empties_Wallets',
    hit: 'ethereum.request("eth_request¦Accounts"); c.setApproval¦ForAll(); c.increase¦Allowance(); // drai¦ner',
    swap: ['drai¦ner', 'market'],
    because: 'a market',
  },
  {
    rule: 'Scam_False_Support_Page',
    hit: 'Windows De¦fender: your PC has been blo¦cked by a tro¦jan. Call 1-8¦44-555-0100 <script>document.body.requestFull¦screen()</script>',
    swap: ['requestFull¦screen', 'focus'],
    because: 'a page that lets go',
  },
  {
    rule: 'Scam_Extortion_Mail',
    hit: 'I reco¦rded you through your web¦cam on an adu¦lt site. Send $900 to my Bit¦coin wallet within 48 hours or your con¦tacts will see it.',
    swap: ['within 48 hours', 'soon'],
    because: 'no time limit',
  },
  {
    rule: 'Scam_Advance_Fee_Mail',
    hit: 'As next of¦ kin you are the bene¦ficiary of 9.5 million US dollars. This is strictly conf¦idential. Write to a@gma¦il.com',
    swap: ['next of¦ kin', 'winner'],
    because: 'another story',
  },
  {
    rule: 'Spam_Mailer_PHP',
    hit: '<?php $l = explode("\\n", $_PO¦ST["emails"]); foreach ($l as $to) ma¦il($to, $s, $m, "From: $name"); ?><textarea>',
    swap: ['explode(', 'count('],
    because: 'no list',
  },
]
