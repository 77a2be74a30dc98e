import type { Entry } from '../collections/entry.js'
import type { BodyCheck, BodyLimits, BodyProcessor, ParsedBody } from './body.js'
import { JsonCursor, JsonSyntaxError } from './json-scalars.js'
import { isSoundJson } from './sound-json.js'

// Names repeat the keys above them. Their sum stays linear in the body: a huge key over many members is refused.
const NAME_CHARACTERS_BASE = 64 * 1024
const NAME_CHARACTERS_FACTOR = 8
// A surrogate pair of escapes: an error this near to the end may be where the body was cut.
const LONGEST_TOKEN = 12

interface Frame {
  readonly name: string
  /** Index of the next element; -1 for an object. */
  index: number
  /** Whether a member or element was already read. */
  filled: boolean
}

class JsonLimitError extends Error {
  constructor(
    readonly limit: string,
    message: string,
  ) {
    super(message)
  }
}

/**
 * Reads JSON (RFC 8259) on bytes and flattens it: `{"a":{"b":[1]}}` gives `json.a.b.0` = `1`. Repeated keys are all kept; an empty object or
 * array gives its name with an empty value, so that its key is judged. What was read before an error is kept.
 */
export const json: BodyProcessor = (body, _contentType, limits) => {
  const reader = new JsonReader(body, limits)
  try {
    reader.read()
    return reader.result('', [])
  } catch (error) {
    if (error instanceof JsonLimitError) return reader.result(error.message, [error.limit])
    if (!(error instanceof JsonSyntaxError)) throw error
    const cut = !limits.complete && error.at >= body.length - LONGEST_TOKEN
    return reader.result(cut ? '' : error.message, [])
  }
}

export const isSound: BodyCheck = (bytes, limits) => isSoundJson(bytes, limits, mostNames(bytes.length))

const mostNames = (length: number): number => NAME_CHARACTERS_BASE + NAME_CHARACTERS_FACTOR * length

const QUOTE = 0x22
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const COMMA = 0x2c
const COLON = 0x3a

class JsonReader {
  readonly #args: Entry[] = []
  readonly #stack: Frame[] = []
  readonly #cursor: JsonCursor
  readonly #maxNames: number
  #names = 0

  constructor(
    readonly text: string,
    readonly limits: BodyLimits,
  ) {
    this.#maxNames = mostNames(text.length)
    this.#cursor = new JsonCursor(text)
    // A UTF-8 byte order mark, which lenient readers skip.
    if (text.startsWith('\xef\xbb\xbf')) this.#cursor.at = 3
  }

  result(error: string, limits: readonly string[]): ParsedBody {
    return { args: this.#args, error: error === '' ? '' : `JSON: ${error}`, limits }
  }

  read(): void {
    let name: string | undefined = 'json'
    while (name !== undefined) {
      this.#value(name)
      name = this.#next()
    }
    this.#cursor.next()
    if (this.#cursor.at < this.text.length) throw new JsonSyntaxError('text after the value', this.#cursor.at)
  }

  /** Reads a scalar, or opens an object or array. */
  #value(name: string): void {
    const code = this.#cursor.next()
    switch (code) {
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        if (this.#stack.length >= this.limits.jsonDepth) {
          throw new JsonLimitError('json_depth', `deeper than ${this.limits.jsonDepth}`)
        }
        this.#stack.push({ name, index: code === OPEN_ARRAY ? 0 : -1, filled: false })
        this.#cursor.at++
        return
      case QUOTE:
        this.#add(name, this.#cursor.string())
        return
      case 0x74: // t
        this.#word(name, 'true', 'true')
        return
      case 0x66: // f
        this.#word(name, 'false', 'false')
        return
      case 0x6e: // n
        this.#word(name, 'null', '')
        return
      default:
        this.#add(name, this.#cursor.number())
    }
  }

  /** Closes what ends here; the name of the next value, or undefined at the end of the document. */
  #next(): string | undefined {
    for (let frame = this.#stack.at(-1); frame !== undefined; frame = this.#stack.at(-1)) {
      const code = this.#cursor.next()
      if (code === (frame.index < 0 ? CLOSE_OBJECT : CLOSE_ARRAY)) {
        this.#cursor.at++
        this.#stack.pop()
        if (!frame.filled) this.#add(frame.name, '')
        continue
      }
      if (frame.filled) {
        if (code !== COMMA) throw new JsonSyntaxError('a comma or an end is missing', this.#cursor.at)
        this.#cursor.at++
      }
      frame.filled = true
      return frame.index < 0 ? `${frame.name}.${this.#key()}` : `${frame.name}.${frame.index++}`
    }
    return undefined
  }

  #key(): string {
    if (this.#cursor.next() !== QUOTE) throw new JsonSyntaxError('a key is missing', this.#cursor.at)
    const key = this.#cursor.string()
    if (this.#cursor.next() !== COLON) throw new JsonSyntaxError('a colon is missing', this.#cursor.at)
    this.#cursor.at++
    return key
  }

  #word(name: string, word: string, value: string): void {
    if (!this.text.startsWith(word, this.#cursor.at)) throw new JsonSyntaxError('no value', this.#cursor.at)
    this.#cursor.at += word.length
    this.#add(name, value)
  }

  #add(key: string, value: string): void {
    if (this.#args.length >= this.limits.arguments) {
      throw new JsonLimitError('arguments', `more than ${this.limits.arguments} values`)
    }
    this.#names += key.length
    if (this.#names > this.#maxNames) throw new JsonLimitError('json_names', 'the keys are too long')
    this.#args.push({ key, value })
  }
}
