import { entropy, lineShape, stringShape } from './byte-statistics.js'
import { CALL_INDEX, FEATURE_COUNT, groupIndex, HASHED, INDEX, SUPERGLOBAL_INDEX } from './php-columns.js'
import { findOpenTag, fnv, fnvOf, isLetter, PhpLexer } from './php-lexer.js'

/**
 * What the web-shell model is shown of a file: how often hashed tokens and pairs of tokens occur, then named statistics.
 * The same code trains and serves. Counts are of what is there, never shares of the file, wherever that can be: a share
 * shrinks when an attacker pads the file, a count does not.
 */

/** Bytes. A longer file shows its first three quarters and its last quarter of this. */
export const EXAMINED_BYTES = 1024 * 1024

const SINKS = new Set([groupIndex('evaluate'), groupIndex('command'), groupIndex('callback')])
const DECODE = groupIndex('decode')

const FUNCTION = fnvOf('function')
const NEW = fnvOf('new')
const TYPES = new Set(['class', 'interface', 'trait', 'enum'].map(fnvOf))
const NAMESPACES = new Set(['namespace', 'use'].map(fnvOf))
const INCLUDES = new Set(['include', 'include_once', 'require', 'require_once'].map(fnvOf))
/** Names before `(` that are no calls. */
const KEYWORDS = new Set(
  [
    'if elseif while for foreach switch catch match array list isset unset empty return echo print and or xor',
    'function fn use declare static',
  ].flatMap((line) => line.split(' ').map(fnvOf)),
)

const PAREN = 0x28
const CLOSE = 0x29
const SQUARE = 0x5d
const AT = 0x40
const DOT = 0x2e
const DOLLAR = 0x24

/** Seeds that keep kinds of tokens apart that have the same text. */
const OTHER_VARIABLE = fnvOf('$v')
const NUMBER = fnvOf('0')
const MEMBER = fnvOf('->')
const SHELL = fnvOf('`')
const ENCODED = fnvOf('<encoded>')
const TEXT = fnvOf('<text>')
const CALL = 0x28
const WORD_IN_STRING = fnvOf('s:')
const WORD_IN_HTML = fnvOf('h:')

/**
 * Whether the model has anything to say: PHP is in what it examines. In binary contents only the long tag counts, since
 * the short ones come about by chance.
 */
export const holdsPhp = (examined: Buffer, binary: boolean): boolean =>
  findOpenTag(examined, 0, !binary) !== undefined

/** The part of a content that is looked at. */
export const examinedPart = (content: Buffer): Buffer =>
  content.length <= EXAMINED_BYTES
    ? content
    : Buffer.concat([
        content.subarray(0, (EXAMINED_BYTES / 4) * 3),
        content.subarray(content.length - EXAMINED_BYTES / 4),
      ])

/**
 * The features of one file, `FEATURE_COUNT` numbers: counts as log(1 + n), sizes as log(1 + bytes), entropies in bits.
 * Linear in the length of `examined`, which `examinedPart` bounds.
 */
export function phpFeatures(examined: Buffer): Float32Array {
  return new Extraction(examined).run()
}

class Extraction {
  readonly #out = new Float32Array(FEATURE_COUNT)
  readonly #lexer: PhpLexer
  /** The token before, as hashed into the pairs. */
  #before = 0
  /** What opened each parenthesis that is still open: index of the group of a call, 1 other call, 0 no call. */
  readonly #open: number[] = []
  /** How many of `#open` are sinks, and calls. */
  #sinks = 0
  #calls = 0
  #nesting = 0
  #longestString = 0
  #longestStringAt = 0
  #nameBytes = 0
  /** An include statement that has not ended. */
  #including = false
  /** Between the brackets of `$_GET[…]`. */
  #inputIndex = false

  constructor(readonly examined: Buffer) {
    this.#lexer = new PhpLexer(examined)
  }

  run(): Float32Array {
    const lexer = this.#lexer
    // The tokens before the current one: what a `(` opens depends on them.
    let last: Last = NOTHING
    while (lexer.next()) last = this.#take(last)
    this.#measureBytes()
    const out = this.#out
    for (let index = 0; index < HASHED; index++) {
      const count = out[index] ?? 0
      if (count > 0) out[index] = Math.log1p(count)
    }
    out[INDEX.nested_calls] = this.#nesting
    out[INDEX.longest_string] = this.#longestString
    const names = out[INDEX.names] ?? 0
    out[INDEX.name_length] = names === 0 ? 0 : this.#nameBytes / names
    for (let index = HASHED; index < FEATURE_COUNT; index++)
      if (!UNSCALED.has(index)) out[index] = Math.log1p(out[index] ?? 0)
    if (this.#longestString >= 64)
      out[INDEX.longest_string_entropy] = entropy(
        this.examined,
        this.#longestStringAt,
        this.#longestStringAt + this.#longestString,
      )
    return out
  }

  #add(index: number, amount = 1): void {
    this.#out[index] = (this.#out[index] ?? 0) + amount
  }

  /** Counts a token and its pair with the one before. */
  #emit(hash: number): void {
    this.#add(mix(hash) & (HASHED - 1))
    this.#add(mix(Math.imul(this.#before, 31) ^ hash) & (HASHED - 1))
    this.#before = hash
  }

  #take(last: Last): Last {
    const { kind, start, end, hash } = this.#lexer
    switch (kind) {
      case 'html':
        this.#add(INDEX.html_bytes, end - start)
        this.#words(start, end, WORD_IN_HTML)
        return NOTHING
      case 'comment':
        // Not counted: a licence text pasted over a shell must not speak for it.
        return last
      case 'name':
        return this.#name(last, start, end, hash)
      case 'variable':
        return this.#variable(last, hash)
      case 'number':
        this.#emit(NUMBER)
        return OPERAND
      case 'string':
      case 'shell':
        return this.#string(kind, start, end)
      case 'member':
        return AFTER_MEMBER
      case 'punctuation':
        return this.#punctuation(last, hash)
    }
  }

  #name(last: Last, start: number, end: number, hash: number): Last {
    this.#add(INDEX.names)
    this.#nameBytes += end - start
    if ((this.examined[start] ?? 0) >= 0x80) this.#add(INDEX.non_ascii_names)
    const declared = last.kind === 'name' && last.hash === FUNCTION
    if (hash === FUNCTION) this.#add(INDEX.declared_functions)
    else if (TYPES.has(hash)) this.#add(INDEX.declared_classes)
    else if (NAMESPACES.has(hash)) this.#add(INDEX.namespaces)
    else if (INCLUDES.has(hash)) this.#including = true
    const member = last.kind === 'member'
    // Names that a file declares or reaches through objects are its own choice; those of the language are not.
    this.#emit(declared ? FUNCTION : member ? MEMBER ^ hash : hash)
    if (last.kind === 'silence') this.#add(INDEX.silenced_calls)
    return { kind: declared || member || last.hash === NEW ? 'member name' : 'name', hash }
  }

  #variable(last: Last, hash: number): Last {
    const superglobal = SUPERGLOBAL_INDEX.get(hash)
    if (last.kind === 'dollar') this.#add(INDEX.variable_variables)
    if (superglobal !== undefined) {
      this.#add(superglobal)
      if (this.#sinks > 0) this.#add(INDEX.input_in_sink)
      else if (this.#calls > 0) this.#add(INDEX.input_in_call)
    } else if (this.#sinks > 0) this.#add(INDEX.variable_in_sink)
    if (this.#including) this.#add(INDEX.variable_in_include)
    this.#emit(superglobal === undefined ? OTHER_VARIABLE : hash)
    return superglobal === undefined ? VARIABLE : INPUT
  }

  #string(kind: 'string' | 'shell', start: number, end: number): Last {
    const length = end - start
    this.#add(INDEX.strings)
    this.#add(INDEX.string_bytes, length)
    if (length > this.#longestString) {
      this.#longestString = length
      this.#longestStringAt = start
    }
    if (kind === 'shell') {
      this.#add(INDEX.shell_quotes)
      this.#emit(SHELL)
    }
    const { escapes, encoded } = stringShape(this.examined, start, end)
    this.#add(INDEX.escapes, escapes)
    if (encoded) {
      this.#add(INDEX.encoded_strings)
      this.#add(INDEX.encoded_bytes, length)
      this.#emit(ENCODED)
    } else {
      this.#emit(TEXT)
      this.#words(start, end, WORD_IN_STRING)
    }
    return OPERAND
  }

  /** Words of 3 to 20 letters in a text, in lower case: what a shell says of itself, commands, paths. */
  #words(start: number, end: number, seed: number): void {
    const bytes = this.examined
    let hash = seed
    let length = 0
    for (let at = start; at <= end; at++) {
      const byte = at < end ? (bytes[at] ?? 0) : 0
      if (isLetter(byte)) {
        hash = fnv(hash, byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte)
        length++
      } else {
        if (length >= 3 && length <= 20) this.#add(mix(hash) & (HASHED - 1))
        hash = seed
        length = 0
      }
    }
  }

  #punctuation(last: Last, byte: number): Last {
    if (byte === 0x3b || byte === 0x7b) this.#including = false
    switch (byte) {
      case PAREN:
        this.#openParenthesis(last)
        return NOTHING
      case CLOSE:
        this.#closeParenthesis()
        return CLOSED
      case SQUARE:
        if (!this.#inputIndex) return CLOSED_INDEX
        this.#inputIndex = false
        return INPUT
      case AT:
        this.#add(INDEX.silenced)
        return SILENCE
      case DOLLAR:
        return AFTER_DOLLAR
      case DOT:
        this.#add(INDEX.concatenations)
        break
      case 0x5e: // ^
      case 0x7e: // ~
        this.#add(INDEX.bit_operations)
        break
    }
    this.#emit(byte)
    if (byte === 0x5b && last.kind === 'input') this.#inputIndex = true
    else if (byte === 0x7b && last.kind === 'dollar') this.#add(INDEX.variable_variables)
    return NOTHING
  }

  #openParenthesis(last: Last): void {
    let opens = 0
    if (last.kind === 'name' && !KEYWORDS.has(last.hash)) {
      opens = CALL_INDEX.get(last.hash) ?? 1
      this.#emit(fnv(last.hash, CALL))
      if (opens > 1) {
        this.#add(opens)
        if (opens === DECODE && this.#sinks > 0) this.#add(INDEX.decoder_in_sink)
      } else this.#add(INDEX.other_calls)
    } else if (last.kind === 'member name') {
      opens = 1
      this.#add(INDEX.method_calls)
    } else if (last.kind === 'variable') {
      opens = 1
      this.#add(INDEX.variable_calls)
      this.#emit(fnv(OTHER_VARIABLE, CALL))
    } else if (last.kind === 'input') {
      opens = 1
      this.#add(INDEX.input_called)
    } else if (last.kind === 'closed index' || last.kind === 'closed') {
      opens = 1
      this.#add(INDEX.computed_calls)
    }
    // A file of nothing but parentheses must not cost memory for each; the depth only matters while it is small.
    if (this.#open.length < 4096) {
      this.#open.push(opens)
      this.#count(opens, 1)
    }
    this.#nesting = Math.max(this.#nesting, Math.min(this.#calls, 32))
  }

  #closeParenthesis(): void {
    const opened = this.#open.pop()
    if (opened !== undefined) this.#count(opened, -1)
  }

  #count(opens: number, step: 1 | -1): void {
    if (opens === 0) return
    this.#calls += step
    if (SINKS.has(opens)) this.#sinks += step
  }

  #measureBytes(): void {
    const bytes = this.examined
    const { lines, longest, hidden } = lineShape(bytes)
    const out = this.#out
    const html = out[INDEX.html_bytes] ?? 0
    out[INDEX.examined_bytes] = bytes.length
    out[INDEX.php_bytes] = bytes.length - html
    out[INDEX.longest_line] = longest
    out[INDEX.lines] = lines
    out[INDEX.bytes_per_line] = bytes.length / lines
    out[INDEX.hidden_by_spaces] = hidden
    out[INDEX.entropy] = entropy(bytes, 0, bytes.length)
  }
}

/** What stands before the current token, as far as it decides what that token is. */
interface Last {
  readonly kind:
    | 'nothing'
    | 'operand'
    | 'name'
    | 'member'
    | 'member name'
    | 'variable'
    | 'input'
    | 'closed'
    | 'closed index'
    | 'silence'
    | 'dollar'
  readonly hash: number
}

const NOTHING: Last = { kind: 'nothing', hash: 0 }
const OPERAND: Last = { kind: 'operand', hash: 0 }
const AFTER_MEMBER: Last = { kind: 'member', hash: 0 }
const VARIABLE: Last = { kind: 'variable', hash: 0 }
const INPUT: Last = { kind: 'input', hash: 0 }
const CLOSED: Last = { kind: 'closed', hash: 0 }
const CLOSED_INDEX: Last = { kind: 'closed index', hash: 0 }
const SILENCE: Last = { kind: 'silence', hash: 0 }
const AFTER_DOLLAR: Last = { kind: 'dollar', hash: 0 }

const UNSCALED = new Set([INDEX.entropy, INDEX.longest_string_entropy, INDEX.name_length, INDEX.nested_calls])

/** The finaliser of MurmurHash3, so that every bit of a hash decides its bucket. */
function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
