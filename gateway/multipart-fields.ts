/** Longest boundary that is looked for; RFC 2046, section 5.1.1, allows 70 characters. */
const MAX_BOUNDARY = 200
/** Longest head of one part; a longer one counts as a field. */
const MAX_PART_HEAD = 16 * 1024

/** The boundary of a `multipart/form-data` content type; undefined when it has none that can be used. */
export const multipartBoundary = (contentType: string): string | undefined => {
  const match = /;\s{0,16}boundary\s{0,16}=\s{0,16}(?:"([^"]{1,200})"|([^\s;,"]{1,200}))/i.exec(contentType)
  const boundary = match?.[1] ?? match?.[2]
  return boundary === undefined || boundary.length > MAX_BOUNDARY ? undefined : boundary
}

/** Finds a mark again and again, always further on: each byte is looked at once in all. */
class Finder {
  #at = -2

  constructor(
    readonly bytes: Buffer,
    readonly mark: string,
  ) {}

  /** Offset behind the next mark at or after `from`, or Infinity. `from` never goes back. */
  after(from: number): number {
    if (this.#at !== -1 && this.#at < from) this.#at = this.bytes.indexOf(this.mark, from, 'latin1')
    return this.#at === -1 ? Infinity : this.#at + this.mark.length
  }
}

const isFile = (head: string): boolean =>
  /^content-disposition[ \t]{0,16}:[^\r\n]*?;\s*filename\*?\s*=/im.test(head)

/**
 * Where the fields of a multipart body pass a limit. Contents of parts with a file name do not count; everything else
 * does: delimiters, heads of parts, preamble. Linear in the length of the body.
 *
 * @returns the offset of the first byte over the limit, or -1
 */
export const fieldOverflow = (body: Uint8Array, boundary: string, limit: number): number => {
  if (body.length <= limit) return -1
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const delimiter = Buffer.from(`--${boundary}`, 'latin1')
  const blankLines = [new Finder(bytes, '\r\n\r\n'), new Finder(bytes, '\n\n')]
  let fields = 0
  let from = 0
  for (let at = bytes.indexOf(delimiter); at !== -1; at = bytes.indexOf(delimiter, from)) {
    const atLineStart = at === 0 || bytes[at - 1] === 0x0a
    const head = at + delimiter.length
    const headEnd = atLineStart ? Math.min(...blankLines.map((blank) => blank.after(head))) : Infinity
    const isPart = headEnd - head <= MAX_PART_HEAD
    const end = isPart ? headEnd : head
    if (fields + end - from > limit) return from + (limit - fields)
    fields += end - from
    from = end
    if (!isPart || !isFile(bytes.toString('latin1', head, headEnd))) continue
    const close = bytes.indexOf(`\n--${boundary}`, from, 'latin1')
    from = close === -1 ? bytes.length : close
  }
  const rest = bytes.length - from
  return fields + rest > limit ? from + (limit - fields) : -1
}
