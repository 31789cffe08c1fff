// Programs and scripts that look for passwords, sessions and wallets, and the ways in which they send them home.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

rule Stealer_Browser_Passwords {
    meta:
        description = "Program that reads the saved passwords of many browsers, the rare ones included"
        risk = "high"
        attack = "T1555.003"
        reference = "https://attack.mitre.org/techniques/T1555/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $data = "Login Data" ascii wide
        $state = "Local State" ascii wide
        $key1 = "CryptUnprotectData" ascii wide
        $key2 = "encrypted_key" ascii wide
        $key3 = "ProtectedData" ascii
        $sql = "password_value" ascii wide
        $b1 = "\\Kometa" ascii wide
        $b2 = "\\Orbitum" ascii wide
        $b3 = "\\Amigo" ascii wide
        $b4 = "\\Torch" ascii wide
        $b5 = "\\CentBrowser" ascii wide
        $b6 = "\\7Star" ascii wide
        $b7 = "\\Sputnik" ascii wide
        $b8 = "\\Epic Privacy Browser" ascii wide
        $b9 = "\\uCozMedia" ascii wide
        $b10 = "\\CocCoc" ascii wide
        $b11 = "\\Iridium" ascii wide
        $b12 = "\\Elements Browser" ascii wide
    condition:
        (filesize < 32MB and $data and any of ($key*) and any of ($state, $sql) and 4 of ($b*)) or false
}

rule Stealer_Python_Browser_Passwords {
    meta:
        description = "Python that decrypts the saved passwords of browsers and sends them away"
        risk = "high"
        attack = "T1555.003"
        reference = "https://attack.mitre.org/techniques/T1567/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $data = "Login Data" ascii
        $unprotect = "CryptUnprotectData" ascii
        $gcm = "MODE_GCM" ascii
        $sql = "password_value" ascii
        $send1 = "api/webhooks/" ascii
        $send2 = "api.telegram.org/bot" ascii
        $send3 = "requests.post(" ascii
        $send4 = "smtplib" ascii
        $send5 = "gofile.io" ascii
    condition:
        (filesize < 4MB and $data and $unprotect and any of ($gcm, $sql) and any of ($send*) and uint16be(0) != 0x4D5A) or false
}

rule Stealer_Wallet_Folders {
    meta:
        description = "Program or script that looks for the folders of many wallets"
        risk = "high"
        attack = "T1005"
        reference = "https://attack.mitre.org/techniques/T1657/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $w1 = "\\Exodus\\exodus.wallet" nocase ascii wide
        $w2 = "\\Electrum\\wallets" nocase ascii wide
        $w3 = "\\Ethereum\\keystore" nocase ascii wide
        $w4 = "\\atomic\\Local Storage" nocase ascii wide
        $w5 = "\\Coinomi\\Coinomi\\wallets" nocase ascii wide
        $w6 = "com.liberty.jaxx" nocase ascii wide
        $w7 = "\\Guarda\\Local Storage" nocase ascii wide
        $w8 = "\\Armory" ascii wide
        $w9 = "\\bytecoin" nocase ascii wide
        $w10 = "\\Zcash" ascii wide
        $w11 = "\\Binance" ascii wide
        $w12 = "\\WalletWasabi" nocase ascii wide
        $d1 = "\\\\Exodus\\\\exodus.wallet" nocase ascii
        $d2 = "\\\\Electrum\\\\wallets" nocase ascii
        $d3 = "\\\\Ethereum\\\\keystore" nocase ascii
        $d4 = "\\\\atomic\\\\Local Storage" nocase ascii
        $d5 = "\\\\Coinomi\\\\Coinomi\\\\wallets" nocase ascii
    condition:
        (filesize < 32MB and (4 of ($w*) or 4 of ($d*))) or false
}

rule Stealer_Wallet_Extensions {
    meta:
        description = "Program or script with the identifiers of many browser wallets beside the folder where they keep their data"
        risk = "high"
        attack = "T1005"
        reference = "https://attack.mitre.org/techniques/T1217/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $e1 = "nkbihfbeogaeaoehlefnkodbefgpgknn" ascii wide
        $e2 = "ibnejdfjmmkpcnlpebklmnkoeoihofec" ascii wide
        $e3 = "fhbohimaelbohpjbbldcngcnapndodjp" ascii wide
        $e4 = "bfnaelmomeimhlpmgjnjophhpkkoljpa" ascii wide
        $e5 = "hnfanknocfeofbddgcijnmhnfnkdnaad" ascii wide
        $e6 = "ejbalbakoplchlghecdalmeeeajnimhm" ascii wide
        $e7 = "aholpfdialjgjfhomihkjbmgjidlcdno" ascii wide
        $e8 = "egjidjbpglichdcondbcbdnbeeppgdph" ascii wide
        $where1 = "Local Extension Settings" ascii wide
        $where2 = "User Data" ascii wide
        $where3 = "leveldb" ascii wide
    condition:
        (filesize < 32MB and 3 of ($e*) and any of ($where*)) or false
}

rule Stealer_Chat_And_Game_Sessions {
    meta:
        description = "Program or script that copies the sessions of chat and game programs"
        risk = "high"
        attack = "T1539"
        reference = "https://attack.mitre.org/techniques/T1005/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $telegram1 = "Telegram Desktop\\tdata" ascii wide
        $telegram2 = "D877F783D5D3EF8C" ascii wide
        $telegram3 = "key_datas" ascii wide
        $discord1 = "discordcanary\\Local Storage" nocase ascii wide
        $discord2 = "discordptb" nocase ascii wide
        $steam1 = "ssfn" ascii wide fullword
        $steam2 = "loginusers.vdf" ascii wide
        $browser1 = "Login Data" ascii wide
        $browser2 = "\\Cookies" ascii wide
        $wallet = "wallet.dat" ascii wide
    condition:
        (
            filesize < 32MB and any of ($telegram*) and any of ($discord*, $steam*) and any of ($browser*, $wallet) and
            not uint32be(0) == 0x7F454C46
        ) or false
}

rule Stealer_Discord_Tokens {
    meta:
        description = "Program or script that looks for Discord's session tokens and sends them away"
        risk = "high"
        attack = "T1528"
        reference = "https://attack.mitre.org/techniques/T1528/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $token1 = "[\\w-]{24}\\.[\\w-]{6}\\.[\\w-]{27}" ascii wide
        $token2 = "[\\w-]{24,26}\\.[\\w-]{6}\\.[\\w-]{25,110}" ascii wide
        $token3 = "mfa\\.[\\w-]{84}" ascii wide
        $token4 = "dQw4w9WgXcQ:" ascii wide
        $where1 = "leveldb" ascii wide
        $where2 = "discordcanary" nocase ascii wide
        $where3 = "Local Storage" ascii wide
        $send1 = "/api/webhooks/" ascii wide
        $send2 = "/users/@me" ascii wide
    condition:
        (filesize < 32MB and any of ($token*) and any of ($where*) and any of ($send*)) or false
}

rule Stealer_Reports_To_Telegram {
    meta:
        description = "Program or script that sends the machine's address, passwords or screen to a Telegram bot"
        risk = "high"
        attack = "T1567"
        reference = "https://attack.mitre.org/techniques/T1102/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $api = "api.telegram.org/bot" ascii wide
        $token = /\d:AA[A-Za-z0-9_-]{33}\b/ ascii wide
        $send1 = "sendDocument" ascii wide
        $send2 = "sendMessage" ascii wide
        $what1 = "Login Data" ascii wide
        $what2 = "screenshot" nocase ascii wide
        $what3 = "api.ipify.org" ascii wide
        $what4 = "ip-api.com" ascii wide
        $what5 = "clipboard" nocase ascii wide
        $what6 = "passwords" nocase ascii wide
        $what7 = "keylog" nocase ascii wide
        $what8 = "cookies" nocase ascii wide
        $html = "<html" nocase ascii
    condition:
        (filesize < 16MB and $api and $token and any of ($send*) and 2 of ($what*) and not $html) or false
}

rule Stealer_Reports_To_Discord {
    meta:
        description = "Program or script that sends passwords, cookies or the screen to a Discord channel"
        risk = "high"
        attack = "T1567.004"
        reference = "https://attack.mitre.org/techniques/T1567/004/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $hook = /discord(app)?\.com\/api\/webhooks\/\d{17,20}\/[\w-]{60}/ ascii wide
        $what1 = "Login Data" ascii wide
        $what2 = "CryptUnprotectData" ascii wide
        $what3 = "api.ipify.org" ascii wide
        $what4 = "leveldb" ascii wide
        $what5 = "ImageGrab" ascii wide
        $what6 = "CopyFromScreen" ascii wide
        $what7 = "GetAsyncKeyState" ascii wide
        $what8 = "Get-Clipboard" nocase ascii wide
        $what9 = "netsh wlan show profile" nocase ascii wide
        $what10 = "ip-api.com" ascii wide
    condition:
        (filesize < 16MB and $hook and any of ($what*)) or false
}

rule Stealer_Mail_And_File_Transfer_Passwords {
    meta:
        description = "Program that reads the saved passwords of mail and file transfer programs"
        risk = "high"
        attack = "T1555"
        reference = "https://attack.mitre.org/software/S0331/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $mail1 = "IMAP Password" ascii wide
        $mail2 = "POP3 Password" ascii wide
        $mail3 = "SMTP Password" ascii wide
        $mail4 = "9375CFF0413111d3B88A00104B2A6676" nocase ascii wide
        $ftp1 = "Martin Prikryl\\WinSCP 2\\Sessions" nocase ascii wide
        $ftp2 = "FileZilla\\recentservers.xml" nocase ascii wide
        $ftp3 = "CoreFTP\\sites.idx" nocase ascii wide
        $ftp4 = "SmartFTP\\Client 2.0\\Favorites" nocase ascii wide
        $ftp5 = "FTP Navigator\\Ftplist.txt" nocase ascii wide
        $ftp6 = "FlashFXP\\" nocase ascii wide
        $other1 = "\\Foxmail" nocase ascii wide
        $other2 = "\\The Bat!" nocase ascii wide
        $other3 = "Trillian" ascii wide
        $other4 = "\\Pidgin\\accounts.xml" nocase ascii wide
        $other5 = ".purple\\accounts.xml" nocase ascii wide
    condition:
        (filesize < 16MB and 2 of ($mail*) and 2 of ($ftp*) and any of ($other*)) or false
}

rule Stealer_Cloud_Keys {
    meta:
        description = "Script that gathers the keys of cloud accounts, SSH and package registries and sends them away"
        risk = "high"
        attack = "T1552.001"
        reference = "https://attack.mitre.org/techniques/T1552/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $k1 = ".aws/credentials" ascii
        $k2 = ".ssh/id_rsa" ascii
        $k3 = ".kube/config" ascii
        $k4 = ".docker/config.json" ascii
        $k5 = ".git-credentials" ascii
        $k6 = ".npmrc" ascii
        $k7 = "gcloud/credentials.db" ascii
        $k8 = ".azure/" ascii
        $k9 = ".pypirc" ascii
        $k10 = ".bash_history" ascii
        $k11 = "169.254.169.254" ascii
        $send11 = "curl -F" ascii
        $send12 = "curl -s -F" ascii
        $send13 = "curl --form" ascii
        $send14 = "curl -T" ascii
        $send15 = "curl --data-binary" ascii
        $send16 = "curl -d @" ascii
        $send17 = "curl -X POST -d @" ascii
        $send18 = "curl --upload-file" ascii
        $send2 = "requests.post(" ascii
        $send3 = /method["']? ?: ?["']POST["']/ ascii
        $send4 = "webhook.site" ascii
        $send5 = "transfer.sh" ascii
        $send6 = "urlopen(" ascii
    condition:
        (filesize < 512KB and 5 of ($k*) and any of ($send*)) or false
}

rule Keylogger_Windows {
    meta:
        description = "Program that writes down keys with the window they were typed in"
        risk = "high"
        attack = "T1056.001"
        reference = "https://attack.mitre.org/techniques/T1056/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $hook1 = "SetWindowsHookEx" ascii
        $hook2 = "GetAsyncKeyState" ascii
        $hook3 = "RegisterRawInputDevices" ascii
        $window1 = "GetForegroundWindow" ascii
        $window2 = "GetWindowText" ascii
        $k1 = "[BACKSPACE]" nocase ascii wide
        $k2 = "[CAPS LOCK]" nocase ascii wide
        $k3 = "[CAPSLOCK" nocase ascii wide
        $k4 = "[ENTER]" nocase ascii wide
        $k5 = "[PRTSC" nocase ascii wide
        $k6 = "[Page Down]" nocase ascii wide
        $k7 = "[CTRL]" nocase ascii wide
        $k8 = "[WIN]" nocase ascii wide
        $k9 = "{BACKSPACE}" ascii wide
        $k10 = "{CAPSLOCK}" ascii wide
    condition:
        (uint16be(0) == 0x4D5A and filesize < 8MB and any of ($hook*) and all of ($window*) and 4 of ($k*)) or false
}

rule Keylogger_Python {
    meta:
        description = "Python that writes down keys and sends them away"
        risk = "high"
        attack = "T1056.001"
        reference = "https://attack.mitre.org/techniques/T1056/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $import1 = "pynput" ascii
        $import2 = "import keyboard" ascii
        $import3 = "pyHook" ascii
        $listen1 = "on_press" ascii
        $listen2 = "keyboard.on_release(" ascii
        $listen3 = "HookKeyboard(" ascii
        $send1 = "smtplib" ascii
        $send2 = "api/webhooks/" ascii
        $send3 = "api.telegram.org/bot" ascii
        $send4 = "ftplib" ascii
        $send5 = "requests.post(" ascii
    condition:
        (filesize < 512KB and any of ($import*) and any of ($listen*) and any of ($send*)) or false
}
