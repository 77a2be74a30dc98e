/** Room for the line that says what was left out. */
const TAIL = 40

/** As many whole parts as fit into so many characters, one to a line, and how many did not: nothing is cut inside its markup. */
export function fitting(parts: readonly string[], length: number): string {
  let text = ''
  for (const [at, part] of parts.entries()) {
    if (text.length + part.length + 1 > length - TAIL) return `${text}\n… and ${parts.length - at} more`
    text += at === 0 ? part : `\n${part}`
  }
  return text
}
