import { elf, pe } from './file-heads.ts'
import { hex, type RuleCase } from './rule-case.ts'

const HASH_LOOP = hex('AC3C617C022C20¦C1CF0D01C7')
/** The start of a settings block, every byte XOR the key: numbers, types and lengths, no values. */
const SETTINGS = '0001000100020000000200010002000000030002000400000000000400020004'

export const LOADER_CASES: readonly RuleCase[] = [
  {
    rule: 'Reflective_Loader_Beacon',
    hit: pe('Reflective¦Loader', 'bea¦con.x64.dll'),
    swap: ['bea¦con.x64.dll', 'plugin.dll'],
    because: 'a library that loads itself may be harmless',
    moreMisses: [pe('beacon.dll')],
  },
  {
    rule: 'Shellcode_Finds_Calls_By_Hash',
    hit: `${hex('648B5030¦8B520C8B52148B72280FB74A2631FF')}${HASH_LOOP}`,
    swap: [HASH_LOOP, hex('9090')],
    because: 'it walks the list, and makes no hash',
  },
  {
    rule: 'Shellcode_Written_In_Script',
    hit: 'buf = [0xfc, 0x4¦8, 0x83, 0xe4, 0xf0, 0xe8]',
    swap: ['0xe4', '0xe5'],
    because: 'other bytes',
    moreHits: ['x = "/EiD5¦PDo"', 'b"\\xfc\\xe8\\x8¦2\\x00\\x00\\x00\\x60\\x89"'],
  },
  {
    rule: 'Shellcode_Known_Call_Hashes',
    hit: `....${hex('4C77¦2607')}..${hex('58A4¦53E5')}..${hex('3A56¦79A7')}..${hex('EA0F¦DFE0')}`,
    swap: [hex('EA0FDFE0'), '....'],
    because: 'three may be chance',
  },
  {
    rule: 'Header_Made_Runnable',
    hit: `${hex('4D5A4152¦554889E54881EC20000000488D1D')}....`,
    swap: [hex('4D5A4152'), hex('4D5A9000')],
    because: 'an ordinary head',
  },
  {
    rule: 'Donut_Shellcode',
    hit: `${hex('E800080000¦00080000')}${'\0'.repeat(0x800 - 4)}${hex('5931C0480F88')}....`,
    swap: [hex('5931C0480F88'), hex('C3C3C3C3C3C3')],
    because: 'no code behind the data',
  },
  {
    rule: 'Shellcode_Reflective_Library',
    hit: `${hex('E8000000¦00594989C84881C123010000BA450000004981C0')}....`,
    swap: [hex('594989C8'), hex('59C3C3C3')],
    because: 'other code',
  },
  {
    rule: 'Beacon_Settings',
    hit: `....${hex(SETTINGS)}`,
    swap: [hex(SETTINGS.slice(0, 12)), hex('000200010002')],
    because: 'another table',
    moreHits: [0x69, 0x2e].map((key) =>
      Buffer.from(SETTINGS, 'hex')
        .map((byte) => byte ^ key)
        .reduce((text, byte) => text + String.fromCharCode(byte), '..'),
    ),
  },
  {
    rule: 'Beacon_Texts',
    hit: pe("I'm already in S¦MB mode"),
    swap: ['S¦MB mode', 'use'],
    because: 'other words',
    moreHits: ['Started service %s¦ on %s\0%s as %s\\%s¦: %d\0could not spawn¦ %s: %d\0Could not connect¦ to pipe: %d'],
  },
  {
    rule: 'Meterpreter_Program',
    hit: elf('stdapi_sys_process_ex¦ecute', 'core_channel_¦open', 'core_trans¦port_add'),
    swap: ['core_channel_¦open', 'channel'],
    because: 'two names',
  },
  {
    rule: 'Go_Implant',
    hit: elf('runtime.gopanic', 'github.com/bishop¦fox/sliver/protobuf', 'sliver¦pb.Envelope'),
    swap: ['sliver¦pb.', 'pb.'],
    because: 'one name',
  },
  {
    rule: 'Program_Hollows_Process',
    hit: pe(
      'NtUnmapView¦OfSection',
      'WriteProcess¦Memory',
      'SetThread¦Context',
      'Virtual¦AllocEx',
      'CreateProcessW',
      'ResumeThread',
    ),
    swap: ['NtUnmapView¦OfSection', 'ReadProcessMemory'],
    because: 'a debugger',
  },
  {
    rule: 'Net_Program_Injects_Code',
    hit: pe('_CorExeMain', 'Virtual¦AllocEx', 'WriteProcess¦Memory', 'CreateRemote¦Thread', 'FromBase64String'),
    swap: ['CreateRemote¦Thread', 'CloseHandle'],
    because: 'it starts nothing there',
  },
  {
    rule: 'Program_Fetches_From_Paste_Site',
    hit: pe('_CorExeMain', 'paste¦bin.com/raw/x', 'DownloadData', 'Load', 'get_Entry¦Point'),
    swap: ['get_Entry¦Point', 'get_Length'],
    because: 'data, no program',
  },
  {
    rule: 'Program_Ends_Security_Products',
    hit: pe(
      'MsMp¦Eng.exe',
      'Sentinel¦Agent.exe',
      'CSFalcon¦Service.exe',
      'Cylance¦Svc.exe',
      'ek¦rn.exe',
      'TerminateProcess',
      'DeviceIoControl',
    ),
    swap: ['ek¦rn.exe', 'a.exe'],
    because: 'four of the list',
  },
]
