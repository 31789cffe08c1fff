import { dex } from './file-heads.ts'
import { hex, type RuleCase, wide } from './rule-case.ts'

const ACCESS = 'Landroid/accessibility¦service/AccessibilityService;'
const ASSETS = 'Landroid/content/res/AssetManager;'
const PERMISSION = 'android.permission.'

export const ANDROID_CASES: readonly RuleCase[] = [
  {
    rule: 'Android_Metasploit_Payload',
    hit: dex('Lcom/meta¦sploit/stage/Payload;', 'Ldalvik/system/Dex¦ClassLoader;'),
    swap: ['Lcom/meta¦sploit/stage/', 'Lcom/example/'],
    because: 'another program',
  },
  {
    rule: 'Android_Known_Rats',
    hit: dex('Lahm¦yth/mine/king/ahm¦yth/MainService;'),
    swap: ['ahm¦yth/mine/king', 'example/app'],
    because: 'another program',
  },
  {
    rule: 'Android_Takes_Over_By_Accessibility',
    hit: dex(
      ACCESS,
      'performGlobal¦Action',
      'canDraw¦Overlays',
      'createFrom¦Pdu',
      'lock¦Now',
      'Dex¦ClassLoader',
      'getInstalled¦Packages',
    ),
    swap: ['createFrom¦Pdu', 'onGesture'],
    because: 'a screen reader reads no messages',
  },
  {
    rule: 'Android_Reads_And_Hides_Messages',
    hit: dex(
      'createFrom¦Pdu',
      'abort¦Broadcast',
      'getMessage¦Body',
      'getDevice¦Id',
      'HttpURLConnection',
      'BOOT_COMPLETED',
    ),
    swap: ['abort¦Broadcast', 'notify'],
    because: 'a program for messages shows them',
  },
  {
    rule: 'Android_Unpacks_Hidden_Program',
    hit: dex(
      'Ldalvik/system/Dex¦ClassLoader;',
      ASSETS,
      'attachBase¦Context',
      'currentActivity¦Thread',
      'mLoaded¦Apk',
      'mAll¦Applications',
      'Ljavax/crypto/Cipher;',
    ),
    swap: ['mLoaded¦Apk', 'mName'],
    because: 'plug-ins',
  },
  {
    rule: 'Android_Installs_Other_Program',
    hit: dex(
      'application/vnd.android.package-archi¦ve',
      'Landroid/content/pm/PackageInst¦aller$SessionParams;',
      'openWrite',
      ASSETS,
      'canRequest¦PackageInstalls',
      'update',
    ),
    swap: ['canRequest¦PackageInstalls', 'check'],
    because: 'it asks for no right to install',
  },
  {
    rule: 'Android_Bank_Target_List',
    hit: dex(
      'com.chase.sig.¦android',
      'com.wf.wells¦fargomobile',
      'com.infonow.¦bofa',
      'com.konylabs.¦capitalone',
      'com.coinbase.¦android',
      'piuk.block¦chain.android',
    ),
    swap: ['com.coinbase.¦android', 'com.example'],
    because: 'five names',
  },
  {
    rule: 'Android_Manifest_Wants_Everything',
    hit:
      hex('03000800') +
      ['RECEIVE_¦SMS', 'BIND_ACCESS¦IBILITY_SERVICE', 'SYSTEM_ALERT¦_WINDOW', 'REQUEST_INSTALL¦_PACKAGES', 'READ_¦SMS']
        .map((name) => wide(PERMISSION + name))
        .join('\0\0'),
    swap: [wide('READ_¦SMS'), wide('INTERNET')],
    because: 'four rights',
  },
]
