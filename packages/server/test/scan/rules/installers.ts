import { elf, OLE, pe, peWithSections } from './file-heads.ts'
import { hex, type RuleCase, wide } from './rule-case.ts'

const SHELL = 'power¦shell'
const UPX_INFO = '$In¦fo: This file is packed with the UPX executable packer'

export const INSTALLER_CASES: readonly RuleCase[] = [
  {
    rule: 'Msi_Action_Runs_Hidden_Command',
    hit: `${OLE}....CustomAct¦ion....${SHELL} -nop -w hid¦den -file a.ps1`,
    swap: ['-w hid¦den', '-NoLogo'],
    because: 'the window is seen',
  },
  {
    rule: 'Msi_Script_Action_Fetches_Program',
    hit: `${OLE}....CustomAct¦ion....MSXML2.¦XMLHTTP ADODB.¦Stream SaveTo¦File WScript.¦Shell`,
    swap: ['SaveTo¦File', 'ReadText'],
    because: 'it writes nothing',
  },
  {
    rule: 'Sfx_7z_Starts_Script',
    hit: pe(';!@Inst¦all@!UTF-8!\nGUIMode="2"\nRunProgram="hidcon:cm¦d /c a.b¦at"\n;!@InstallEnd@!'),
    swap: ['cm¦d /c a.b¦at', 'setup.exe'],
    because: 'an ordinary installation',
  },
  {
    rule: 'Sfx_Rar_Starts_Script_Silently',
    hit: 'Rar!\x1a\x07Path=%te¦mp%\r\nSilent=¦1\r\nSetup=wscr¦ipt a.v¦bs\r\n',
    swap: ['Setup=wscr¦ipt a.v¦bs', 'Setup=setup.exe'],
    because: 'an ordinary installation',
  },
  {
    rule: 'Iexpress_Package_Starts_Script',
    hit: pe('WEXT¦RACT', wide('RUNPRO¦GRAM'), 'cm¦d /c a.bat'),
    swap: ['cm¦d /c a.bat', 'setup.exe'],
    because: 'an ordinary installation',
  },
  {
    rule: 'AutoIt_Program',
    hit: pe('AU3!E¦A06', 'This is a third-party compiled Auto¦It script.'),
    swap: ['AU3!E¦A06', 'AU3'],
    because: 'no compiled script',
  },
  {
    rule: 'PyInstaller_Program',
    hit: pe('_MEI¦PASS2', hex('4D45490C0B¦0A0B0E')),
    swap: [hex('4D45490C0B0A0B0E'), 'archive'],
    because: 'no archive of scripts',
  },
  {
    rule: 'PowerShell_Made_Into_Program',
    hit: pe('_CorExeMain', 'ModuleName¦Space', 'PS2EXE¦Host', wide('-extract:"<FILE¦NAME>"')),
    swap: ['PS2EXE¦Host', 'Host'],
    because: 'another program',
  },
  {
    rule: 'Packed_By_Upx',
    hit: peWithSections(['UP¦X0', 'UP¦X1'], 'UP¦X!'),
    swap: ['UP¦X1', '.data'],
    because: 'one section is not enough',
  },
  {
    rule: 'Packed_By_Altered_Upx',
    hit: peWithSections(['UP¦X0', 'UP¦X1'], 'XXXX'),
    swap: ['XXXX', 'UP¦X!'],
    because: 'the mark is there',
  },
  {
    rule: 'Elf_Packed_By_Upx',
    hit: elf('UP¦X!', UPX_INFO),
    swap: [UPX_INFO, 'information'],
    because: 'no text of the packer',
  },
  {
    rule: 'Elf_Packed_By_Altered_Upx',
    hit: elf('UP¦X!', 'x'.repeat(2000), 'UP¦X!'),
    swap: ['x'.repeat(2000), `${'x'.repeat(2000)}.shstrtab`],
    because: 'packed programs have no table of sections',
  },
  {
    rule: 'Protected_By_Themida',
    hit: peWithSections(['.text', '.them¦ida', '.boot']),
    swap: ['.them¦ida', '.data'.padEnd(8, '\0')],
    because: 'other sections',
  },
  {
    rule: 'Protected_By_VMProtect',
    hit: peWithSections(['.text', '.vm¦p0', '.vm¦p1']),
    swap: ['.vm¦p1', '.rsrc'],
    because: 'one section is not enough',
  },
  {
    rule: 'Protected_By_Enigma',
    hit: peWithSections(['.text', '.enig¦ma1', '.enig¦ma2']),
    swap: ['.enig¦ma2', '.rsrc'],
    because: 'one section is not enough',
  },
  {
    rule: 'Packed_By_Old_Packer',
    hit: peWithSections(['.text', '.asp¦ack', '.ada¦ta']),
    swap: ['.asp¦ack', '.idata'],
    because: 'one section is not enough',
    moreHits: [peWithSections(['.MPRE¦SS1', '.MPRE¦SS2'])],
  },
  {
    rule: 'Net_Program_Made_Unreadable',
    hit: pe('_CorExeMain', 'ConfusedBy¦Attribute'),
    swap: ['ConfusedBy¦Attribute', 'DebuggableAttribute'],
    because: 'another attribute',
  },
  {
    rule: 'Net_Program_By_Reactor',
    hit: pe('_CorExeMain', wide('{11111-222¦22-50001-00000}')),
    swap: [wide('{11111-222¦22-'), wide('{12345-678¦90-')],
    because: 'another number',
  },
  {
    rule: 'Python_Protected_By_PyArmor',
    hit: "from pyarmor_run¦time import __pyarmor__\n__pyarmor__(__name__, __file__, b'PYAR¦MOR')",
    swap: ['PYAR¦MOR', 'DATA'],
    because: 'no packed code',
  },
]
