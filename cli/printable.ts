/**
 * Text that came from a client, fit for a terminal: whatever is not printable ASCII is shown as `\xNN`, so that it can
 * neither move the cursor nor look like something else.
 */
export const printable = (text: string): string =>
  text.replace(/[^\x20-\x7e]|\\/g, (char) => {
    if (char === '\\') return '\\\\'
    const code = char.charCodeAt(0)
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`
  })

/** JSON in ASCII only, for the same reason. */
export const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/**
 * Text of a rule file, a byte string that is UTF-8 in all likelihood, fit for a terminal: what is invisible is escaped, so that a
 * rule that somebody else wrote cannot look like another one.
 */
export const printableRule = (bytes: string): string =>
  Buffer.from(bytes, 'latin1')
    .toString('utf8')
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`)
