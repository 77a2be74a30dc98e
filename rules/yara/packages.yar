/*
  Packages that run something when they are installed. Provenance: our own rules, from how package managers call them.
*/
rule Npm_Install_Fetches_Script {
  meta:
    description = "a package whose install script runs what it fetches"
    score = 85
    provenance = "own: from what such a file must contain to work"
  strings:
    $install = /"(preinstall|install|postinstall)"[ ]{0,4}:[ ]{0,4}"[^"\n]{0,200}\b(curl|wget)\b[^"\n|]{0,200}\|[ ]{0,4}(ba|da)?sh\b/
  condition:
    filesize < 1MB and $install
}

rule Npm_Install_Hidden_Code {
  meta:
    description = "a package whose install script evaluates hidden code"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $install = /"(preinstall|install|postinstall)"[ ]{0,4}:[ ]{0,4}"[^"\n]{0,40}\bnode[ ]{1,4}(-e|--eval)[^\n]{0,300}(atob|base64|fromCharCode|\\\\x[0-9a-f]{2})/
  condition:
    filesize < 1MB and $install
}

rule Python_Setup_Fetches_Program {
  meta:
    description = "a setup script that fetches and runs something"
    score = 75
    provenance = "own: from what such a file must contain to work"
  strings:
    $setup = /\bsetup[ ]{0,2}\(/
    $tools = /\b(from|import)[ ]{1,4}(setuptools|distutils)/
    $class = /\bcmdclass[ ]{0,4}=/
    $fetch = /\b(urlopen|urlretrieve|requests\.get|urllib\.request\.Request)[ ]{0,2}\([ ]{0,2}["'f]{1,3}https?:/
    $run = /\b(os\.(system|popen|startfile)|subprocess\.(Popen|run|call)|exec)[ ]{0,2}\(/
  condition:
    filesize < 1MB and all of them
}

rule Python_Hidden_Code {
  meta:
    description = "Python that evaluates packed code"
    score = 70
    provenance = "own: from what such a file must contain to work"
  strings:
    $packed = /\b(exec|eval)[ ]{0,2}\([ ]{0,2}(compile[ ]{0,2}\([ ]{0,2})?(__import__[ ]{0,2}\([ ]{0,2}["'][a-z0-9]{2,10}["'][ ]{0,2}\)[ ]{0,2}\.[ ]{0,2}|base64\.|zlib\.|marshal\.|codecs\.)(b64decode|b32decode|decompress|loads|decode)[ ]{0,2}\(/
  condition:
    filesize < 4MB and $packed
}
