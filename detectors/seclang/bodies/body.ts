import type { Entry } from '../collections/entry.js'

/** A part of a multipart body that carries a file. */
export interface UploadedFile {
  /** Name of its form field. */
  readonly field: string
  readonly filename: string
  readonly content: string
}

/** The MULTIPART_* flags, by variable name without its prefix. */
export const MULTIPART_FLAGS = [
  'BOUNDARY_QUOTED',
  'BOUNDARY_WHITESPACE',
  'DATA_BEFORE',
  'DATA_AFTER',
  'HEADER_FOLDING',
  'INVALID_HEADER_FOLDING',
  'CRLF_LF_LINES',
  'LF_LINE',
  'MISSING_SEMICOLON',
  'INVALID_QUOTING',
  'INVALID_PART',
  'FILE_LIMIT_EXCEEDED',
  'UNMATCHED_BOUNDARY',
] as const
export type MultipartFlag = (typeof MULTIPART_FLAGS)[number]

/** Where a part of a multipart body stands in it; offsets in bytes. */
export interface PartPlace {
  readonly headers: number
  readonly content: number
  readonly end: number
}

export interface MultipartDetail {
  /** By the argument or the file that came of the part, in order. */
  readonly places: ReadonlyMap<object, PartPlace>
  readonly flags: ReadonlySet<MultipartFlag>
  readonly files: readonly UploadedFile[]
  /** The raw header lines of every part, under the name of its field. */
  readonly partHeaders: readonly Entry[]
  readonly name: string
  readonly filename: string
}

export interface XmlNode {
  readonly name: string
  readonly uri: string
  readonly attributes: readonly { readonly name: string; readonly uri: string; readonly value: string }[]
  readonly parent: XmlNode | undefined
  readonly children: (XmlNode | string)[]
}

/** What a body processor found. */
export interface ParsedBody {
  /** ARGS_POST. */
  readonly args: readonly Entry[]
  readonly multipart?: MultipartDetail
  /** Root element of an XML body. */
  readonly xml?: XmlNode
  /** An URL escape was broken. */
  readonly urlencodedError?: boolean
  /** Why the body could not be read to its end; empty when it could. */
  readonly error: string
  /** Names of the limits that stopped the processor. */
  readonly limits: readonly string[]
}

export interface BodyLimits {
  readonly arguments: number
  readonly jsonDepth: number
  readonly files: number
  readonly argumentSeparator: string
  /** False when the body went on past what was held: that it ends early is then no error of the client. */
  readonly complete: boolean
}

/**
 * Reads a request body. Never throws: what is wrong stands in `error`. `contentType` is the header's value.
 */
export type BodyProcessor = (body: string, contentType: string, limits: BodyLimits) => ParsedBody

/** Whether a processor surely reads a body to its end within the limits; false is no verdict. It costs much less than to read it. */
export type BodyCheck = (bytes: Uint8Array, limits: BodyLimits) => boolean

/** A body that nothing is wrong with: what it holds is read when somebody asks for it. */
export class SoundBody implements ParsedBody {
  readonly error = ''
  readonly limits: readonly string[] = []
  readonly #read: () => ParsedBody
  #body: ParsedBody | undefined

  constructor(read: () => ParsedBody) {
    this.#read = read
  }

  get args(): readonly Entry[] {
    return (this.#body ??= this.#read()).args
  }

  get urlencodedError(): boolean {
    return (this.#body ??= this.#read()).urlencodedError === true
  }
}

export const EMPTY_PARSED_BODY: ParsedBody = { args: [], error: '', limits: [] }
