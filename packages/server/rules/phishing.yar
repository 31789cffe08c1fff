// Pages that ask for passwords, and the kits behind them.

// Every condition ends in `or false`: YARA-X 1.20 applies the size and magic tests of one rule to all rules that share a string
// with it, which then miss; it does not where the tests are not the whole of the condition (docs/rules.md).

rule Phishing_Kit_Mails_Passwords {
    meta:
        description = "PHP that mails the passwords of a form with the visitor's address and sends the visitor on"
        risk = "high"
        attack = "T1598.003"
        reference = "https://attack.mitre.org/techniques/T1598/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<?" ascii
        $mail = /@?mail\( ?\$/
        $field = /\$_(POST|REQUEST)\[ ?["'](pass(word|wd)?|pwd|passwd|psw|email_?pass|login_?pass)\d?["'] ?\]/ nocase
        $visitor1 = "REMOTE_ADDR" ascii
        $visitor2 = "HTTP_USER_AGENT" ascii
        $visitor3 = "geoplugin" ascii
        $on = /header\( ?["']Location: ?/ nocase
        $mark1 = "ReZulT" nocase ascii
        $mark2 = "|-----------" ascii
        $mark3 = /\$(subject|subj|sub) ?\.?= ?["'][^"']{0,40}(result|logs?|login|fullz|true login|new)[^"']{0,40}(\$ip|\{\$ip|["'] ?\.)/ nocase
        $mark4 = "IP: $ip" nocase ascii
        $mark5 = "IP : $ip" nocase ascii
        $mark6 = "IP Address : $ip" nocase ascii
        $mark7 = "IP Address: $ip" nocase ascii
        $mark8 = "IP: \".$ip" nocase ascii
        $mark9 = "IP : \".$ip" nocase ascii
        $mark10 = "IP Address : \".$ip" nocase ascii
        $mark11 = "IP: {$ip" nocase ascii
    condition:
        (filesize < 64KB and $open and $mail and $field and any of ($visitor*) and $on and any of ($mark*)) or false
}

rule Phishing_Kit_Sends_To_Telegram {
    meta:
        description = "PHP that sends the passwords or codes of a form to a Telegram chat"
        risk = "high"
        attack = "T1598.003"
        reference = "https://attack.mitre.org/techniques/T1567/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<?" ascii
        $api = "api.telegram.org/bot" ascii
        $field = /\$_(POST|REQUEST|SESSION)\[ ?["'](pass\w{0,8}|pwd|passwd|otp|sms|cvv2?|cvc|pin|card\w{0,8}|cc\w{0,8}|email|user\w{0,6}|login\w{0,6}|phrase|seed)["'] ?\]/ nocase
        $visitor1 = "REMOTE_ADDR" ascii
        $visitor2 = "HTTP_X_FORWARDED_FOR" ascii
        $visitor3 = "HTTP_USER_AGENT" ascii
        $chat = "chat_id" ascii
    condition:
        (filesize < 256KB and $open and $api and $field and any of ($visitor*) and $chat) or false
}

rule Phishing_Kit_Takes_Cards {
    meta:
        description = "PHP that mails the numbers of cards and the codes on their backs"
        risk = "high"
        attack = "T1598.003"
        reference = "https://attack.mitre.org/techniques/T1598/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<?" ascii
        $cvv = /\$_(POST|REQUEST)\[ ?["'](cvv2?|cvc2?|csc|securitycode|cvn)["'] ?\]/ nocase
        $number = /\$_(POST|REQUEST)\[ ?["'](cc|ccn|cardnumber|card_?num(ber)?|ccnum(ber)?|cnum|pan|number)["'] ?\]/ nocase
        $send1 = /@?mail\( ?\$/
        $send2 = "api.telegram.org/bot" ascii
        $send3 = /fopen\( ?["'][^"']{1,40}\.(txt|log)["'] ?, ?["']a/ nocase
        $visitor1 = "REMOTE_ADDR" ascii
        $visitor2 = "HTTP_USER_AGENT" ascii
    condition:
        (filesize < 64KB and $open and $cvv and $number and any of ($send*) and any of ($visitor*)) or false
}

rule Phishing_Kit_Keeps_Scanners_Out {
    meta:
        description = "PHP that shows an error to the scanners of security companies and hosting firms"
        risk = "high"
        attack = "T1480"
        reference = "https://attack.mitre.org/techniques/T1497/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $open = "<?" ascii
        $n1 = "phishtank" nocase ascii
        $n2 = "cyveillance" nocase ascii
        $n3 = "softlayer" nocase ascii
        $n4 = "netcraft" nocase ascii
        $n5 = "calyxinstitute" nocase ascii
        $n6 = "tor-exit" nocase ascii
        $n7 = "dreamhost" nocase ascii
        $n8 = "amazonaws" nocase ascii
        $n9 = "opendns" nocase ascii
        $n10 = "kaspersky" nocase ascii
        $n11 = "paypal" nocase ascii
        $n12 = "trendmicro" nocase ascii
        $look1 = "gethostbyaddr(" ascii
        $look2 = "HTTP_USER_AGENT" ascii
        $out1 = "404 Not Found" ascii
        $out2 = "die(" ascii
        $out3 = "exit(" ascii
        $out4 = "exit;" ascii
    condition:
        (filesize < 128KB and $open and 5 of ($n*) and any of ($look*) and any of ($out*)) or false
}

rule Phishing_Page_Sends_To_Telegram {
    meta:
        description = "Page that sends what is typed into its password field to a Telegram chat"
        risk = "high"
        attack = "T1566.002"
        reference = "https://attack.mitre.org/techniques/T1567/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $html = "<input" nocase ascii
        $password = /type ?= ?["']?password/ nocase
        $api = "api.telegram.org/bot" ascii
        $api64 = "api.telegram.org/bot" base64
        $chat = "chat_id" ascii
        $send1 = "sendMessage" ascii
        $send2 = "sendDocument" ascii
    condition:
        (filesize < 8MB and $html and $password and any of ($api, $api64) and ($chat or any of ($send*))) or false
}

rule Phishing_Page_Sends_To_Form_Service {
    meta:
        description = "Page whose password field goes to a public form service"
        risk = "medium"
        attack = "T1566.002"
        reference = "https://attack.mitre.org/techniques/T1566/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $password = /type ?= ?["']?password/ nocase
        $service1 = "formspree.io/f/" ascii
        $service2 = "submit-form.com/" ascii
        $service3 = "formsubmit.co/" ascii
        $service4 = "getform.io/f/" ascii
        $service5 = "script.google.com/macros/s/" ascii
        $service6 = "api.emailjs.com/" ascii
        $service7 = "formcarry.com/s/" ascii
        $service8 = "usebasin.com/f/" ascii
        $service9 = "formbold.com/s/" ascii
        $service10 = "api.web3forms.com/submit" ascii
        $form = "<form" nocase ascii
    condition:
        (filesize < 8MB and $password and $form and any of ($service*)) or false
}

rule Phishing_Microsoft_Sign_In {
    meta:
        description = "Copy of Microsoft's sign-in page that sends the password elsewhere"
        risk = "high"
        attack = "T1566.002"
        reference = "https://attack.mitre.org/techniques/T1056/003/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $password = /type ?= ?["']?password/ nocase
        $brand1 = "aadcdn.msauth.net" nocase ascii
        $brand2 = "aadcdn.msftauth.net" nocase ascii
        $brand3 = "logincdn.msauth.net" nocase ascii
        $brand4 = "logincdn.msftauth.net" nocase ascii
        $brand5 = "<title>Sign in to your account</title>" nocase ascii
        $brand6 = "<title>Sign in to your Microsoft account</title>" nocase ascii
        $form = /action ?= ?["']?[^"'> \r\n]{1,120}\.php\b/ nocase
        $php1 = ".php\"" nocase ascii
        $php2 = ".php'" nocase ascii
        $send1 = "$.ajax" ascii
        $send2 = "fetch(" ascii
        $send3 = "XMLHttpRequest" ascii
        $send4 = "$.post" ascii
        $own1 = "action=\"https://login.microsoftonline.com" nocase ascii
        $own2 = "action=\"https://login.live.com" nocase ascii
    condition:
        (filesize < 4MB and $password and any of ($brand*) and ($form or (any of ($php*) and any of ($send*))) and not any of ($own*)) or false
}

rule Phishing_Brand_Sign_In {
    meta:
        description = "Page in the name of a well-known sender whose password goes to a script on another host"
        risk = "medium"
        attack = "T1566.002"
        reference = "https://attack.mitre.org/techniques/T1566/002/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $password = /type ?= ?["']?password/ nocase
        $t1 = /<title>[^<]{0,40}\b(DHL|FedEx|UPS|USPS|Docu ?Sign|Adobe (PDF|Document|ID|Acrobat)|WeTransfer|Dropbox|OneDrive|SharePoint|Excel Online|PayPal|Apple ID|iCloud|Netflix|Facebook|Instagram|Amazon|Chase|Wells Fargo|Webmail|Roundcube|Zimbra|cPanel)\b/ nocase
        $send1 = "action=\"http" nocase ascii
        $send2 = "action='http" nocase ascii
        $send3 = "action=http" nocase ascii
        $php1 = ".php\"" nocase ascii
        $php2 = ".php'" nocase ascii
        $own = "facebook.com/login" nocase ascii
    condition:
        (filesize < 2MB and $password and $t1 and any of ($send*) and any of ($php*) and not $own) or false
}

rule Phishing_Page_Knows_Its_Victim {
    meta:
        description = "Page that says every password is wrong, to be given it twice, and was made for one reader's address"
        risk = "high"
        attack = "T1566.001"
        reference = "https://attack.mitre.org/techniques/T1566/001/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $password = /type ?= ?["']?password/ nocase
        $wrong1 = "password is incorrect" nocase ascii
        $wrong2 = "incorrect password" nocase ascii
        $wrong3 = "enter the correct password" nocase ascii
        $wrong4 = "wrong password" nocase ascii
        $count1 = "count++" nocase ascii
        $count2 = "attempt++" nocase ascii
        $count3 = "attempts++" nocase ascii
        $count4 = "tries++" nocase ascii
        $count5 = "counter++" nocase ascii
        $count6 = "count=count+1" nocase ascii
        $count7 = "count = count + 1" nocase ascii
        $count8 = "count += 1" nocase ascii
        $count9 = "count+=1" nocase ascii
        $who1 = "window.location.hash" ascii
        $who2 = "location.hash.sub" ascii
        $who3 = /(email|userid) ?= ?(atob\( ?)?["'][A-Za-z0-9+\/=._\-]{2,60}/ nocase
        $send1 = "$.ajax" ascii
        $send2 = "fetch(" ascii
        $send3 = "XMLHttpRequest" ascii
        $send4 = "$.post" ascii
        $php = ".php" ascii
    condition:
        (filesize < 4MB and $password and any of ($wrong*) and any of ($count*) and any of ($who*) and any of ($send*) and $php) or false
}
