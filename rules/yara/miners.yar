/*
  Programs that mine for somebody else. Provenance: our own rules, from the protocol and the settings that mining pools ask for.
*/
rule Miner_Settings {
  meta:
    description = "settings of a CPU miner with a pool"
    score = 70
    provenance = "own: from what such a file must contain to work"
  strings:
    $donate = /"donate-level"[ ]{0,4}:/
    $pools = /"pools"[ ]{0,4}:[ ]{0,4}\[/
    $wallet = /"user"[ ]{0,4}:[ ]{0,4}"[48][0-9A-Za-z]{90,110}/
    $url = /"url"[ ]{0,4}:[ ]{0,4}"(stratum\+(tcp|ssl):\/\/)?[a-z0-9.-]{4,80}:[0-9]{2,5}"/
  condition:
    filesize < 1MB and ($wallet and $url or $donate and $pools and $url)
}

rule Miner_Program {
  meta:
    description = "a program that speaks to mining pools"
    score = 70
    provenance = "own: from what such a file must contain to work"
  strings:
    $stratum = "stratum+tcp://"
    $subscribe = "mining.subscribe"
    $job = "\"method\":\"login\""
    $random = "randomx" nocase
    $donate = "donate-level"
    $threads = "--cpu-max-threads-hint"
  condition:
    (uint32(0) == 0x464c457f or uint16(0) == 0x5a4d) and $stratum and 2 of ($subscribe, $job, $random, $donate, $threads)
}

rule Miner_Launcher {
  meta:
    description = "a script that fetches and starts a miner"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $fetch = /\b(curl|wget)[ ]{1,4}[^\n]{1,200}(xmrig|minerd|kinsing|cpuminer|xmr-stak)/ nocase
    $start = /(-o|--url)[ =]{1,4}(stratum\+(tcp|ssl):\/\/)?[a-z0-9.-]{4,80}:[0-9]{2,5}[^\n]{0,40}(-u|--user)[ =]/
    $rivals = /\b(pkill|killall)[ ]{1,4}[^\n]{0,40}(xmrig|kdevtmpfsi|minerd|kinsing)/
  condition:
    filesize < 1MB and ($fetch and $start or $fetch and $rivals or $rivals and $start)
}
