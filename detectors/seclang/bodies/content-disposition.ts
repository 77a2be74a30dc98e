/** The parameters of a part's Content-Disposition header. */
export interface ContentDisposition {
  readonly name: string | undefined
  /** `filename` and, decoded, `filename*`. */
  readonly filenames: readonly string[]
  readonly invalidQuoting: boolean
  readonly missingSemicolon: boolean
  /** Not readable: another type, a repeated parameter, text where none belongs. */
  readonly invalid: boolean
}

interface Draft {
  name: string | undefined
  filenames: string[]
  invalidQuoting: boolean
  missingSemicolon: boolean
  invalid: boolean
}

/** Reads `form-data; name="a"; filename="b"` (RFC 7578, section 4.2) and says what in it is not strict. */
export function parseContentDisposition(value: string): ContentDisposition {
  const draft: Draft = {
    name: undefined,
    filenames: [],
    invalidQuoting: false,
    missingSemicolon: false,
    invalid: false,
  }
  const type = /^[ \t]*form-data[ \t]*/i.exec(value)
  if (type === null) return { ...draft, invalid: true }
  const seen = new Set<string>()
  let at = type[0].length
  while (at < value.length) {
    if (value[at] === ';') at++
    else draft.missingSemicolon = true
    at = skip(value, at)
    if (at >= value.length) break
    const equals = value.indexOf('=', at)
    if (equals < 0) return { ...draft, invalid: true }
    const parameter = value.slice(at, equals).trim().toLowerCase()
    if (parameter === '' || /[\s;"']/.test(parameter) || seen.has(parameter))
      return { ...draft, invalid: true }
    seen.add(parameter)
    const read = readValue(value, skip(value, equals + 1), draft)
    if (read === undefined) return { ...draft, invalid: true }
    if (parameter === 'name') draft.name = read.text
    else if (parameter === 'filename') draft.filenames.push(read.text)
    else if (parameter === 'filename*') draft.filenames.push(extended(read.text))
    at = skip(value, read.end)
  }
  return draft
}

function readValue(
  value: string,
  start: number,
  draft: Draft,
): { readonly text: string; readonly end: number } | undefined {
  const quote = value[start]
  if (quote !== '"' && quote !== "'") {
    let end = start
    while (end < value.length && value[end] !== ';' && value[end] !== ' ' && value[end] !== '\t') end++
    const text = value.slice(start, end)
    if (text.includes('"') || text.includes("'")) draft.invalidQuoting = true
    return { text, end }
  }
  if (quote === "'") draft.invalidQuoting = true
  const parts: string[] = []
  let from = start + 1
  for (let at = from; at < value.length; at++) {
    if (value[at] === quote) {
      parts.push(value.slice(from, at))
      return { text: parts.join(''), end: at + 1 }
    }
    // Browsers do not escape with a backslash, and Windows paths hold some: only an escaped quote is one.
    if (value[at] === '\\' && value[at + 1] === quote) {
      parts.push(value.slice(from, at))
      from = ++at
    }
  }
  return undefined
}

/** Decodes an extended value (RFC 8187): charset'language'percent-encoded bytes. */
function extended(text: string): string {
  const encoded = text.slice(text.lastIndexOf("'") + 1)
  return encoded.replace(/%([0-9a-f]{2})/gi, (_escape, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

function skip(text: string, from: number): number {
  let at = from
  while (text[at] === ' ' || text[at] === '\t') at++
  return at
}
