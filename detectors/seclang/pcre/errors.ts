/** A pattern that PCRE would refuse too, or that we cannot honour; `offset` is where in the pattern. */
export class PatternError extends Error {
  override readonly name = 'PatternError'
  readonly code = 'PATTERN'

  constructor(
    message: string,
    readonly offset: number,
    options?: { readonly cause?: unknown },
  ) {
    super(`${message} at offset ${offset}`, options)
  }
}
