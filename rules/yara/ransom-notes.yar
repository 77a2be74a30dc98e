/*
  What is left behind for who is to pay. Provenance: our own rule, from what such notes must say.
*/
rule Ransom_Note {
  meta:
    description = "a note that asks for money to decrypt files"
    score = 75
    provenance = "own: from what such a file must contain to work"
  strings:
    $encrypted = /\b(files|documents|data|network|servers)\b[^.\n]{0,60}\b(have been|has been|were|was|are)[ ]{1,4}(all[ ]{1,4})?(encrypted|locked)/ nocase
    $money = /\b(bitcoins?|monero|BTC|XMR)\b/ nocase
    $where = /[a-z2-7]{16,56}\.onion\b|\btor browser\b|@(protonmail|tutanota|onionmail|cock)\.[a-z]{2,4}/ nocase
    $key = /\b(private key|decrypt(ion|or)? (key|tool|software|program)|decryptor)\b/ nocase
    $warning = /\bdo(n't| not)[ ]{1,4}(rename|modify|try|attempt|delete|turn off|contact)\b/ nocase
  condition:
    filesize < 64KB and $encrypted and $money and $where and ($key or $warning)
}
