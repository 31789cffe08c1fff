// Android: the walker hands over classes.dex and the binary manifest of a package as members.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

rule Android_Metasploit_Payload {
    meta:
        description = "Android program that is Metasploit's remote access payload"
        risk = "high"
        attack = "T1219"
        reference = "https://github.com/rapid7/metasploit-payloads"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $stage = "com/metasploit/stage/" ascii
        $payload = "Lcom/metasploit/stage/Payload;" ascii
        $service = "Lcom/metasploit/stage/MainService;" ascii
        $loader = "DexClassLoader" ascii
    condition:
        (uint32be(0) == 0x6465780A and $stage and 2 of ($payload, $service, $loader)) or false
}

rule Android_Known_Rats {
    meta:
        description = "Android program with the class names of a known remote access trojan"
        risk = "high"
        attack = "T1219"
        reference = "https://attack.mitre.org/matrices/mobile/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $ahmyth = "ahmyth/mine/king/ahmyth" ascii
        $spynote1 = "spynote" nocase ascii
        $spynote2 = "SCXXX" ascii
        $androrat1 = "AndroRAT" nocase ascii
        $androrat2 = "androrat/" ascii
        $omni = "com/android/tester/C" ascii
        $cerberus1 = "startAccessibilityKeylogger" nocase ascii
        $cerberus2 = "getBankInjects" nocase ascii
        $lock = "lockNow" ascii
        $sms = "createFromPdu" ascii
        $record = "MediaRecorder" ascii
    condition:
        (
            uint32be(0) == 0x6465780A and ($ahmyth or all of ($spynote*) or all of ($androrat*) or all of ($cerberus*) or
            ($omni and 2 of ($lock, $sms, $record)))
        ) or false
}

rule Android_Takes_Over_By_Accessibility {
    meta:
        description = "Android program that works the screen in the user's place, lays windows over others and reads text messages"
        risk = "medium"
        attack = "T1417"
        reference = "https://attack.mitre.org/techniques/T1453/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $service = "Landroid/accessibilityservice/AccessibilityService;" ascii
        $act1 = "performGlobalAction" ascii
        $act2 = "dispatchGesture" ascii
        $overlay1 = "SYSTEM_ALERT_WINDOW" ascii
        $overlay2 = "canDrawOverlays" ascii
        $sms1 = "createFromPdu" ascii
        $sms2 = "content://sms" ascii
        $hide1 = "setComponentEnabledSetting" ascii
        $hide2 = "lockNow" ascii
        $load1 = "DexClassLoader" ascii
        $load2 = "requestIgnoreBatteryOptimizations" ascii nocase
        $load3 = "REQUEST_IGNORE_BATTERY_OPTIMIZATIONS" ascii
        $list = "getInstalledPackages" ascii
        $list2 = "getInstalledApplications" ascii
    condition:
        (
            uint32be(0) == 0x6465780A and $service and any of ($act*) and any of ($overlay*) and any of ($sms*) and
            any of ($hide*) and any of ($load*) and any of ($list, $list2)
        ) or false
}

rule Android_Reads_And_Hides_Messages {
    meta:
        description = "Android program that takes text messages out of sight and sends them to a server"
        risk = "medium"
        attack = "T1636.004"
        reference = "https://attack.mitre.org/techniques/T1582/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $pdu = "createFromPdu" ascii
        $abort = "abortBroadcast" ascii
        $body = "getMessageBody" ascii
        $who1 = "getLine1Number" ascii
        $who2 = "getDeviceId" ascii
        $who3 = "getSubscriberId" ascii
        $send1 = "HttpURLConnection" ascii
        $send2 = "okhttp3/" ascii
        $send3 = "api.telegram.org" ascii
        $send4 = "DefaultHttpClient" ascii
        $boot = "BOOT_COMPLETED" ascii
    condition:
        (uint32be(0) == 0x6465780A and filesize < 16MB and $pdu and $abort and $body and any of ($who*) and any of ($send*) and $boot) or false
}

rule Android_Unpacks_Hidden_Program {
    meta:
        description = "Android program that decrypts another one from its assets, loads it and puts it in its own place"
        risk = "medium"
        attack = "T1407"
        reference = "https://attack.mitre.org/techniques/T1406/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $load1 = "Ldalvik/system/DexClassLoader;" ascii
        $load2 = "Ldalvik/system/InMemoryDexClassLoader;" ascii
        $assets = "Landroid/content/res/AssetManager;" ascii
        $attach = "attachBaseContext" ascii
        $thread = "currentActivityThread" ascii
        $app1 = "mLoadedApk" ascii
        $app2 = "mAllApplications" ascii
        $app3 = "mBoundApplication" ascii
        $crypt1 = "Ljavax/crypto/Cipher;" ascii
        $crypt2 = "RC4" ascii
        $native = "loadLibrary" ascii
    condition:
        (
            uint32be(0) == 0x6465780A and filesize < 2MB and any of ($load*) and $assets and $attach and $thread and
            2 of ($app*) and any of ($crypt1, $crypt2, $native)
        ) or false
}

rule Android_Installs_Other_Program {
    meta:
        description = "Small Android program that does little but install another package, from its assets or the web"
        risk = "medium"
        attack = "T1407"
        reference = "https://attack.mitre.org/techniques/T1407/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $install1 = "application/vnd.android.package-archive" ascii
        $install2 = "android.content.pm.extra.STATUS" ascii
        $session = "Landroid/content/pm/PackageInstaller$SessionParams;" ascii
        $open = "openWrite" ascii
        $assets = "Landroid/content/res/AssetManager;" ascii
        $ask1 = "MANAGE_UNKNOWN_APP_SOURCES" ascii
        $ask2 = "canRequestPackageInstalls" ascii
        $update = "update" nocase ascii
    condition:
        (uint32be(0) == 0x6465780A and filesize < 512KB and any of ($install*) and $session and $open and $assets and any of ($ask*) and $update) or false
}

rule Android_Bank_Target_List {
    meta:
        description = "Android program with the package names of many banks, which it watches for"
        risk = "high"
        attack = "T1417"
        reference = "https://attack.mitre.org/techniques/T1418/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $b1 = "com.chase.sig.android" ascii
        $b2 = "com.wf.wellsfargomobile" ascii
        $b3 = "com.infonow.bofa" ascii
        $b4 = "com.paypal.android.p2pmobile" ascii
        $b5 = "com.konylabs.capitalone" ascii
        $b6 = "com.coinbase.android" ascii
        $b7 = "com.usaa.mobile.android.usaa" ascii
        $b8 = "piuk.blockchain.android" ascii
        $b9 = "com.bankaustria.android.olb" ascii
        $b10 = "com.commbank.netbank" ascii
        $b11 = "es.bancosantander.apps" ascii
        $b12 = "com.garanti.cepsubesi" ascii
    condition:
        (filesize < 32MB and (uint32be(0) == 0x6465780A or uint32be(0) == 0x7F454C46) and 6 of them) or false
}

rule Android_Manifest_Wants_Everything {
    meta:
        description = "Android manifest that asks for text messages, accessibility, windows over others and installing programs"
        risk = "medium"
        attack = "T1453"
        reference = "https://developer.android.com/reference/android/Manifest.permission"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $p1 = "android.permission.RECEIVE_SMS" wide ascii
        $p2 = "android.permission.BIND_ACCESSIBILITY_SERVICE" wide ascii
        $p3 = "android.permission.SYSTEM_ALERT_WINDOW" wide ascii
        $p4 = "android.permission.REQUEST_INSTALL_PACKAGES" wide ascii
        $p5 = "android.permission.BIND_DEVICE_ADMIN" wide ascii
        $p6 = "android.permission.REQUEST_IGNORE_BATTERY_OPTIMIZATIONS" wide ascii
        $p7 = "android.permission.READ_SMS" wide ascii
    condition:
        (uint32be(0) == 0x03000800 and filesize < 1MB and $p2 and 5 of them) or false
}
