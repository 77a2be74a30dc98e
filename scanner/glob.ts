/**
 * Which paths a pattern means: `*` stands for any characters of one name, `?` for one of them, `**` for any number of
 * folders; everything else for itself. A pattern without a slash is compared with the last name of a path, one with a
 * slash with the whole path.
 *
 * All ways to match are followed at once, so that the time is at most the length of the path times that of the pattern:
 * names come from strangers, and a backtracking expression could be made to take for ever.
 */
export type Glob = (path: string) => boolean

type Token =
  | { readonly kind: 'literal'; readonly text: string }
  /** One character, any number of them within a name, any number of characters, any number of whole folders. */
  | { readonly kind: 'one' | 'name' | 'all' | 'folders' }

/** @param pattern what the operator wrote; with a slash in it, absolute */
export function glob(pattern: string): Glob {
  const tokens = [...tokensOf(pattern.length > 1 ? pattern.replace(/\/$/, '') : pattern)]
  const whole = pattern.replace(/\/$/, '').includes('/')
  return (path) => matches(tokens, whole ? path : path.slice(path.lastIndexOf('/') + 1))
}

function* tokensOf(pattern: string): Generator<Token> {
  for (let at = 0; at < pattern.length;) {
    const startsName = at === 0 || pattern[at - 1] === '/'
    if (startsName && pattern.startsWith('**/', at)) {
      yield { kind: 'folders' }
      at += 3
    } else if (pattern.startsWith('**', at)) {
      yield { kind: 'all' }
      at += 2
    } else {
      const text = String.fromCodePoint(pattern.codePointAt(at) ?? 0)
      yield text === '*' ? { kind: 'name' } : text === '?' ? { kind: 'one' } : { kind: 'literal', text }
      at += text.length
    }
  }
}

const mayBeNothing = (token: Token | undefined): boolean =>
  token?.kind === 'name' || token?.kind === 'all' || token?.kind === 'folders'

function matches(tokens: readonly Token[], text: string): boolean {
  /** Tokens at which a match of what was read so far may stand, `tokens.length` meaning past the last one. */
  let states = new Set<number>()
  const enter = (into: Set<number>, start: number): void => {
    let at = start
    into.add(at)
    while (mayBeNothing(tokens[at])) into.add(++at)
  }
  enter(states, 0)
  for (const char of text) {
    const next = new Set<number>()
    for (const at of states) {
      const token = tokens[at]
      if (!token) continue
      if (token.kind === 'literal') {
        if (token.text === char) enter(next, at + 1)
      } else if (token.kind === 'all') enter(next, at)
      else if (token.kind === 'folders') {
        // Within a folder only the slash that ends it lets the rest begin.
        next.add(at)
        if (char === '/') enter(next, at)
      } else if (char !== '/') enter(next, token.kind === 'one' ? at + 1 : at)
    }
    if (next.size === 0) return false
    states = next
  }
  return states.has(tokens.length)
}
