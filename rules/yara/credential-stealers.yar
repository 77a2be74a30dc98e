/*
  Scripts that send keys, tokens and passwords away. Provenance: our own rules, from where these lie and how they are sent.
*/
rule Ssh_Key_Sender {
  meta:
    description = "a script that sends private SSH keys away"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $post = /\b(curl|wget)[ ][^\n]{0,200}(-F|-d|--data(-binary)?|-T|--post-file)[ =][^\n]{0,80}\.ssh\/(id_(rsa|ed25519|ecdsa|dsa)|\*)/
    $packed = /\btar[ ][^\n]{0,120}\.ssh\b[^\n]{0,80}\|[^\n]{0,40}\b(curl|nc|ncat)\b/
  condition:
    filesize < 1MB and any of them
}

rule Browser_Password_Stealer {
  meta:
    description = "a program that decrypts passwords of browsers and sends them away"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $logins = "Login Data" ascii wide
    $state = "Local State" ascii wide
    $key = "encrypted_key" ascii wide
    $unprotect = "CryptUnprotectData" ascii wide
    $query = "password_value" ascii wide
    $hook1 = "discord.com/api\x2fwebhooks/" ascii wide
    $hook2 = "api.telegram.org\x2fbot" ascii wide
    $hook3 = "discordapp.com/api\x2fwebhooks/" ascii wide
  condition:
    filesize < 20MB and 4 of ($logins, $state, $key, $unprotect, $query) and any of ($hook*)
}

rule Discord_Token_Stealer {
  meta:
    description = "a program that looks for tokens of Discord and sends them away"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $token = "[\\w-]{24}\\.[\\w-]{6}\\.[\\w-]{27}"
    $token2 = "mfa\\.[\\w-]{84}"
    $store = /Local Storage[\\\/]{1,4}leveldb/ ascii wide
    $hook = /discord(app)?\.com\/api\/webhooks\// ascii wide
  condition:
    filesize < 20MB and any of ($token*) and $store and $hook
}

rule Environment_Sender {
  meta:
    description = "JavaScript that sends the whole environment away"
    score = 75
    provenance = "own: from what such a file must contain to work"
  strings:
    $environment = /JSON\.stringify[ ]{0,2}\([ ]{0,2}process\.env[ ]{0,2}\)/
    $encoded = /Buffer\.from[ ]{0,2}\([ ]{0,2}JSON\.stringify[ ]{0,2}\([ ]{0,2}process\.env[ ]{0,2}\)/
    $send = /\b(https?\.request|fetch|axios\.post|dns\.(lookup|resolve4?))[ ]{0,2}\([^\n]{0,200}/
    $host = /(oastify\.com|interact\.sh|burpcollaborator\.net|requestbin|pipedream\.net|webhook\.site|ngrok(-free)?\.(io|app))/
  condition:
    filesize < 1MB and ($encoded or $environment) and $send and $host
}

rule Cloud_Credential_Stealer {
  meta:
    description = "a script that collects credentials of clouds and sends them away"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $metadata = "169.254.169.254/latest/meta-data/iam/security-credentials"
    $aws = ".aws/credentials"
    $gcp = ".config/gcloud"
    $docker = ".docker/config.json"
    $kube = ".kube/config"
    $netrc = ".netrc"
    $send = /\b(curl|wget)[ ][^\n]{0,200}(-F|-d|--data(-binary)?|-T|--post-file|--upload-file)[ =]/
  condition:
    filesize < 1MB and $send and 3 of ($metadata, $aws, $gcp, $docker, $kube, $netrc)
}
