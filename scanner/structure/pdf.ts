import type { Sign } from './sign.js'

/** Bytes that are looked at: names of actions stand in plain objects, and a scan of all of a large file costs. */
const LOOKED_AT = 8 * 1024 * 1024

/**
 * Signs in a PDF (ISO 32000-1): what acts without being asked. Names may be written with `#xx` for any letter (7.3.5), which
 * honest writers do not do for these.
 */
export function pdfSigns(content: Buffer): Sign[] {
  const written = content.toString('latin1', 0, LOOKED_AT)
  const text = written.replace(/#([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
  const has = (name: string): boolean => new RegExp(`/${name}(?![A-Za-z0-9])`).test(text)
  const signs: Sign[] = []
  const runs = has('OpenAction') || has('AA')
  const script = has('JavaScript') || has('JS')
  if (has('Launch')) signs.push({ rule: 'pdf_launch', score: 40, detail: 'an action starts a program' })
  if (runs && script)
    signs.push({ rule: 'pdf_script_on_open', score: 35, detail: 'a script runs when it is opened' })
  if (has('EmbeddedFile') && (script || has('Launch')))
    signs.push({ rule: 'pdf_embedded_file', score: 25, detail: 'it carries a file and can act' })
  if (script && !/\/(?:JavaScript|JS)(?![A-Za-z0-9])/.test(written))
    signs.push({
      rule: 'pdf_disguised_name',
      score: 30,
      detail: 'the name of a script is written in numbers',
    })
  return signs
}
