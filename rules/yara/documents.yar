/*
  Documents that run something. Provenance: our own rules, from the formats. Code of macros that is compressed in its document is
  only found where its words survive; the structure heuristics look at such documents too.
*/
rule Macro_Fetches_Program {
  meta:
    description = "code of a macro that starts by itself, fetches and runs something"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $auto = /\b(Auto_?Open|Document[_]Open|Workbook[_]Open|Auto[E]xec)\b/ nocase
    $fetch = /(URLDownloadToFile|MSXML2\.(Server)?XMLHTTP|WinHttp\.WinHttpRequest|DownloadFile|DownloadString|bitsadmin|certutil[^\n]{1,40}-urlcache)/ nocase
    $run = /(\bShell[ ]{0,2}\(|WScript\.Shell|Shell\.Application|ShellExecute|Win32_Process)/ nocase
  condition:
    filesize < 20MB and all of them
}

rule Pdf_Launches_Program {
  meta:
    description = "a PDF that starts a shell when it is opened"
    score = 85
    provenance = "own: from what such a file must contain to work"
  strings:
    $pdf = "%PDF-"
    $launch = /\/S[ ]{0,4}\/Launch\b/
    $shell = /\/F[ ]{0,4}\([^)\n]{0,80}(cmd(\.exe)?|powershell|mshta|wscript|\/bin\/(ba)?sh)\b/ nocase
  condition:
    $pdf in (0..1024) and $launch and $shell
}

rule Pdf_Opens_Attachment {
  meta:
    description = "a PDF whose script opens a file that it brings along"
    score = 75
    provenance = "own: from what such a file must contain to work"
  strings:
    $pdf = "%PDF-"
    $script = /\/(JavaScript|JS)\b/
    $export = /exportDataObject[ ]{0,2}\([^)\n]{0,120}nLaunch[ ]{0,4}:[ ]{0,4}2/
  condition:
    $pdf in (0..1024) and $script and $export
}

rule Rtf_Equation_Object {
  meta:
    description = "a text of RTF that hands data to the equation editor"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $rtf = "{\\rt"
    $object = /\\objdata\b/
    $name = "Equation.3" nocase
    $hex = /4571756174696f6e2e33/ nocase
    $class = /02ce020000000000c000000000000046/ nocase
  condition:
    $rtf at 0 and $object and any of ($name, $hex, $class)
}

rule Office_Remote_Template {
  meta:
    description = "relations of a document that load a template with code from elsewhere"
    score = 75
    provenance = "own: from what such a file must contain to work"
  strings:
    $relations = "schemas.openxmlformats.org/package/2006/relationships"
    $template = /relationships\/attachedTemplate"[^>]{0,200}Target="https?:\/\//
    $external = /TargetMode="External"/
  condition:
    filesize < 1MB and all of them
}

rule Document_Dde_Command {
  meta:
    description = "a field of a document that runs a command"
    score = 80
    provenance = "own: from what such a file must contain to work"
  strings:
    $dde = /DDE(AUTO)?[ "\\]{1,12}[^"<\n]{0,80}(cmd(\.exe)?|powershell(\.exe)?|mshta|msbuild)\b/ nocase
  condition:
    filesize < 20MB and $dde and (uint32(0) == 0xe011cfd0 or uint32be(0) == 0x3c3f786d or uint32be(0) == 0x7b5c7274)
}
