import type { ScriptRule } from './rules.ts'

const WSH = ['js', 'vbs', 'vbe', 'wsf', 'hta', 'html']
const SHELLS = ['ps1', 'bat']
const ALL = [...WSH, ...SHELLS]

const SHELL = /wscript\.shell|shell\.application/i
const HTTP = /xmlhttp|winhttprequest|serverxmlhttp|winhttp\.winhttp/i
const STREAM = /adodb\.stream|savetofile/i
const RUN = /\.(?:run|exec|shellexecute)\b\s{0,9}[("'\w]/i
const HIDDEN = /powershell[^\r\n]{0,200}\s[-/]w(?:in?|indow|indowstyle)?\s{1,9}(?:h|hid|hidden|1)\b/i
const FETCH = /downloadstring|downloadfile|downloaddata|invoke-webrequest|invoke-restmethod|\biwr\b|\birm\b/i
const EXPRESSION = /\biex\b|invoke-expression/i

export const WINDOWS_RULES: readonly ScriptRule[] = [
  { name: 'Script.Dropper', risk: 'high', attack: 'T1105', types: WSH, all: [SHELL, HTTP, STREAM, RUN], says: 'fetches a file, saves it and runs it' },
  { name: 'Script.ShellDownload', risk: 'high', attack: 'T1059.001', types: WSH, all: [/powershell[^\r\n]{0,600}(?:downloadstring|downloadfile|frombase64string|\biwr\b|\birm\b)/i, SHELL], says: 'starts PowerShell to fetch or decode code' },
  { name: 'Script.HiddenPowerShell', risk: 'high', attack: 'T1564.003', types: WSH, all: [HIDDEN, SHELL], says: 'starts PowerShell in a hidden window' },
  { name: 'Script.RunKey', risk: 'medium', attack: 'T1547.001', types: WSH, all: [/regwrite[^\r\n]{0,200}\\currentversion\\run/i], says: 'writes a Run key' },
  { name: 'Script.SelfCopy', risk: 'medium', attack: 'T1547.001', types: WSH, all: [/copyfile[^\r\n]{0,200}scriptfullname|scriptfullname[^\r\n]{0,200}\.copy/i, /startup/i], says: 'copies itself to the start-up folder' },
  { name: 'PowerShell.Encoded', risk: 'high', attack: 'T1027.010', types: ALL, all: [/powershell[^\r\n]{0,300}\s[-/]e(?:nc?|c|nco\w{0,20})?\s{1,9}["']?[A-Za-z0-9+/=]{40,}/i, HIDDEN], says: 'an encoded command in a hidden window' },
  { name: 'PowerShell.EncodedCommand', risk: 'medium', attack: 'T1027.010', types: ALL, all: [/powershell[^\r\n]{0,300}\s[-/]e(?:nc?|c|nco\w{0,20})?\s{1,9}["']?[A-Za-z0-9+/=]{40,}/i], says: 'an encoded command' },
  { name: 'PowerShell.HiddenDownload', risk: 'high', attack: 'T1059.001', types: ALL, all: [HIDDEN, FETCH, /\biex\b|invoke-expression|start-process|invoke-item/i], says: 'fetches and runs code in a hidden window' },
  { name: 'PowerShell.DownloadRun', risk: 'medium', attack: 'T1059.001', types: SHELLS, all: [/(?:downloadstring|invoke-webrequest|invoke-restmethod|\biwr\b|\birm\b)[^\r\n]{0,300}\|\s{0,9}(?:iex\b|invoke-expression)|(?:\biex\b|invoke-expression)[^\r\n]{0,160}(?:downloadstring|\biwr\b|\birm\b|invoke-webrequest)/i], says: 'runs what it fetches' },
  { name: 'PowerShell.AmsiBypass', risk: 'high', attack: 'T1562.001', types: ALL, all: [/amsiutils|amsiinitfailed|amsicontext|amsiscanbuffer/i, /setvalue|getfield|virtualprotect|\[ref\]|marshal/i], says: 'switches script scanning off' },
  { name: 'PowerShell.Injection', risk: 'high', attack: 'T1055', types: ALL, all: [/virtualalloc/i, /createthread|getdelegateforfunctionpointer|createremotethread|queueuserapc/i], says: 'writes code into memory and runs it' },
  { name: 'PowerShell.LoadsHiddenCode', risk: 'high', attack: 'T1620', types: ['ps1', 'bat'], all: [/assembly\]?::load\w{0,20}\s{0,9}\(\s{0,9}(?:\[(?:system\.)?convert\]::frombase64string|\$\w{1,40}\s{0,9}\))/i, /frombase64string/i, /\.invoke\s{0,9}\(|entrypoint/i], says: 'loads a program that stands in its own text' },
  { name: 'PowerShell.UnpacksCode', risk: 'high', attack: 'T1027', types: SHELLS, all: [/frombase64string/i, /gzipstream|deflatestream/i, EXPRESSION], says: 'unpacks code from its own text and runs it' },
  { name: 'Windows.DefenderOff', risk: 'medium', attack: 'T1562.001', types: ALL, all: [/set-mppreference[^\r\n]{0,200}-disable|add-mppreference[^\r\n]{0,200}-exclusion|\\windows defender[^\r\n]{0,120}disableantispyware/i], says: 'switches Defender off' },
  { name: 'Windows.ShadowsDeleted', risk: 'high', attack: 'T1490', types: ALL, all: [/vssadmin(?:\.exe)?\s{1,9}delete\s{1,9}shadows|wmic(?:\.exe)?\s{1,9}shadowcopy\s{1,9}delete|bcdedit[^\r\n]{0,80}recoveryenabled\s{1,9}no\b/i], says: 'deletes the means of recovery' },
  { name: 'Windows.MshtaRemote', risk: 'high', attack: 'T1218.005', types: ALL, all: [/\bmshta(?:\.exe)?["']?\s{1,9}["']?(?:https?:|javascript:|vbscript:)/i], says: 'mshta with a URL' },
  { name: 'Windows.Regsvr32Remote', risk: 'high', attack: 'T1218.010', types: ALL, all: [/\bregsvr32(?:\.exe)?\b[^\r\n]{0,120}[-/]i:["']?(?:https?:|\\\\)/i], says: 'regsvr32 with a remote scriptlet' },
  { name: 'Windows.Rundll32Script', risk: 'high', attack: 'T1218.011', types: ALL, all: [/\brundll32(?:\.exe)?["']?\s{1,9}["']?javascript:/i], says: 'rundll32 with a script' },
  { name: 'Windows.WmicRemote', risk: 'high', attack: 'T1220', types: ALL, all: [/\bwmic\b[^\r\n]{0,160}\/format:["']?https?:/i], says: 'wmic with a remote style sheet' },
  { name: 'Windows.MsiexecRemote', risk: 'medium', attack: 'T1218.007', types: ALL, all: [/\bmsiexec(?:\.exe)?\b[^\r\n]{0,80}https?:\/\//i, /msiexec[^\r\n]{0,160}\/q/i], says: 'a silent installation from a URL' },
  { name: 'Windows.CertutilFetch', risk: 'medium', attack: 'T1105', types: ALL, all: [/\bcertutil(?:\.exe)?\b[^\r\n]{0,120}-(?:urlcache|verifyctl)[^\r\n]{0,120}https?:/i], says: 'certutil fetches a file' },
  { name: 'Windows.BitsFetch', risk: 'medium', attack: 'T1197', types: ALL, all: [/\bbitsadmin(?:\.exe)?\b[^\r\n]{0,160}\/transfer\b[^\r\n]{0,200}https?:/i], says: 'bitsadmin fetches a file' },
  { name: 'Batch.FetchAndStart', risk: 'high', attack: 'T1105', types: ['bat'], all: [/\b(?:certutil(?:\.exe)?\b[^\r\n]{0,120}-urlcache|bitsadmin(?:\.exe)?\b[^\r\n]{0,80}\/transfer|powershell[^\r\n]{0,200}downloadfile)/i, /\bstart\s{1,9}|%(?:temp|tmp|appdata|public)%\\[^\r\n]{1,80}\.(?:exe|dll|vbs|js|bat|scr)/i], says: 'fetches a file and starts it' },
  { name: 'Batch.RunKey', risk: 'medium', attack: 'T1547.001', types: SHELLS, all: [/\breg(?:\.exe)?\s{1,9}add\b[^\r\n]{0,120}\\currentversion\\run\b/i], says: 'writes a Run key' },
] // biome-ignore format: a table

/** Only where unfolding has shown them: nobody hides these words without a reason. */
export const HIDDEN_WORDS: readonly RegExp[] = [
  SHELL,
  STREAM,
  HTTP,
  /\bpowershell\b/i,
  /\bmshta\b/i,
  /regsvr32/i,
  /downloadstring|downloadfile/i,
  /invoke-expression/i,
  /amsiutils/i,
  /virtualalloc/i,
  /frombase64string/i,
]
