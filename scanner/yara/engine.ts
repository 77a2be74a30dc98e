/** What the rest of the scanner needs of an implementation of YARA. */
export interface YaraEngine {
  readonly name: 'native' | 'wasm'
  /**
   * It derives from one rule's condition how contents must begin, and then misses the same pattern in other rules (YARA-X
   * 1.18 to 1.20 at least): conditions are given to it in a form from which it derives nothing.
   */
  readonly prunesTooMuch: boolean
  /** Whether it compiles; all that is wrong, with places in `source`. */
  check(source: string): readonly CompileError[]
  /** @throws when the source does not compile */
  compile(source: string): CompiledRules
}

export interface CompiledRules {
  scan(content: Buffer): readonly RuleMatch[]
}

export interface RuleMatch {
  readonly rule: string
  readonly tags: readonly string[]
  readonly meta: Readonly<Record<string, unknown>>
}

export interface CompileError {
  /** Of a person's interest: the compiler's first line, without the source excerpt. */
  readonly message: string
  /** From 1. */
  readonly line: number
  readonly column: number
}

/**
 * External variables that public rule sets use and that only some scanners fill. They are defined and empty here, so that a
 * verdict depends on the content alone.
 */
export const EXTERNALS: readonly string[] = ['filename', 'filepath', 'extension', 'filetype', 'owner']

/** Reads `error[E025]: unknown pattern` and ` --> line:1:21` out of a message of YARA-X. */
export function parseCompileError(text: string): CompileError {
  const [first = text] = text.split('\n', 1)
  const at = /-->\s{0,9}line:(\d{1,9}):(\d{1,9})/.exec(text)
  return { message: first, line: at ? Number(at[1]) : 1, column: at ? Number(at[2]) : 1 }
}
