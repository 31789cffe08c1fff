import type { ScriptRule } from './rules.ts'

const SH = ['sh']
const PY = ['py']
const PHP = ['php']

export const UNIX_RULES: readonly ScriptRule[] = [
  { name: 'Shell.ReverseShell', risk: 'high', attack: 'T1059.004', types: [...SH, 'py', 'perl', 'php', 'js'], all: [/\b(?:ba|z|k)?sh\s{1,9}-i\s{0,9}[>&0-9<]{1,6}\s{0,4}\/dev\/tcp\/[\w.$-]{1,80}\/|\bnc(?:at)?\b[^\r\n|;]{0,80}\s-\w{0,6}[ec]\s{1,4}["']?\/bin\/(?:ba)?sh|mkfifo[^\n]{0,160}sh\s{1,4}-i[^\n]{0,80}\|\s{0,4}nc(?:at)?\s/], says: 'gives a shell to another machine' },
  {
    name: 'Shell.ReverseShell',
    risk: 'high',
    attack: 'T1059.004',
    types: SH,
    all: [
      /exec\s{1,9}\d{1,3}<>\s{0,4}\/dev\/tcp\//,
      /\b(?:ba|z|k)?sh\b(?:\s{1,4}-\w{1,4}){0,2}\s{0,4}<&\s{0,4}\d|(?:while|cat)[^\n]{0,60}<&\s{0,4}\d[^\n]{0,80}(?:\$\w{1,20}|eval|sh)[^\n]{0,40}>&\s{0,4}\d/,
    ],
    says: 'gives a shell to another machine',
  },
  { name: 'Shell.FetchFromAddress', risk: 'high', attack: 'T1105', types: SH, all: [/(?:wget|curl|tftp|ftpget)\b[^\r\n]{0,200}\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}[^\r\n]{0,200}[;&\n][^\r\n]{0,80}chmod\s{1,4}(?:\+x|[0-7]{3,4})[^\r\n]{0,160}[;&\n]\s{0,9}\.\//], says: 'fetches a program from a bare address and runs it' },
  { name: 'Shell.CronFetch', risk: 'high', attack: 'T1053.003', types: SH, all: [/(?:\*\/?\d{0,2}\s{1,3}){4}\*[^\r\n]{0,120}(?:curl|wget)[^\r\n|]{0,200}\|\s{0,9}(?:ba)?sh\b/, /cron/], says: 'a time table that runs what it fetches' },
  { name: 'Shell.DecodesAndRuns', risk: 'medium', attack: 'T1027', types: SH, all: [/base64\s{1,4}(?:-d|-D|--decode)\b[^\r\n|;]{0,80}\|\s{0,9}(?:sudo\s{1,9})?(?:ba|z|da)?sh\b|eval\s{1,4}["']?\$\(\s{0,4}(?:echo|printf)[^\r\n]{0,8000}\|\s{0,4}base64\s{1,4}-d/], says: 'runs decoded text' },
  { name: 'Shell.FetchFromAddressRun', risk: 'medium', attack: 'T1105', types: SH, all: [/(?:curl|wget)\b[^\r\n|]{0,120}https?:\/\/(?!127\.|10\.|192\.168\.|169\.254\.)\d{1,3}(?:\.\d{1,3}){3}[^\r\n|]{0,200}\|\s{0,9}(?:sudo\s{1,9})?(?:ba|z|da)?sh\b/], says: 'runs what it fetches from a bare address' },
  { name: 'Shell.Miner', risk: 'medium', attack: 'T1496', types: [...SH, 'py', 'ps1', 'bat', 'vbs'], all: [/stratum\+(?:tcp|ssl):\/\/|\bxmrig\b[^\r\n]{0,200}(?:-o|--url)\s/i], says: 'mines coins' },
  { name: 'Shell.PreloadWritten', risk: 'medium', attack: 'T1574.006', types: SH, all: [/>{1,2}\s{0,4}\/etc\/ld\.so\.preload/], says: 'writes ld.so.preload' },
  { name: 'Python.ReverseShell', risk: 'high', attack: 'T1059.006', types: PY, all: [/dup2\(\s{0,4}\w{1,40}\.fileno\(\)/, /\.connect\(\s{0,4}\(/, /["']\/bin\/(?:ba|z)?sh["']|pty\.spawn|cmd\.exe/], says: 'gives a shell to another machine' },
  { name: 'Python.RunsHiddenCode', risk: 'high', attack: 'T1027', types: PY, all: [/exec\s{0,4}\(\s{0,4}\(?\s{0,4}(?:_{1,40}|__import__\(\s{0,4}["'](?:base64|zlib|marshal|lzma)["'])[^\r\n]{0,40}(?:b64decode|decompress|loads|\()/, /b64decode|decompress/, /\[::-1\]|["'][A-Za-z0-9+/=]{400,}|b["']\\x|=kf|=IX/], says: 'runs packed code out of its own text' },
  { name: 'Python.RunsDecoded', risk: 'medium', attack: 'T1027', types: PY, all: [/\bexec\s{0,4}\(\s{0,4}(?:zlib\.decompress|base64\.b(?:64|85|32)decode|marshal\.loads\(\s{0,4}(?:zlib|base64|lzma)|lzma\.decompress|codecs\.decode)\s{0,4}\(/], says: 'runs decoded text' },
  { name: 'Python.Injection', risk: 'high', attack: 'T1055', types: PY, all: [/virtualalloc/i, /rtlmovememory|memmove|writeprocessmemory/i, /createthread|createremotethread/i, /windll|kernel32/i], says: 'writes code into memory and runs it' },
  { name: 'Python.Stealer', risk: 'high', attack: 'T1555.003', types: [...PY, 'js', 'ps1', 'vbs'], all: [/discord(?:app)?\.com\/api\/webhooks\/|api\.telegram\.org\/bot/i, /login data|\\local state|cookies\.sqlite|key4\.db|leveldb/i], says: 'sends saved passwords to a chat' },
  { name: 'Php.RunsHiddenCode', risk: 'high', attack: 'T1505.003', types: PHP, all: [/\b(?:eval|assert)\s{0,9}\(\s{0,9}(?:@\s{0,4})?(?:gzinflate|gzuncompress|base64_decode|str_rot13|strrev|gzdecode|hex2bin)\s{0,9}\(/i], says: 'runs packed code out of its own text' },
  { name: 'Php.RunsRequest', risk: 'high', attack: 'T1505.003', types: PHP, all: [/\b(?:eval|assert|system|shell_exec|passthru|popen|proc_open|pcntl_exec)\s{0,9}\(\s{0,9}(?:@\s{0,4})?(?:base64_decode\s{0,9}\(\s{0,9})?\$_(?:GET|POST|REQUEST|COOKIE|SERVER)\b/], says: 'runs what a request says' },
] // biome-ignore format: a table
