// Pages that hide or lead on, and scams in plain words.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

rule Page_Written_In_Escapes {
    meta:
        description = "Page that exists only as one long escaped text which it writes into itself"
        risk = "medium"
        attack = "T1027"
        reference = "https://attack.mitre.org/techniques/T1566/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $unescape = /document\.write(ln)?\( ?(window\.)?(unescape|decodeURIComponent|decodeURI)\( ?["'](%[0-9a-f]{2}){60}/ nocase
        $atob = /document\.write(ln)?\( ?(decodeURIComponent\( ?escape\( ?)?(window\.)?atob\( ?["'][A-Za-z0-9+\/]{200}/ nocase
        $codes = /document\.write(ln)?\( ?String\.fromCharCode\(( ?\d{1,3} ?,){60}/ nocase
    condition:
        (filesize < 8MB and any of them) or false
}

rule Page_Leads_On_With_Victims_Address {
    meta:
        description = "Tiny page that decodes an address and leads there with the reader's mail address"
        risk = "medium"
        attack = "T1566.002"
        reference = "https://attack.mitre.org/techniques/T1027/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $go1 = "location.href" ascii
        $go2 = "location.replace(" ascii
        $go3 = "location.assign(" ascii
        $go4 = "window.location" ascii
        $decode = /atob\( ?["'`](aHR0c|Ly9)/
        $who1 = "location.hash" ascii
        $who2 = /["'`]#["'`]? ?\+ ?\w{0,16}(mail|user)/ nocase
        $who3 = "email" nocase ascii
        $html = "<script" nocase ascii
    condition:
        (filesize < 16KB and $html and $decode and any of ($go*) and any of ($who*)) or false
}

rule Page_Asks_For_Wallet_Words {
    meta:
        description = "Page that asks for the secret words of a wallet and sends them away"
        risk = "high"
        attack = "T1566.002"
        reference = "https://attack.mitre.org/techniques/T1657/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $ask1 = /(enter|type|paste|import)[^<>\r\n]{0,40}(seed|recovery|secret|mnemonic|backup)[ -]?(recovery )?phrase/ nocase
        $ask2 = /name ?= ?["']?(phrase|mnemonic|seed(phrase)?|recovery_?phrase)["' >]/ nocase
        $send1 = "api.telegram.org/bot" ascii
        $send2 = "emailjs.send" nocase ascii
        $send3 = "formsubmit.co" nocase ascii
        $send4 = /<form[^>]{0,200}action ?= ?["']?[^"'>\r\n]{1,150}\.php/ nocase
        $send5 = "api/webhooks/" ascii
        $words = /(12|24|twelve)[ -]?(words?|word phrase)/ nocase
    condition:
        (filesize < 4MB and all of ($ask*) and any of ($send*) and $words) or false
}

rule Page_Empties_Wallets {
    meta:
        description = "Page whose script asks a wallet to give away its coins"
        risk = "medium"
        attack = "T1657"
        reference = "https://attack.mitre.org/techniques/T1657/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $connect1 = "eth_requestAccounts" ascii
        $connect2 = "solana.connect(" ascii
        $take1 = "setApprovalForAll" ascii
        $take2 = "increaseAllowance" ascii
        $take3 = "signTypedData_v4" ascii
        $take4 = "Permit2" ascii
        $take5 = "0x095ea7b3" nocase ascii
        $word1 = "drainer" nocase ascii
        $word2 = "minimalDrainValue" nocase ascii
        $word3 = "claim" nocase ascii fullword
        $word4 = "airdrop" nocase ascii
        $send1 = "api.telegram.org/bot" ascii
        $send2 = "api/webhooks/" ascii
    condition:
        (filesize < 8MB and any of ($connect*) and 2 of ($take*) and (any of ($word1, $word2) or (any of ($word3, $word4) and any of ($send*)))) or false
}

rule Scam_False_Support_Page {
    meta:
        description = "Page that pretends the machine is infected, does not let go and names a number to call"
        risk = "medium"
        attack = "T1566.002"
        reference = "https://support.microsoft.com/windows/protect-yourself-from-tech-support-scams-2ebf91bd-f94c-2a8a-e541-f5c800d18435"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $who1 = "Windows Defender" nocase ascii
        $who2 = "Microsoft Support" nocase ascii
        $who3 = "Windows Support" nocase ascii
        $who4 = "Apple Support" nocase ascii
        $fear1 = "been blocked" nocase ascii
        $fear4 = "is infected" nocase ascii
        $fear5 = "been infected" nocase ascii
        $fear6 = "been locked" nocase ascii
        $fear7 = "is at risk" nocase ascii
        $fear2 = "trojan" nocase ascii
        $fear3 = "spyware" nocase ascii
        $call1 = "-800-" ascii
        $call2 = "-833-" ascii
        $call3 = "-844-" ascii
        $call4 = "-855-" ascii
        $call5 = "-866-" ascii
        $call6 = "-877-" ascii
        $call7 = "-888-" ascii
        $call8 = "(800) " ascii
        $call9 = "(833) " ascii
        $call10 = "(844) " ascii
        $call11 = "(855) " ascii
        $call12 = "(866) " ascii
        $call13 = "(877) " ascii
        $call14 = "(888) " ascii
        $hold1 = "requestFullscreen" ascii
        $hold2 = "onbeforeunload" nocase ascii
        $hold3 = "navigator.keyboard.lock" ascii
        $hold4 = "history.pushState" ascii
        $hold5 = "webkitRequestFullscreen" ascii
        $hold6 = "autoplay" nocase ascii
    condition:
        (filesize < 4MB and any of ($who*) and 2 of ($fear*) and any of ($call*) and any of ($hold*)) or false
}

rule Scam_Extortion_Mail {
    meta:
        description = "Mail that claims to have filmed the reader and asks for coins"
        risk = "medium"
        attack = "T1657"
        reference = "https://attack.mitre.org/techniques/T1657/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $film1 = "recorded you" nocase ascii
        $film3 = "recorded a video" nocase ascii
        $film4 = "video of you" nocase ascii
        $film5 = "filmed you" nocase ascii
        $film6 = "your web cam" nocase ascii
        $film7 = "your camera" nocase ascii
        $film2 = "your webcam" nocase ascii
        $shame1 = "masturbat" nocase ascii
        $shame2 = "porn" nocase ascii
        $shame3 = "adult site" nocase ascii
        $shame4 = "adult web" nocase ascii
        $shame5 = "adult video" nocase ascii
        $shame6 = "intimate" nocase ascii
        $address1 = "bc1q" ascii
        $address2 = "btc address" nocase ascii
        $address3 = "bitcoin address" nocase ascii
        $address4 = "bitcoin wallet" nocase ascii
        $address5 = "btc wallet" nocase ascii
        $address6 = "bitcoin (btc)" nocase ascii
        $time = /\b(48|24|50|72) ?hours\b/ nocase
        $contacts1 = "your contacts" nocase ascii
        $contacts2 = "your friends" nocase ascii
        $contacts3 = "your relatives" nocase ascii
        $contacts4 = "your family" nocase ascii
        $contacts5 = "your colleagues" nocase ascii
        $contacts6 = "contact list" nocase ascii
    condition:
        (filesize < 128KB and any of ($film*) and any of ($shame*) and any of ($address*) and $time and any of ($contacts*)) or false
}

rule Scam_Advance_Fee_Mail {
    meta:
        description = "Mail that promises a share of millions"
        risk = "low"
        attack = "T1657"
        reference = "https://attack.mitre.org/techniques/T1657/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $kin1 = "next of kin" nocase ascii
        $kin2 = "late client" nocase ascii
        $kin3 = "unclaimed fund" nocase ascii
        $kin4 = "inheritance" nocase ascii
        $million = "million" nocase ascii
        $sum1 = "USD" ascii
        $sum2 = "US$" ascii
        $sum3 = "dollars" nocase ascii
        $sum4 = "pounds" nocase ascii
        $sum5 = "euros" nocase ascii
        $urge1 = "strictly confidential" nocase ascii
        $urge2 = "utmost confidentiality" nocase ascii
        $urge3 = "beneficiary" nocase ascii
        $urge4 = "urgent response" nocase ascii
        $urge5 = "your full name" nocase ascii
        $mail1 = "@gmail.com" nocase ascii
        $mail2 = "@yahoo.com" nocase ascii
        $mail3 = "@hotmail.com" nocase ascii
        $mail4 = "@outlook.com" nocase ascii
        $mail5 = "@qq.com" nocase ascii
        $mail6 = "@163.com" nocase ascii
        $mail7 = "@mail.ru" nocase ascii
        $mail8 = "@aol.com" nocase ascii
    condition:
        (filesize < 64KB and any of ($kin*) and $million and any of ($sum*) and 2 of ($urge*) and any of ($mail*)) or false
}

rule Spam_Mailer_PHP {
    meta:
        description = "PHP page that sends one mail to a long pasted list of addresses under any sender"
        risk = "medium"
        attack = "T1566"
        reference = "https://attack.mitre.org/techniques/T1584/004/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<?" ascii
        $list = /explode\( ?["']\\r?\\?n["'] ?, ?\$(_POST\[|\w{0,16}(mail|list|email|to)\w{0,8})/ nocase
        $loop1 = "foreach" ascii
        $loop2 = "while(" ascii
        $loop3 = "while (" ascii
        $loop4 = "for(" ascii
        $mail = /@?mail\( ?\$\w{1,16} ?, ?\$/
        $from = /From: ?["']? ?\.? ?\$?\{?\$_?(POST|\w{0,16}(name|from|sender))/ nocase
        $area = "<textarea" nocase ascii
    condition:
        (filesize < 256KB and all of ($open, $list, $mail, $from, $area) and any of ($loop*)) or false
}
