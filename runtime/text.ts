/**
 * At most `length` characters of a text that may hold anything, fit for JSON that must be well-formed: no surrogate pair is
 * cut in two and a lone surrogate becomes U+FFFD.
 */
export const shorten = (text: string, length: number): string =>
  Buffer.from(
    Array.from(text.slice(0, length * 2))
      .slice(0, length)
      .join(''),
    'utf8',
  ).toString('utf8')
