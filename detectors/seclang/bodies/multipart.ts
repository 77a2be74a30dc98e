import type { Entry } from '../collections/entry.js'
import type { BodyLimits, BodyProcessor, MultipartFlag, ParsedBody, PartPlace, UploadedFile } from './body.js'
import { parseContentDisposition } from './content-disposition.js'

/** Most header lines of one part. */
export const MAX_PART_HEADERS = 64

interface Part {
  readonly headers: string[]
  /** Where its headers begin. */
  readonly at: number
  /** Where its content begins; undefined while its headers are read. */
  start: number | undefined
}

/**
 * Reads `multipart/form-data` (RFC 7578) strictly: what a lenient reader might read otherwise is noted in the MULTIPART_* flags; what cannot be
 * read at all is an error. One pass over lines.
 */
export const multipart: BodyProcessor = (body, contentType, limits) =>
  new MultipartReader(body, limits).read(contentType)

class MultipartReader {
  readonly #flags = new Set<MultipartFlag>()
  readonly #args: Entry[] = []
  readonly #files: UploadedFile[] = []
  readonly #partHeaders: Entry[] = []
  readonly #limits: string[] = []
  readonly #places = new Map<object, PartPlace>()
  #error = ''
  #name = ''
  #filename = ''
  #crlfLine = false
  #lfLine = false

  constructor(
    readonly text: string,
    readonly limits: BodyLimits,
  ) {}

  read(contentType: string): ParsedBody {
    const boundary = this.#boundary(contentType)
    if (boundary !== undefined) this.#parts('--' + boundary)
    if (this.#lfLine) this.#flags.add(this.#crlfLine ? 'CRLF_LF_LINES' : 'LF_LINE')
    if (this.#lfLine) this.#flags.add('LF_LINE')
    return {
      args: this.#args,
      multipart: {
        places: this.#places,
        flags: this.#flags,
        files: this.#files,
        partHeaders: this.#partHeaders,
        name: this.#name,
        filename: this.#filename,
      },
      error: this.#error === '' ? '' : `Multipart: ${this.#error}`,
      limits: this.#limits,
    }
  }

  #boundary(contentType: string): string | undefined {
    const matches = [...contentType.matchAll(/boundary[ \t]{0,64}=/gi)]
    const [match] = matches
    if (match === undefined || matches.length > 1) {
      return this.#fail(match === undefined ? 'no boundary' : 'more than one boundary')
    }
    const before = contentType[match.index - 1] ?? ''
    if (!/[;\s,]/.test(before)) return this.#fail('no boundary')
    if (/\s=$/.test(match[0])) this.#flags.add('BOUNDARY_WHITESPACE')
    let value = contentType.slice(match.index + match[0].length)
    if (/^\s/.test(value)) this.#flags.add('BOUNDARY_WHITESPACE')
    value = value.trim()
    if (value.startsWith('"')) {
      this.#flags.add('BOUNDARY_QUOTED')
      const end = value.indexOf('"', 1)
      if (end < 0) return this.#fail('the boundary is never closed')
      value = value.slice(1, end)
    } else {
      value = value.split(/[;,]/, 1)[0] ?? ''
      if (/\s$/.test(value)) this.#flags.add('BOUNDARY_WHITESPACE')
      value = value.trimEnd()
    }
    // The characters of RFC 2046, section 5.1.1.
    if (!/^[0-9A-Za-z'()+_,\-./:=? ]{1,200}$/.test(value) || value.endsWith(' ')) {
      return this.#fail('the boundary is not valid')
    }
    return value
  }

  #parts(delimiter: string): void {
    const { text } = this
    let part: Part | undefined
    let closed = false
    let at = 0
    while (at < text.length) {
      const feed = text.indexOf('\n', at)
      const next = feed < 0 ? text.length : feed + 1
      const crlf = feed > at && text[feed - 1] === '\r'
      const end = feed < 0 ? text.length : crlf ? feed - 1 : feed
      if (closed) {
        if (end > at) this.#flags.add('DATA_AFTER')
        at = next
        continue
      }
      if (text.startsWith('--', at)) {
        const kind = boundaryLine(text, at, end, delimiter)
        if (kind === 'invalid') this.#fail('a boundary line is not valid')
        if (kind === 'unmatched') this.#flags.add('UNMATCHED_BOUNDARY')
        if (kind === 'open' || kind === 'close') {
          if (part !== undefined) this.#finish(part, at)
          if (feed >= 0) this.#noteLine(crlf)
          part = { headers: [], at: next, start: undefined }
          if (kind === 'close') {
            closed = true
            part = undefined
          }
          at = next
          continue
        }
      }
      if (part === undefined) {
        if (end > at) this.#flags.add('DATA_BEFORE')
      } else if (part.start === undefined) {
        this.#noteLine(crlf)
        if (end === at) part.start = next
        else if (!this.#header(part, text.slice(at, end))) return
      }
      at = next
    }
    if (!closed) {
      if (part !== undefined) this.#finish(part, text.length)
      if (this.limits.complete) this.#fail('the final boundary is missing')
    }
  }

  #header(part: Part, line: string): boolean {
    if (line.startsWith(' ') || line.startsWith('\t')) {
      const last = part.headers.length - 1
      this.#flags.add('HEADER_FOLDING')
      if (last < 0) {
        this.#flags.add('INVALID_HEADER_FOLDING')
        this.#fail('a folded line has no header before it')
        return true
      }
      part.headers[last] = `${part.headers[last] ?? ''} ${line.trimStart()}`
      return true
    }
    if (part.headers.length >= MAX_PART_HEADERS) {
      this.#limits.push('multipart_headers')
      this.#fail(`a part has more than ${MAX_PART_HEADERS} headers`)
      return false
    }
    part.headers.push(line)
    return true
  }

  #finish(part: Part, boundaryAt: number): void {
    if (part.start === undefined) {
      if (!this.limits.complete && boundaryAt === this.text.length) return
      this.#flags.add('INVALID_PART')
      this.#fail('a part has no content')
      return
    }
    let disposition: string | undefined
    for (const header of part.headers) {
      const colon = header.indexOf(':')
      if (colon <= 0) {
        this.#flags.add('INVALID_PART')
        this.#fail('a part header has no colon')
        continue
      }
      if (header.slice(0, colon).trim().toLowerCase() !== 'content-disposition') continue
      if (disposition !== undefined) {
        this.#flags.add('INVALID_PART')
        this.#fail('a part has two Content-Disposition headers')
      }
      disposition ??= header.slice(colon + 1)
    }
    const parsed = parseContentDisposition(disposition ?? '')
    if (parsed.invalidQuoting) this.#flags.add('INVALID_QUOTING')
    if (parsed.missingSemicolon) this.#flags.add('MISSING_SEMICOLON')
    if (parsed.invalid || parsed.name === undefined) {
      this.#flags.add('INVALID_PART')
      this.#fail('a part has no readable Content-Disposition')
    }
    const field = parsed.name ?? ''
    for (const header of part.headers) this.#partHeaders.push({ key: field, value: header })
    this.#content(field, parsed.filenames, part.at, part.start, boundaryAt)
  }

  #content(
    field: string,
    filenames: readonly string[],
    headers: number,
    start: number,
    boundaryAt: number,
  ): void {
    let end = boundaryAt
    // The line break before a boundary belongs to the boundary.
    if (this.text[end - 1] === '\n' && end > start) end--
    if (this.text[end - 1] === '\r' && end > start) end--
    const content = this.text.slice(start, Math.max(start, end))
    const place = { headers, content: start, end: start + content.length }
    this.#name = field
    if (filenames.length === 0) {
      if (this.#args.length < this.limits.arguments) {
        const argument = { key: field, value: content }
        this.#args.push(argument)
        this.#places.set(argument, place)
      } else this.#limit('arguments', `more than ${this.limits.arguments} arguments`)
      return
    }
    for (const filename of filenames) {
      if (this.#files.length >= this.limits.files) {
        this.#flags.add('FILE_LIMIT_EXCEEDED')
        this.#limit('files', `more than ${this.limits.files} files`)
        return
      }
      this.#filename = filename
      const file = { field, filename, content }
      this.#files.push(file)
      this.#places.set(file, place)
    }
  }

  #limit(name: string, message: string): void {
    if (!this.#limits.includes(name)) this.#limits.push(name)
    this.#fail(message)
  }

  #noteLine(crlf: boolean): void {
    if (crlf) this.#crlfLine = true
    else this.#lfLine = true
  }

  /** Keeps the first error. */
  #fail(message: string): undefined {
    if (this.#error === '') this.#error = message
    return undefined
  }
}

function boundaryLine(
  text: string,
  at: number,
  end: number,
  delimiter: string,
): 'open' | 'close' | 'invalid' | 'unmatched' {
  if (!text.startsWith(delimiter, at)) return 'unmatched'
  const after = at + delimiter.length
  if (after > end) return 'unmatched'
  if (after === end) return 'open'
  if (after + 2 === end && text.startsWith('--', after)) return 'close'
  // White space may pad a boundary line (RFC 2046); anything else makes it ambiguous.
  const rest = text.slice(after, Math.min(end, after + 256)).trim()
  if (rest === '') return 'open'
  return rest === '--' ? 'close' : 'invalid'
}
