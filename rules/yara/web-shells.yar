/*
  Scripts that run what a request tells them to. Provenance: our own rules, from what such scripts must contain to work.
*/
rule PHP_Request_To_Code {
  meta:
    score = 90
  strings:
    $open = "<?php" nocase
    $short = "<?="
    $sink = /\b(eval|assert|system|shell_exec|passthru|popen|proc_open|exec)\s{0,8}\(\s{0,8}@?\s{0,8}(base64_decode\s{0,8}\(\s{0,8}|stripslashes\s{0,8}\(\s{0,8}|gzinflate\s{0,8}\(\s{0,8}){0,3}@?\$_(GET|POST|REQUEST|COOKIE|SERVER)\b/ nocase
  condition:
    filesize < 4MB and ($open or $short) and $sink
}

rule JSP_Request_To_Command {
  meta:
    score = 85
  strings:
    $open = "<%"
    $exec = /getRuntime\s{0,8}\(\s{0,8}\)\s{0,8}\.\s{0,8}exec\s{0,8}\(\s{0,8}request\s{0,8}\.\s{0,8}getParameter/
  condition:
    filesize < 4MB and $open and $exec
}

rule PHP_Packed_Code : suspicious {
  meta:
    score = 60
  strings:
    $open = "<?php" nocase
    $packed = /\beval\s{0,8}\(\s{0,8}(gzinflate|gzuncompress|str_rot13|base64_decode)\s{0,8}\(/ nocase
  condition:
    filesize < 4MB and $open and $packed
}
