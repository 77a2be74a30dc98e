import type { Sign } from './sign.js'

/** Bytes that are looked at. */
const LOOKED_AT = 16 * 1024 * 1024

const utf16 = (text: string): string => text.split('').join('\0')

/**
 * Signs in an OLE compound file (MS-CFB): macros by the names of their streams (MS-OVBA 2.2.1), and procedures that run by
 * themselves. Macro sources are compressed, but the names of modules' procedures often stand in plain text beside them. The
 * same file inside an OOXML archive (`vbaProject.bin`) comes here as its member.
 */
export function officeSigns(content: Buffer): Sign[] {
  const text = content.toString('latin1', 0, LOOKED_AT)
  const signs: Sign[] = []
  if (!text.includes(utf16('_VBA_PROJECT'))) return signs
  signs.push({ rule: 'office_macro', score: 20, detail: 'it holds VBA macros' })
  if (/auto_?open|auto_?close|document_?open|workbook_?open|autoexec/i.test(text))
    signs.push({
      rule: 'office_macro_runs_itself',
      score: 25,
      detail: 'a macro runs when the file is opened or closed',
    })
  if (
    /wscript\.shell|shell\.application|powershell|urldownloadtofile|winmgmts|createthread|virtualalloc/i.test(
      text,
    )
  )
    signs.push({
      rule: 'office_macro_reaches_out',
      score: 30,
      detail: 'a macro names what starts programs or loads files',
    })
  return signs
}
