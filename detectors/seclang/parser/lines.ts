/** One directive as written, its continuations joined. */
export interface LogicalLine {
  /** 1-based number of its first physical line. */
  readonly number: number
  readonly text: string
  /** A comment whose backslash swallowed a line that is no comment: surely a mistake. */
  readonly swallows: boolean
}

/**
 * Joins lines that end in a backslash with the next one and leaves out comments and empty lines, as Apache reads its configuration: a comment,
 * too, goes on after a backslash.
 */
export function* logicalLines(text: string): Generator<LogicalLine> {
  let from = 0
  let number = 0
  let start = 0
  let parts: string[] = []
  let swallows = false
  while (from <= text.length) {
    let to = text.indexOf('\n', from)
    if (to < 0) to = text.length
    let line = text.slice(from, to)
    if (line.endsWith('\r')) line = line.slice(0, -1)
    from = to + 1
    number++
    if (parts.length === 0) start = number
    else if (isComment(parts[0] ?? '') && line.trim() !== '' && !isComment(line)) swallows = true
    if (line.endsWith('\\') && from <= text.length) {
      parts.push(line.slice(0, -1))
      continue
    }
    parts.push(line)
    const joined = parts.join('').trim()
    parts = []
    if (joined !== '' && (swallows || !isComment(joined))) yield { number: start, text: joined, swallows }
    swallows = false
  }
}

function isComment(line: string): boolean {
  return line.trimStart().startsWith('#')
}
