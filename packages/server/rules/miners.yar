// Coin miners: often installed on purpose, so medium at most where nothing else speaks against them.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

rule Coin_Miner_Configured {
    meta:
        description = "Program or script with a mining pool's address and a miner's options"
        risk = "medium"
        attack = "T1496"
        reference = "https://attack.mitre.org/techniques/T1496/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $pool1 = "stratum+tcp://" nocase ascii wide
        $pool2 = "stratum+ssl://" nocase ascii wide
        $option1 = "--donate-level" ascii wide
        $option2 = "xmrig" nocase ascii wide
        $option3 = "\"algo\": \"rx/0\"" ascii
        $option4 = "cryptonight" nocase ascii wide
    condition:
        (any of ($pool*) and 2 of ($option*)) or false
}

rule Coin_Miner_Program {
    meta:
        description = "Program that is the XMRig miner or made of it"
        risk = "medium"
        attack = "T1496.001"
        reference = "https://xmrig.com/docs"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $donate = "donate.v2.xmrig.com" ascii
        $donate2 = "donate.ssl.xmrig.com" ascii
        $stratum = "stratum+" ascii
        $option1 = "--donate-level" ascii
        $option2 = "--randomx-mode" ascii
        $option3 = "--coin" ascii
        $algo1 = "rx/arq" ascii
        $algo2 = "cn-heavy/tube" ascii
        $algo3 = "randomx" nocase ascii
    condition:
        (
            (uint16be(0) == 0x4D5A or uint32be(0) == 0x7F454C46 or uint32be(0) == 0xCFFAEDFE) and filesize < 64MB and
            (any of ($donate, $donate2) or ($stratum and any of ($option*))) and any of ($algo*)
        ) or false
}

rule Coin_Miner_Settings {
    meta:
        description = "Settings of the XMRig miner with a pool and a wallet"
        risk = "medium"
        attack = "T1496.001"
        reference = "https://xmrig.com/docs/miner/config"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $pools = "\"pools\"" ascii
        $donate = "\"donate-level\"" ascii
        $user = /"user" ?: ?"(4[0-9AB][1-9A-HJ-NP-Za-km-z]{93}|[48][1-9A-HJ-NP-Za-km-z]{94,105})/
        $url = /"url" ?: ?"[^"]{4,100}:\d{2,5}"/
    condition:
        (filesize < 256KB and all of them) or false
}

rule Coin_Miner_In_Page {
    meta:
        description = "Page that makes its visitor's browser mine coins"
        risk = "medium"
        attack = "T1496"
        reference = "https://attack.mitre.org/techniques/T1496/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $make1 = /new (CoinHive|CRLT|Client|deepMiner|EverythingIsLife|PR0GRAMMERKR)\.(Anonymous|User|Token)\(["']/ nocase
        $make2 = "EverythingIsLife(" ascii
        $start = /\.start\(|startMining\(/
        $script1 = "coinhive.min.js" nocase ascii
        $script2 = "webmr.js" nocase ascii
        $script3 = "cryptonight.wasm" nocase ascii
        $script4 = "crypta.js" nocase ascii
    condition:
        (filesize < 2MB and any of ($make*) and ($start or any of ($script*))) or false
}

rule Clipboard_Wallet_Swapper {
    meta:
        description = "Program or script that watches the clipboard for wallet addresses and puts its own in their place"
        risk = "high"
        attack = "T1115"
        reference = "https://attack.mitre.org/techniques/T1657/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $btc1 = "(bc1|[13])[a-zA-HJ-NP-Z0-9]{25,39}" ascii wide
        $btc2 = "^(1|3)[a-km-zA-HJ-NP-Z" ascii wide
        $btc3 = "[13][a-km-zA-HJ-NP-Z1-9]{25,34}" ascii wide
        $eth = "0x[a-fA-F0-9]{40}" ascii wide
        $xmr1 = "4[0-9AB][1-9A-HJ-NP-Za-km-z]{93}" ascii wide
        $xmr2 = "4([0-9]|[A-B])(.){93}" ascii wide
        $get1 = "GetClipboardData" ascii
        $get2 = "Clipboard.GetText" ascii
        $get3 = "pyperclip" ascii
        $get4 = "AddClipboardFormatListener" ascii
        $get5 = "GetText" ascii fullword
        $set1 = "SetClipboardData" ascii
        $set2 = "Clipboard.SetText" ascii
        $set3 = "pyperclip.copy" ascii
        $set4 = "SetText" ascii fullword
    condition:
        (filesize < 16MB and any of ($btc*) and any of ($eth, $xmr1, $xmr2) and any of ($get*) and any of ($set*)) or false
}
