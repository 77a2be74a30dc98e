/** One pattern of a rule's `strings` section. */
export interface SourcePattern {
  /** With its `$`; an anonymous one is just `$`. */
  readonly name: string
  /** Its literal with what modifies it. */
  readonly text: string
  /** Offset into the source behind all of that. */
  readonly end: number
}

/** One rule of a YARA source text. */
export interface SourceRule {
  readonly name: string
  /** Only for other rules to refer to: never reported. */
  readonly isPrivate: boolean
  /** Judged with every rule of its set: false makes all of them false. */
  readonly isGlobal: boolean
  /** Offsets into the text: from the first modifier to behind the closing brace. */
  readonly start: number
  readonly end: number
  readonly patterns: readonly SourcePattern[]
  /** Offset of the condition's first token. */
  readonly conditionStart: number
  /** Tokens of the condition: identifiers, numbers, whole string and pattern literals, single signs. */
  readonly condition: readonly string[]
}

export interface ParsedSource {
  readonly rules: readonly SourceRule[]
  /** Modules with the place of the statement that imports them. */
  readonly imports: readonly { readonly module: string; readonly start: number; readonly end: number }[]
  /** Why what comes from an offset on is not known. */
  readonly problem?: { readonly start: number; readonly message: string }
}

/**
 * One token at a time: blanks, comments, strings, patterns (in YARA a slash never divides), words, single signs. No two
 * alternatives begin alike but for comments and patterns, and what fails to end skips its line: linear time.
 */
const TOKEN =
  /\s+|\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)|"(?:[^"\\\n]|\\.)*"|\/(?![/*])(?:[^/\\\n]|\\.)+\/[is]*|[$#@!]?[A-Za-z_][\w.]*\*?|[$#@!]\d\w*\*?|0x[0-9A-Fa-f]+|\d[\w.]*|==|[^]/y

interface Token {
  readonly text: string
  readonly start: number
  readonly end: number
}

function* tokens(source: string): Generator<Token> {
  const pattern = new RegExp(TOKEN)
  while (pattern.lastIndex < source.length) {
    const start = pattern.lastIndex
    const text = pattern.exec(source)?.[0]
    if (text === undefined) return
    if (text === '"' || text === '/') {
      // Neither ends on its line, which the compiler refuses too; to look for its end again and again would take long.
      const end = source.indexOf('\n', start)
      if (end < 0) return
      pattern.lastIndex = end
      continue
    }
    const isComment =
      text.startsWith('//') || (text.startsWith('/*') && text.endsWith('*/') && text.length > 3)
    if (!isComment && text.trim() !== '') yield { text, start, end: start + text.length }
  }
}

const UNCLOSED = 'what begins here is not closed'

/**
 * Finds the rules of a source text without compiling it. What it does not understand it leaves out: the compiler says what
 * is wrong with that.
 */
export function parseRules(source: string): ParsedSource {
  const rules: SourceRule[] = []
  const imports: { module: string; start: number; end: number }[] = []
  const stream = tokens(source)
  let modifiers: Token[] = []
  for (let next = stream.next(); !next.done; next = stream.next()) {
    const { text, start } = next.value
    if (text === 'private' || text === 'global') {
      modifiers.push(next.value)
      continue
    }
    const ending = (message: string): ParsedSource => ({ rules, imports, problem: { start, message } })
    if (text.startsWith('/*')) return ending(UNCLOSED)
    if (text === 'import') {
      const module = stream.next()
      if (!module.done) imports.push({ module: module.value.text.slice(1, -1), start, end: module.value.end })
    } else if (text === 'rule') {
      const rule = parseRule(source, stream, modifiers, start)
      if (!rule) return ending(UNCLOSED)
      rules.push(rule)
    } else return ending('this is neither a rule nor an import')
    modifiers = []
  }
  return { rules, imports }
}

function parseRule(
  source: string,
  stream: Generator<Token>,
  modifiers: readonly Token[],
  at: number,
): SourceRule | undefined {
  const name = stream.next()
  if (name.done) return undefined
  let depth = 0
  let before: Token = name.value
  let beforeThat: Token = name.value
  const patterns: SourcePattern[] = []
  let open: { readonly name: string; readonly start: number } | undefined
  const endPattern = (end: number): void => {
    if (open) patterns.push({ name: open.name, text: source.slice(open.start, end).trim(), end })
    open = undefined
  }
  const condition: string[] = []
  let conditionStart = -1
  let isCondition = false
  for (let next = stream.next(); !next.done; next = stream.next()) {
    const { text, start, end } = next.value
    if (text.startsWith('/*')) return undefined
    if (text === '{') depth++
    else if (text === '}' && --depth === 0)
      return {
        name: name.value.text,
        isPrivate: modifiers.some((modifier) => modifier.text === 'private'),
        isGlobal: modifiers.some((modifier) => modifier.text === 'global'),
        start: modifiers[0]?.start ?? at,
        end,
        patterns,
        conditionStart: conditionStart < 0 ? end - 1 : conditionStart,
        condition,
      }
    else if (isCondition) {
      if (condition.length === 0) conditionStart = start
      condition.push(text)
    } else if (text === '=' && depth === 1 && /^\$\w*$/.test(before.text)) {
      endPattern(beforeThat.end)
      open = { name: before.text, start: end }
    } else if (depth === 1 && before.text === 'condition' && text === ':') {
      endPattern(beforeThat.end)
      isCondition = true
    }
    beforeThat = before
    before = next.value
  }
  return undefined
}
