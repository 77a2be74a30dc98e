import type { Sign } from './sign.js'

/** Bytes that are looked at. */
const LOOKED_AT = 1024 * 1024

/** Signs in a script with a `#!` line. */
export function scriptSigns(content: Buffer): Sign[] {
  const text = content.toString('latin1', 0, LOOKED_AT)
  const signs: Sign[] = []
  if (
    /\/dev\/(?:tcp|udp)\/[^\s/]{1,100}\/\d/.test(text) &&
    /\b(?:ba)?sh\s{1,4}-i\b|\bexec\s{1,4}\d/.test(text)
  )
    signs.push({ rule: 'script_reverse_shell', score: 70, detail: 'a shell is tied to a network connection' })
  if (/\bbase64\s{1,4}(?:-d|--decode)\b[^\n|]{0,200}\|\s{0,4}(?:ba|z|da)?sh\b/.test(text))
    signs.push({ rule: 'script_decoded_and_run', score: 50, detail: 'decoded text is run by a shell' })
  if (/\b(?:curl|wget)\b[^\n|]{0,300}\|\s{0,4}(?:sudo\s{1,4})?(?:ba|z|da)?sh\b/.test(text))
    signs.push({ rule: 'script_fetched_and_run', score: 30, detail: 'what is fetched is run by a shell' })
  if (/\bhistory\s{1,4}-c\b|\bHISTFILE=\/dev\/null\b|\bunset\s{1,4}HISTFILE\b/.test(text))
    signs.push({
      rule: 'script_hides_history',
      score: 30,
      detail: 'it clears or turns off the history of commands',
    })
  return signs
}
