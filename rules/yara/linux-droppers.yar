/*
  What brings a program onto a Linux machine and keeps it there. Provenance: our own rules, from the steps that this takes.
*/
rule Shell_Dropper {
  meta:
    description = "a script that fetches a program into a writable folder and starts it"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $cd = /cd[ ]{1,4}\/tmp[ ]{0,4}(\|\||;|&&)[ ]{0,4}cd[ ]{1,4}\/(var\/run|var\/tmp|mnt|root|dev\/shm)/
    $fetch = /\b(wget|curl|tftp|ftpget)[ ][^\n]{0,200}[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}/
    $run = /chmod[ ]{1,4}(777|\+x|755|0777)[ ][^\n]{1,80}(;|&&|\n)[ ]{0,4}(sh[ ]{1,4}|\.\/)/
  condition:
    filesize < 1MB and all of them
}

rule Many_Architectures_Dropper {
  meta:
    description = "a script that fetches one program for many architectures"
    score = 85
    provenance = "own: from what such a file must contain to work"
  strings:
    $fetch = /\b(wget|curl|tftp)\b[ ][^\n]{0,120}https?:\/\/[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}/
    $a1 = /[.\/_](mips|mipsel|mpsl)\b/
    $a2 = /[.\/_](arm|arm5|arm6|arm7|armv7l)\b/
    $a3 = /[.\/_](x86|i586|i686|x86_64)\b/
    $a4 = /[.\/_](ppc|powerpc|sh4|m68k|sparc|spc)\b/
    $chmod = /chmod[ ]{1,4}(777|\+x|755)/
  condition:
    filesize < 256KB and $fetch and $chmod and 3 of ($a*)
}

rule Cron_Downloader {
  meta:
    description = "a script that has cron fetch and run something again and again"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $line = /\*[ \t]{1,4}\*[ \t]{1,4}\*[ \t]{1,4}[^\n]{0,80}\b(curl|wget)\b[^\n|]{1,200}https?:\/\/[^\n|]{1,200}\|[ ]{0,4}(ba|da)?sh\b/
  condition:
    filesize < 1MB and $line
}

rule Ld_Preload_Installer {
  meta:
    description = "a script that has every program load a library"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $write = /(echo|printf)[ ][^\n]{0,200}\.so[^\n]{0,40}>{1,2}[ ]{0,4}\/etc\/ld\.so\.preload/
  condition:
    filesize < 1MB and $write
}

rule Elf_Ld_Preload_Rootkit {
  meta:
    description = "a library that hides files, processes or connections"
    score = 75
    provenance = "own: from what such a file must contain to work"
  strings:
    $preload = "/etc/ld.so.preload"
    $next = "dlsym"
    $read = "readdir64"
    $tcp = "/proc/net/tcp"
    $open = "fopen64"
    $proc = "/proc/self/fd/%d"
    $shell = "/bin/sh"
  condition:
    uint32(0) == 0x464c457f and uint16(16) == 3 and filesize < 2MB and $preload and $next and $read and 2 of ($tcp, $open, $proc, $shell)
}

rule Authorized_Key_Backdoor {
  meta:
    description = "a script that adds a key of its own and protects it against removal"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $key = /(echo|printf)[ ][^\n]{0,40}ssh-(rsa|ed25519)[ ][^\n]{20,800}>{1,2}[ ]{0,4}[^\n]{0,40}authorized_keys/
    $lock = /chattr[ ]{1,4}\+i?a?i?[ ][^\n]{0,80}(authorized_keys|\.ssh)/
  condition:
    filesize < 1MB and all of them
}

rule Memory_Loader_Script {
  meta:
    description = "a script that fetches a program and runs it from memory alone"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $memory = /\b(memfd[_]create|syscall[ ]{0,2}\([ ]{0,2}319)\b/
    $path = /\/proc\/(self|\$\$|%d|"[^"\n]{1,40}")\/fd\//
    $fetch = /\b(urlopen|requests\.get|LWP::|HTTP::Tiny|curl|wget)\b/
    $run = /\b(os\.exec[vl]|exec[ ]{0,2}[{(]|fexecve|subprocess\.)/
  condition:
    filesize < 256KB and uint32(0) != 0x464c457f and all of them
}
