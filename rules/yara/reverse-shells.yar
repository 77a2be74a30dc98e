/*
  Programs that connect out and hand a shell over. Provenance: our own rules, from the calls that this takes in each language.
*/
rule Bash_Dev_Tcp_Shell {
  meta:
    description = "a shell that is joined to a connection of bash"
    score = 85
    provenance = "own: from what such a file must contain to work"
  strings:
    $join = /\b(ba|z|k)?sh[ ]{1,4}-i[ ]{0,4}(>&|&>|>)[ ]{0,4}\/dev\/(tcp|udp)\/[^ \n]{3,80}[ ]{0,4}(0|<)[>&]/
    $exec = /exec[ ]{1,4}[0-9]{1,3}<>[ ]{0,4}\/dev\/tcp\/[^\n]{3,80}[;\n][^\n]{0,120}(cat|while)[ ][^\n]{0,120}\bsh\b/
  condition:
    filesize < 1MB and any of them
}

rule Netcat_Fifo_Shell {
  meta:
    description = "a shell between a named pipe and netcat"
    score = 85
    provenance = "own: from what such a file must contain to work"
  strings:
    $pipe = /mkfifo[ ]{1,4}[^ ;\n]{1,80}[ ]{0,4}(;|&&)[^\n]{0,120}\b(ba)?sh[ ]{1,4}-i[^\n]{0,40}\|[ ]{0,4}(nc|ncat|netcat|openssl|telnet)\b/
  condition:
    filesize < 1MB and $pipe
}

rule Python_Socket_Shell {
  meta:
    description = "Python that joins a shell to a socket"
    score = 85
    provenance = "own: from what such a file must contain to work"
  strings:
    $connect = /\.connect[ ]{0,2}\([ ]{0,2}\(/
    $dup = /os\.dup2[ ]{0,2}\([ ]{0,2}[A-Za-z_][A-Za-z0-9_]{0,20}\.fileno[ ]{0,2}\([ ]{0,2}\)[ ]{0,2},[ ]{0,2}[012]/
    $shell = /(pty\.spawn|subprocess\.(call|run|Popen)|os\.(system|execl|execv))[ ]{0,2}\([ ]{0,2}\[?[ ]{0,2}["'](\/bin\/)?(ba|z|da)?sh\b/
  condition:
    filesize < 1MB and all of them
}

rule Perl_Socket_Shell {
  meta:
    description = "Perl that joins a shell to a socket"
    score = 85
    provenance = "own: from what such a file must contain to work"
  strings:
    $socket = /\buse[ ]{1,4}(IO::)?Socket\b/
    $in = /open[ ]{0,2}\(?[ ]{0,2}STDIN[ ]{0,2},[ ]{0,2}["']<?>?&/
    $shell = /\bexec[ ]{0,2}\(?[ ]{0,2}[{"'][ ]{0,2}["']?\/bin\/(ba)?sh/
  condition:
    filesize < 1MB and all of them
}

rule PHP_Socket_Shell {
  meta:
    description = "PHP that joins a shell to a socket"
    score = 85
    provenance = "own: from what such a file must contain to work"
  strings:
    $open = "<?"
    $socket = /\b(fsockopen|pfsockopen|stream_socket_client)[ ]{0,2}\(/
    $run = /\b(proc_open|shell_exec|exec|popen)[ ]{0,2}\(/
    $shell = /["'](\/bin\/(ba)?sh[ ]{1,4}-i|uname -a; w; id;)|["'](\/bin\/)?sh[ ]{1,4}-i[ ]{0,4}<&3/
  condition:
    filesize < 1MB and all of them
}

rule Ruby_Socket_Shell {
  meta:
    description = "Ruby that joins a shell to a socket"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $socket = /TCPSocket\.(new|open)[ ]{0,2}\(/
    $shell = /\b(exec|spawn)[ ]{0,2}\(?[ ]{0,2}(sprintf\(?)?["']\/bin\/(ba)?sh[ ]{1,4}-i[ ]{0,4}<&/
  condition:
    filesize < 1MB and all of them
}

rule Node_Socket_Shell {
  meta:
    description = "JavaScript that pipes a shell into a socket"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $process = "child_process"
    $shell = /spawn[ ]{0,2}\([ ]{0,2}["'](\/bin\/(ba)?sh|cmd(\.exe)?)["']/
    $connect = /\.connect[ ]{0,2}\([ ]{0,2}[0-9]{2,5}[ ]{0,2},[ ]{0,2}["'][0-9a-z.]{4,60}["']/
    $pipe = /\.pipe[ ]{0,2}\([ ]{0,2}[A-Za-z_]{1,20}\.stdin/
  condition:
    filesize < 1MB and all of them
}

rule Powershell_Tcp_Shell {
  meta:
    description = "PowerShell that evaluates what a connection sends"
    score = 85
    provenance = "own: from what such a file must contain to work"
  strings:
    $client = "Net.Sockets.TCP\x43lient" nocase ascii wide
    $stream = ".GetStream(" nocase ascii wide
    $eval = /\b(iex|invoke-expression)\b/ nocase ascii wide
    $read = ".Read(" nocase ascii wide
    $bytes = "byte[]" nocase ascii wide
  condition:
    filesize < 1MB and all of them
}
