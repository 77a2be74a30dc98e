import type { HeaderList } from '../../../detectors/request.js'
import type { ParseFailure } from '../parse-failure.js'
import { fieldName } from './name-table.js'
import { CLASSES, COLON, CR, HTAB, LF, SP, TARGET, TOKEN } from './octets.js'

/** Longer than any method of the IANA registry; RFC 9112 section 3 asks for 501 then. */
const MAX_METHOD_BYTES = 64
/** `HTTP/1.1`, CR and LF; the digits are looked at on their own. */
const VERSION = [0x48, 0x54, 0x54, 0x50, 0x2f, -1, 0x2e, -1, CR, LF]

// Where the next byte stands.
const START = 0
const START_LF = 1
const METHOD = 2
const TARGET_PART = 3
const VERSION_PART = 4
const LINE_START = 5
const NAME = 6
const VALUE_START = 7
const VALUE_PART = 8
const VALUE_LF = 9
const END_LF = 10

export interface RequestHead {
  readonly method: string
  readonly target: string
  readonly httpVersion: '1.0' | '1.1'
  readonly headers: HeaderList
}

/**
 * Reads the head of one HTTP/1.1 message as RFC 9112 sections 2 to 5 write it, in one pass over the bytes: each byte is
 * looked at once, in whatever pieces they come. What is not to the letter of the grammar is a failure; the one thing
 * skipped is a single empty line before a request line (section 2.2).
 *
 * Between two calls of `scan` the bytes of the head must be kept, since strings are made when it is complete. A second
 * head needs a `reset`.
 */
export class HeadScanner {
  readonly #maxBytes: number
  /** How many bytes of the head have been looked at. */
  #at = 0
  #state = START
  /** Offsets from the head's start: name, its end, value, its end; four for each field. */
  readonly #marks: number[] = []
  #fields = 0
  #methodStart = 0
  #methodEnd = 0
  #targetEnd = 0
  /** Of the field that is being read. */
  #nameStart = 0
  #nameEnd = 0
  #valueStart = 0
  #versionMajor = 0
  #versionMinor = 0
  #failure: ParseFailure | undefined

  /** @param maxBytes of the whole head; over it 414 while in the request line, else 431. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes of the head so far; all of them when it is complete. */
  get length(): number {
    return this.#at
  }

  /** Why `scan` gave `failed`. */
  get failure(): ParseFailure {
    return this.#failure ?? { reason: 'invalid_head', status: 400 }
  }

  reset(): void {
    this.#at = 0
    this.#state = START
    this.#fields = 0
    this.#failure = undefined
  }

  /** As `reset`, for a section of fields without a request line: trailers. */
  resetForFields(): void {
    this.reset()
    this.#state = LINE_START
  }

  /**
   * Goes on to read the head that starts at `start`. `failed` may come before the head is complete.
   *
   * @param bytes from `start` to `end`, with all that was there before
   */
  scan(bytes: Uint8Array, start: number, end: number): 'more' | 'done' | 'failed' {
    const limit = start + this.#maxBytes
    const stop = end < limit ? end : limit
    const done = this.#run(bytes, start, stop)
    if (this.#failure !== undefined) return 'failed'
    if (done) return 'done'
    if (stop < end || stop === limit) {
      this.#failure =
        this.#state < LINE_START
          ? { reason: 'target_overflow', status: 414 }
          : { reason: 'header_overflow', status: 431 }
      return 'failed'
    }
    return 'more'
  }

  /** The request, once `scan` gave `done`. `start` and the bytes are those given to it. */
  request(bytes: Buffer, start: number): RequestHead {
    const text = bytes.toString('latin1', start, start + this.#at)
    return {
      method: fieldName(bytes, start + this.#methodStart, start + this.#methodEnd),
      target: text.slice(this.#methodEnd + 1, this.#targetEnd),
      httpVersion: this.#versionMinor === 0 ? '1.0' : '1.1',
      headers: this.#headers(bytes, start, text),
    }
  }

  /** The fields alone. */
  fields(bytes: Buffer, start: number): HeaderList {
    return this.#fields === 0
      ? []
      : this.#headers(bytes, start, bytes.toString('latin1', start, start + this.#at))
  }

  /** @param text of the whole head */
  #headers(bytes: Buffer, start: number, text: string): HeaderList {
    const headers: [string, string][] = []
    const marks = this.#marks
    for (let i = 0; i < this.#fields * 4; i += 4) {
      const name = fieldName(bytes, start + (marks[i] ?? 0), start + (marks[i + 1] ?? 0))
      headers.push([name, text.slice(marks[i + 2], marks[i + 3])])
    }
    return headers
  }

  /** @returns whether the head is complete. */
  #run(bytes: Uint8Array, start: number, stop: number): boolean {
    let i = start + this.#at
    let state = this.#state
    while (i < stop) {
      const byte = bytes[i] ?? 0
      switch (state) {
        case START:
          this.#methodStart = i - start
          if (byte === CR && i === start) {
            i++
            state = START_LF
          } else state = METHOD
          break
        case START_LF:
          if (byte !== LF) return this.#fail(i - start, 'bare_cr')
          i++
          this.#methodStart = i - start
          state = METHOD
          break
        case METHOD: {
          const most = start + this.#methodStart + MAX_METHOD_BYTES
          while (i < stop && i <= most && ((CLASSES[bytes[i] ?? 0] ?? 0) & TOKEN) !== 0) i++
          if (i > most) return this.#fail(i - start, 'method_overflow', 501)
          if (i === stop) break
          this.#methodEnd = i - start
          if (bytes[i] !== SP || this.#methodEnd === this.#methodStart)
            return this.#fail(i - start, methodProblem(this.#methodEnd === this.#methodStart, bytes[i]))
          i++
          state = TARGET_PART
          break
        }
        case TARGET_PART:
          while (i < stop && ((CLASSES[bytes[i] ?? 0] ?? 0) & TARGET) !== 0) i++
          if (i === stop) break
          this.#targetEnd = i - start
          if (bytes[i] !== SP) {
            const line = bytes[i] === CR || bytes[i] === LF
            return this.#fail(i - start, line ? 'missing_version' : controlOr('invalid_target', bytes[i]))
          }
          if (this.#targetEnd === this.#methodEnd + 1) return this.#fail(i - start, 'invalid_target')
          i++
          state = VERSION_PART
          break
        case VERSION_PART: {
          const place = i - start - this.#targetEnd - 1
          const expected = VERSION[place] ?? 0
          if (expected === -1 ? byte < 0x30 || byte > 0x39 : byte !== expected)
            return this.#fail(i - start, place < 8 ? 'invalid_version' : byte === LF ? 'bare_lf' : 'bare_cr')
          if (place === 5) this.#versionMajor = byte - 0x30
          else if (place === 7) {
            this.#versionMinor = byte - 0x30
            if (this.#versionMajor !== 1 || this.#versionMinor > 1)
              return this.#fail(i - start, 'unsupported_version', 505)
          } else if (place === 9) state = LINE_START
          i++
          break
        }
        case LINE_START:
          if (byte === CR) {
            i++
            state = END_LF
          } else {
            if (((CLASSES[byte] ?? 0) & TOKEN) === 0) return this.#fail(i - start, lineProblem(byte))
            this.#nameStart = i - start
            state = NAME
          }
          break
        case NAME:
          i = endOfToken(bytes, i, stop)
          if (i === stop) break
          if (bytes[i] !== COLON) return this.#fail(i - start, nameProblem(bytes[i]))
          this.#nameEnd = i - start
          i++
          state = VALUE_START
          break
        case VALUE_START:
          if (byte === SP || byte === HTAB) i++
          else {
            this.#valueStart = i - start
            state = VALUE_PART
          }
          break
        case VALUE_PART:
          i = endOfValue(bytes, i, stop)
          if (i === stop) break
          if (bytes[i] !== CR) {
            return this.#fail(
              i - start,
              bytes[i] === LF ? 'bare_lf' : controlOr('invalid_header_value', bytes[i]),
            )
          }
          this.#mark(bytes, start, i)
          i++
          state = VALUE_LF
          break
        case VALUE_LF:
          if (byte !== LF) return this.#fail(i - start, 'bare_cr')
          i++
          state = LINE_START
          break
        case END_LF:
          if (byte !== LF) return this.#fail(i - start, 'bare_cr')
          this.#at = i + 1 - start
          return true
      }
    }
    this.#at = i - start
    this.#state = state
    return false
  }

  /** The field whose value ends before `end`; the white space behind it is no part of it. */
  #mark(bytes: Uint8Array, start: number, end: number): void {
    const least = start + this.#valueStart
    let last = end
    while (last > least && (bytes[last - 1] === SP || bytes[last - 1] === HTAB)) last--
    const at = this.#fields++ * 4
    this.#marks[at] = this.#nameStart
    this.#marks[at + 1] = this.#nameEnd
    this.#marks[at + 2] = this.#valueStart
    this.#marks[at + 3] = last - start
  }

  #fail(at: number, reason: string, status: ParseFailure['status'] = 400): false {
    this.#at = at
    this.#failure = { reason, status }
    return false
  }
}

/** The first place that holds no byte of a field value. */
function endOfValue(bytes: Uint8Array, from: number, stop: number): number {
  let i = from
  while (i < stop) {
    const byte = bytes[i] ?? 0
    if ((byte < SP && byte !== HTAB) || byte === 0x7f) break
    i++
  }
  return i
}

/** The first place that holds no byte of a token. */
function endOfToken(bytes: Uint8Array, from: number, stop: number): number {
  let i = from
  while (i < stop && ((CLASSES[bytes[i] ?? 0] ?? 0) & TOKEN) !== 0) i++
  return i
}

function controlOr(reason: string, byte: number | undefined): string {
  return byte === 0 ? 'nul_byte' : reason
}

function methodProblem(first: boolean, byte: number | undefined): string {
  if (first && byte === CR) return 'empty_line'
  return first && byte === LF ? 'bare_lf' : controlOr('invalid_method', byte)
}

function lineProblem(byte: number): string {
  // The first field behind the request line may not be indented either (RFC 9112 section 2.2).
  if (byte === SP || byte === HTAB) return 'line_folding'
  if (byte === COLON) return 'empty_header_name'
  return byte === LF ? 'bare_lf' : controlOr('invalid_header_name', byte)
}

function nameProblem(byte: number | undefined): string {
  if (byte === SP || byte === HTAB) return 'space_before_colon'
  if (byte === CR || byte === LF) return 'missing_colon'
  return controlOr('invalid_header_name', byte)
}
