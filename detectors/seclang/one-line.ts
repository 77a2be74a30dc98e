const CONTROL = /[^\x20-\x7e\x80-\xff]/g

/** Log text stays one line, as ModSecurity writes it: control characters as `\xHH`. */
export function oneLine(text: string): string {
  return text.replace(CONTROL, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
