import type { ScriptRule } from './rules.ts'

const SHARE = /(?:\\\\|file:(?:\/\/|\\\\)[^/\\\s])/

/** Small text files that Windows acts on at a double click. */
export const SHORTCUT_RULES: readonly ScriptRule[] = [
  { name: 'Shortcut.RemoteProgram', risk: 'high', attack: 'T1204.002', types: ['url'], all: [/^url\s{0,4}=\s{0,4}(?:\\\\|file:(?:\/\/|\\\\)[^/\\\s])[^\r\n]{1,400}\.(?:exe|scr|com|pif|cpl|msi|bat|cmd|ps1|vbs|vbe|js|jse|wsf|hta|lnk|jar|url|zip|iso)\s{0,9}$/im], says: 'starts a program on another machine' },
  { name: 'Shortcut.Share', risk: 'medium', attack: 'T1187', types: ['url'], all: [new RegExp(`^(?:url|iconfile|workingdirectory)\\s{0,4}=\\s{0,4}${SHARE.source}`, 'im')], says: 'opens a share on another machine' },
  { name: 'Registry.RunsCommand', risk: 'high', attack: 'T1547.001', types: ['reg'], all: [/\\currentversion\\run(?:once)?\]/i, /mshta|powershell|wscript|cscript|regsvr32|rundll32|cmd(?:\.exe)? \/c/i], says: 'a Run key that starts an interpreter' },
  { name: 'Registry.RunKey', risk: 'medium', attack: 'T1547.001', types: ['reg'], all: [/\\currentversion\\run(?:once)?\]/i], says: 'writes a Run key' },
  { name: 'Registry.Debugger', risk: 'medium', attack: 'T1546.012', types: ['reg'], all: [/image file execution options\\/i, /"debugger"=/i], says: 'puts a program before another' },
  { name: 'Registry.DefenderOff', risk: 'medium', attack: 'T1562.001', types: ['reg'], all: [/"disable(?:antispyware|realtimemonitoring)"=dword:0{0,7}1/i], says: 'switches Defender off' },
  { name: 'Inf.RemoteScriptlet', risk: 'high', attack: 'T1218.003', types: ['inf'], all: [/scrobj\.dll[^\r\n]{0,160}https?:|,NI,https?:/i], says: 'registers a remote scriptlet' },
  { name: 'Inf.RunsCommand', risk: 'medium', attack: 'T1218.003', types: ['inf'], all: [/^\s{0,9}run(?:pre|post)setupcommands\s{0,9}=/im, /powershell|mshta|cmd(?:\.exe)? \/c|wscript/i], says: 'runs an interpreter when it is installed' },
  { name: 'Query.Web', risk: 'medium', attack: 'T1559.002', types: ['iqy'], all: [/https?:\/\//i], says: 'a sheet that a web address fills' },
] // biome-ignore format: a table
