/*
  Scripts that run what a request tells them to. Provenance: our own rules, from what such scripts must contain to work.
*/
rule PHP_Request_To_Code {
  meta:
    description = "PHP that runs what a request says"
    score = 90
    provenance = "own: from what such a file must contain to work"
  strings:
    $open = "<?php" nocase
    $short = "<?="
    $sink = /\b(eval|assert|system|shell_exec|passthru|popen|proc_open|exec)\s{0,8}\(\s{0,8}@?\s{0,8}(base64_decode\s{0,8}\(\s{0,8}|stripslashes\s{0,8}\(\s{0,8}|gzinflate\s{0,8}\(\s{0,8}){0,3}@?\$_(GET|POST|REQUEST|COOKIE|SERVER)\b/ nocase
  condition:
    filesize < 4MB and ($open or $short) and $sink
}

rule JSP_Request_To_Command {
  meta:
    description = "a JSP that starts what a request says"
    score = 85
    provenance = "own: from what such a file must contain to work"
  strings:
    $open = "<%"
    $exec = /getRuntime\s{0,8}\(\s{0,8}\)\s{0,8}\.\s{0,8}exec\s{0,8}\(\s{0,8}request\s{0,8}\.\s{0,8}getParameter/
  condition:
    filesize < 4MB and $open and $exec
}

rule PHP_Packed_Code : suspicious {
  meta:
    description = "PHP that runs code which it unpacks first"
    score = 60
    provenance = "own: from what such a file must contain to work"
  strings:
    $open = "<?php" nocase
    $packed = /\beval\s{0,8}\(\s{0,8}(gzinflate|gzuncompress|str_rot13|base64_decode)\s{0,8}\(/ nocase
  condition:
    filesize < 4MB and $open and $packed
}

rule PHP_Request_Names_Function {
  meta:
    description = "PHP that calls a function whose name comes with the request"
    score = 85
    provenance = "own: from what such a file must contain to work"
  strings:
    $open = "<?"
    $call = /[^A-Za-z0-9_$]\$_(GET|POST|REQUEST|COOKIE)[ ]{0,2}\[[^\]\n]{1,40}\][ ]{0,2}\([ ]{0,2}@?\$_(GET|POST|REQUEST|COOKIE)/
  condition:
    filesize < 4MB and $open and $call
}

rule PHP_Request_To_Written_File {
  meta:
    description = "PHP that writes what a request brings to a file of a name from the request"
    score = 75
    provenance = "own: from what such a file must contain to work"
  strings:
    $open = "<?"
    $write = /file_put_contents[ ]{0,2}\([ ]{0,2}@?\$_(GET|POST|REQUEST)\[[^\]\n]{1,40}\][ ]{0,2},[ ]{0,2}@?(base64_decode[ ]{0,2}\([ ]{0,2})?\$_(GET|POST|REQUEST)\[/
  condition:
    filesize < 4MB and $open and $write
}

rule ASPX_Request_To_Code {
  meta:
    description = "ASP that evaluates what a request brings"
    score = 90
    provenance = "own: from what such a file must contain to work"
  strings:
    $open = "<%"
    $eval = /\b(eval|execute|executeglobal)[ ]{0,2}\(?[ ]{0,2}request([ ]{0,2}\.[ ]{0,2}(item|form|querystring))?[ ]{0,2}[\[\(]/ nocase
  condition:
    filesize < 4MB and $open and $eval
}

rule ASPX_Request_To_Process {
  meta:
    description = "ASP.NET that starts a shell with arguments from the request"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $open = "<%"
    $start = /\bProcess(StartInfo|\.Start)\b/
    $shell = /"(cmd(\.exe)?|\/bin\/(ba)?sh|powershell(\.exe)?)"/ nocase
    $request = /\bRequest(\.(Form|QueryString|Item|Params))?[ ]{0,2}\[/
  condition:
    filesize < 1MB and all of them
}

rule JSP_Request_To_Class {
  meta:
    description = "JSP that defines a class from what a request brings"
    score = 85
    provenance = "own: from what such a file must contain to work"
  strings:
    $open = "<%"
    $define = "defineClass"
    $loader = "extends ClassLoader"
    $request = /request[ ]{0,2}\.[ ]{0,2}get(Parameter|Reader|InputStream|Header)[ ]{0,2}\(/
  condition:
    filesize < 1MB and all of them
}

rule Python_Request_To_Command {
  meta:
    description = "Python web code that runs a command from the request"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $run = /\b(os\.(system|popen)|subprocess\.(getoutput|check_output|run|call|Popen))[ ]{0,2}\([ ]{0,2}(flask\.)?request\.(args|form|values|GET|POST|cookies|headers|json)\b/
  condition:
    filesize < 1MB and $run
}

rule Perl_CGI_To_Command {
  meta:
    description = "Perl CGI that runs a command from the request"
    score = 75
    provenance = "own: from what such a file must contain to work"
  strings:
    $cgi = /\buse[ ]{1,4}CGI\b/
    $run = /(`|\bsystem[ ]{0,2}\(?[ ]{0,2}|\bexec[ ]{0,2}\(?[ ]{0,2}|\bqx[\/\({])[ ]{0,2}\$(q|cgi|query)->param[ ]{0,2}\(/
  condition:
    filesize < 1MB and all of them
}
