import type { HeaderList } from '../../../detectors/request.js'
import type { ParseFailure } from '../parse-failure.js'
import { HeadScanner } from './head-scanner.js'
import {
  BACKSLASH,
  CLASSES,
  CR,
  DQUOTE,
  EQUALS,
  HEX,
  HTAB,
  LF,
  QUOTED,
  SEMICOLON,
  SP,
  TOKEN,
  VALUE,
} from './octets.js'

/** Digits of a chunk size: 2^52 - 1 at most, so that every size is an exact number. */
const MAX_SIZE_DIGITS = 13
/** Of all chunk extensions of a body together. They carry nothing that we hand on. */
const MAX_EXTENSION_BYTES = 16 * 1024

const SIZE = 0
const EXTENSION = 1
const EXTENSION_NAME_START = 2
const EXTENSION_NAME = 3
const EXTENSION_NAME_END = 4
const EXTENSION_VALUE_START = 5
const EXTENSION_TOKEN = 6
const EXTENSION_QUOTED = 7
const EXTENSION_ESCAPE = 8
const EXTENSION_VALUE_END = 9
const SIZE_LF = 10
const DATA = 11
const DATA_CR = 12
const DATA_LF = 13
const TRAILERS = 14
const DONE = 15

const NOTHING: Uint8Array = new Uint8Array(0)

/**
 * Decodes one chunked body (RFC 9112 section 7.1) to the letter: CRLF everywhere, extensions by their grammar, in whatever
 * pieces the bytes come.
 */
export class ChunkedDecoder {
  readonly #maxTrailerBytes: number
  #state = SIZE
  #size = 0
  #digits = 0
  #extensionBytes = 0
  #scanner: HeadScanner | undefined
  #failure: ParseFailure | undefined
  #trailers: HeaderList = []
  #data = NOTHING

  /** @param maxTrailerBytes of the trailer section; over it 431. */
  constructor(maxTrailerBytes: number) {
    this.#maxTrailerBytes = maxTrailerBytes
  }

  get done(): boolean {
    return this.#state === DONE
  }

  /** Set once the bytes cannot be a chunked body. */
  get failure(): ParseFailure | undefined {
    return this.#failure
  }

  get trailers(): HeaderList {
    return this.#trailers
  }

  /** What the last `decode` found of the content. */
  get data(): Uint8Array {
    return this.#data
  }

  /**
   * Decodes what stands between two offsets, in place: the content of several chunks is moved together, so that a body of
   * many small chunks costs its receiver one piece each time and not thousands.
   *
   * @returns how many bytes are used up; the others, of an incomplete trailer section, must be given again.
   */
  decode(bytes: Buffer, start: number, end: number): number {
    let dataStart = start
    let dataEnd = start
    let i = start
    while (i < end && this.#state < TRAILERS) {
      if (this.#state !== DATA) {
        i = this.#line(bytes, i, end)
        if (this.#failure !== undefined) break
        continue
      }
      const length = Math.min(this.#size, end - i)
      if (dataStart === dataEnd) {
        dataStart = i
        dataEnd = i
      } else bytes.copyWithin(dataEnd, i, i + length)
      dataEnd += length
      i += length
      this.#size -= length
      if (this.#size === 0) this.#state = DATA_CR
    }
    this.#data = dataStart === dataEnd ? NOTHING : bytes.subarray(dataStart, dataEnd)
    if (this.#state === TRAILERS && this.#failure === undefined) i = this.#readTrailers(bytes, i, end)
    return i - start
  }

  #readTrailers(bytes: Buffer, start: number, end: number): number {
    this.#scanner ??= this.#trailerScanner()
    const result = this.#scanner.scan(bytes, start, end)
    if (result === 'more') return start
    if (result === 'failed') {
      this.#failure = this.#scanner.failure
      return start
    }
    this.#trailers = this.#scanner.fields(bytes, start)
    this.#state = DONE
    return start + this.#scanner.length
  }

  #trailerScanner(): HeadScanner {
    const scanner = new HeadScanner(this.#maxTrailerBytes)
    scanner.resetForFields()
    return scanner
  }

  /** Reads what frames the content, up to the next content, the trailers or the end of the bytes. */
  #line(bytes: Uint8Array, from: number, end: number): number {
    let i = from
    while (i < end && this.#state !== DATA && this.#state !== TRAILERS) {
      const byte = bytes[i] ?? 0
      if (this.#state > SIZE && this.#state < SIZE_LF && ++this.#extensionBytes > MAX_EXTENSION_BYTES) {
        this.#failure = { reason: 'chunk_extensions_overflow', status: 413 }
        return i
      }
      const next = this.#next(this.#state, byte)
      if (next < 0) return i
      this.#state = next
      i++
    }
    return i
  }

  /** The state behind this byte; below 0 for a failure. */
  #next(state: number, byte: number): number {
    const found = CLASSES[byte] ?? 0
    const space = byte === SP || byte === HTAB
    switch (state) {
      case SIZE: {
        const digit = HEX[byte] ?? 255
        if (digit !== 255) {
          if (++this.#digits > MAX_SIZE_DIGITS) return this.#fail('chunk_size_overflow')
          this.#size = this.#size * 16 + digit
          return SIZE
        }
        if (this.#digits === 0) return this.#fail('invalid_chunk_size')
        return this.#sizeEnd(byte, 'invalid_chunk_size')
      }
      case EXTENSION:
        return space ? EXTENSION : byte === SEMICOLON ? EXTENSION_NAME_START : this.#badExtension()
      case EXTENSION_NAME_START:
        if (space) return EXTENSION_NAME_START
        return (found & TOKEN) !== 0 ? EXTENSION_NAME : this.#badExtension()
      case EXTENSION_NAME:
        return (found & TOKEN) !== 0 ? EXTENSION_NAME : this.#nameEnd(byte)
      case EXTENSION_NAME_END:
        return space
          ? EXTENSION_NAME_END
          : byte === EQUALS
            ? EXTENSION_VALUE_START
            : byte === SEMICOLON
              ? EXTENSION_NAME_START
              : this.#badExtension()
      case EXTENSION_VALUE_START:
        if (space) return EXTENSION_VALUE_START
        if (byte === DQUOTE) return EXTENSION_QUOTED
        return (found & TOKEN) !== 0 ? EXTENSION_TOKEN : this.#badExtension()
      case EXTENSION_TOKEN:
        return (found & TOKEN) !== 0 ? EXTENSION_TOKEN : this.#sizeEnd(byte, 'invalid_chunk_extension')
      case EXTENSION_QUOTED:
        if (byte === DQUOTE) return EXTENSION_VALUE_END
        if (byte === BACKSLASH) return EXTENSION_ESCAPE
        return (found & QUOTED) !== 0 ? EXTENSION_QUOTED : this.#badExtension()
      case EXTENSION_ESCAPE:
        return (found & VALUE) !== 0 ? EXTENSION_QUOTED : this.#badExtension()
      case EXTENSION_VALUE_END:
        return this.#sizeEnd(byte, 'invalid_chunk_extension')
      case SIZE_LF:
        if (byte !== LF) return this.#fail('bare_cr')
        this.#digits = 0
        return this.#size === 0 ? TRAILERS : DATA
      case DATA_CR:
        return byte === CR ? DATA_LF : this.#fail('chunk_data_not_ended')
      default:
        return byte === LF ? SIZE : this.#fail('chunk_data_not_ended')
    }
  }

  /** Behind a size or an extension: another extension, or the end of the line. */
  #sizeEnd(byte: number, reason: string): number {
    if (byte === CR) return SIZE_LF
    if (byte === SEMICOLON) return EXTENSION_NAME_START
    if (byte === SP || byte === HTAB) return EXTENSION
    return this.#fail(byte === LF ? 'bare_lf' : reason)
  }

  #nameEnd(byte: number): number {
    if (byte === EQUALS) return EXTENSION_VALUE_START
    if (byte === SP || byte === HTAB) return EXTENSION_NAME_END
    return this.#sizeEnd(byte, 'invalid_chunk_extension')
  }

  #badExtension(): number {
    return this.#fail('invalid_chunk_extension')
  }

  #fail(reason: string): number {
    this.#failure = { reason, status: 400 }
    return -1
  }
}
