/**
 * Byte strings of which one is in every content in which a pattern is found. A search for such strings takes one look at each
 * byte, whatever their number, and may find more than the pattern, never less.
 * @param text the pattern's literal with its modifiers
 * @returns undefined when there are none to tell
 */
export function patternLiterals(text: string): readonly Buffer[] | undefined {
  if (text.startsWith('{')) {
    const run = bestRun(text)
    return run.length === 0 ? undefined : [run]
  }
  const match = /^"((?:[^"\\\n]|\\.)*)"([^"]*)$/.exec(text)
  return match ? ofText(match[1] ?? '', match[2]?.trim().split(/\s+/) ?? []) : undefined
}

const SIMPLE_MODIFIERS: ReadonlySet<string> = new Set(['', 'ascii', 'wide', 'fullword', 'private'])

/** What escapes in strings of YARA stand for; `\xNN` besides. */
const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', t: '\t', n: '\n', r: '\r' }

function ofText(literal: string, modifiers: readonly string[]): readonly Buffer[] | undefined {
  if (!modifiers.every((modifier) => SIMPLE_MODIFIERS.has(modifier))) return undefined
  const isKnown = [...literal.matchAll(/\\(x[0-9A-Fa-f]{2}|.)/g)].every(
    ([, escape = '']) => escape.length === 3 || Object.hasOwn(ESCAPES, escape),
  )
  if (!isKnown || !/^[\t\x20-\x7e]+$/.test(literal)) return undefined
  const plain = Buffer.from(
    literal.replace(/\\(?:x([0-9A-Fa-f]{2})|(.))/g, (_, code?: string, sign?: string) =>
      code === undefined ? (ESCAPES[sign ?? ''] ?? '') : String.fromCharCode(parseInt(code, 16)),
    ),
    'latin1',
  )
  const isWide = modifiers.includes('wide')
  const wide = Buffer.from([...plain].flatMap((byte) => [byte, 0]))
  return [...(!isWide || modifiers.includes('ascii') ? [plain] : []), ...(isWide ? [wide] : [])]
}

/** Of the runs of whole bytes that a hex pattern holds outside of all alternatives, the one with the most different bytes. */
function bestRun(text: string): Buffer {
  const tokens =
    text
      .slice(1, text.lastIndexOf('}'))
      .replace(/\/\*[^]*?(?:\*\/|$)|\/\/[^\n]*/g, ' ')
      .match(/~?[0-9A-Fa-f?]{2}|\[[^\]]*\]|[()|]/g) ?? []
  let best: number[] = []
  let run: number[] = []
  let depth = 0
  const end = (): void => {
    if (new Set(run).size > new Set(best).size) best = run
    run = []
  }
  for (const token of tokens) {
    if (depth === 0 && /^[0-9A-Fa-f]{2}$/.test(token)) {
      run.push(parseInt(token, 16))
      continue
    }
    end()
    if (token === '(') depth++
    else if (token === ')') depth--
  }
  end()
  return Buffer.from(best)
}
