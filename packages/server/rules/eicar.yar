// The EICAR test string, in any position and in the encodings that a stream carries it in. It stands here as hex, so that no
// other scanner takes this file for it.

rule Eicar_Test_File {
    meta:
        description = "EICAR anti-malware test string"
        threat = "Eicar_test_file"
        risk = "high"
        attack = "T1204.002"
        reference = "https://www.eicar.org/download-anti-malware-testfile/"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $ascii = { 58 35 4F 21 50 25 40 41 50 5B 34 5C 50 5A 58 35 34 28 50 5E 29 37 43 43 29 37 7D 24 45 49 43 41 52 2D 53 54 41 4E 44 41 52 44 2D 41 4E 54 49 56 49 52 55 53 2D 54 45 53 54 2D 46 49 4C 45 21 24 48 2B 48 2A }
        $utf16 = { 58 00 35 00 4F 00 21 00 50 00 25 00 40 00 41 00 50 00 5B 00 34 00 5C 00 50 00 5A 00 58 00 35 00 34 00 28 00 50 00 5E 00 29 00 37 00 43 00 43 00 29 00 37 00 7D 00 24 00 45 00 49 00 43 00 41 00 52 00 2D 00 53 00 54 00 41 00 4E 00 44 00 41 00 52 00 44 00 2D 00 41 00 4E 00 54 00 49 00 56 00 49 00 52 00 55 00 53 00 2D 00 54 00 45 00 53 00 54 00 2D 00 46 00 49 00 4C 00 45 00 21 00 24 00 48 00 2B 00 48 00 2A }
    condition:
        any of them
}

rule Eicar_Test_File_Base64 {
    meta:
        description = "EICAR anti-malware test string in Base64, at any of its three alignments"
        threat = "Eicar_test_file.Base64"
        risk = "high"
        attack = "T1027"
        reference = "https://www.rfc-editor.org/rfc/rfc4648"
        author = "Assay"
        date = "2026-11-25"
    strings:
        $at0 = { 57 44 56 50 49 56 41 6C 51 45 46 51 57 7A 52 63 55 46 70 59 4E 54 51 6F 55 46 34 70 4E 30 4E 44 4B 54 64 39 4A 45 56 4A 51 30 46 53 4C 56 4E 55 51 55 35 45 51 56 4A 45 4C 55 46 4F 56 45 6C 57 53 56 4A 56 55 79 31 55 52 56 4E 55 4C 55 5A 4A 54 45 55 68 4A 45 67 72 53 43 }
        $at1 = { 67 31 54 79 46 51 4A 55 42 42 55 46 73 30 58 46 42 61 57 44 55 30 4B 46 42 65 4B 54 64 44 51 79 6B 33 66 53 52 46 53 55 4E 42 55 69 31 54 56 45 46 4F 52 45 46 53 52 43 31 42 54 6C 52 4A 56 6B 6C 53 56 56 4D 74 56 45 56 54 56 43 31 47 53 55 78 46 49 53 52 49 4B 30 67 71 }
        $at2 = { 59 4E 55 38 68 55 43 56 41 51 56 42 62 4E 46 78 51 57 6C 67 31 4E 43 68 51 58 69 6B 33 51 30 4D 70 4E 33 30 6B 52 55 6C 44 51 56 49 74 55 31 52 42 54 6B 52 42 55 6B 51 74 51 55 35 55 53 56 5A 4A 55 6C 56 54 4C 56 52 46 55 31 51 74 52 6B 6C 4D 52 53 45 6B 53 43 74 49 4B }
    condition:
        any of them
}
