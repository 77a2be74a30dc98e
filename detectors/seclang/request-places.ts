import { placesOfCookies } from '../transaction/cookies.js'
import { placesOfForm } from '../transaction/form.js'
import type { PairPlace } from '../transaction/pairs.js'
import { percentDecodePath } from '../transaction/percent.js'
import type { RequestSpan, Span } from '../verdict.js'
import type { UploadedFile } from './bodies/body.js'
import type { Entry } from './collections/entry.js'
import type { TransactionState } from './state.js'

/** Most places that one variable names; only those that sum up many values have more than one. */
export const MAX_SOURCE_SPANS = 32

const NOWHERE: readonly RequestSpan[] = []

interface PairSpans {
  readonly name: RequestSpan
  readonly value: RequestSpan
}

type Find = (places: RequestPlaces, entry: Entry) => readonly (RequestSpan | undefined)[]

/**
 * Where the variables of one request stand in it as it was sent. Parsers keep no offsets: what a place needs is read again here, once for all
 * matches of the request, and never when nothing matches.
 */
export class RequestPlaces {
  #query: ReadonlyMap<object, PairSpans> | undefined
  #body: ReadonlyMap<object, PairSpans> | undefined
  #cookies: ReadonlyMap<object, PairSpans> | undefined
  #headers: ReadonlyMap<object, PairSpans> | undefined

  constructor(readonly state: TransactionState) {}

  /** The places of an entry of a collection; empty when it has none of its own (`TX`, JSON members, response variables). */
  of(collection: string, entry: Entry): readonly RequestSpan[] {
    const found = FINDERS.get(collection)?.(this, entry)
    if (found === undefined) return NOWHERE
    const spans: RequestSpan[] = []
    for (const span of found) {
      if (span !== undefined && spans.length < MAX_SOURCE_SPANS) spans.push(span)
    }
    return spans
  }

  argument(entry: object): PairSpans | undefined {
    return this.#queryPairs().get(entry) ?? this.#bodyPairs().get(entry) ?? this.#partPair(entry)
  }

  cookie(entry: object): PairSpans | undefined {
    if (this.#cookies === undefined) {
      const { tx, settings, cookies } = this.state
      const headers = [...tx.headers.list.entries()].filter(([, [name]]) => name.toLowerCase() === 'cookie')
      const values = headers.map(([, [, value]]) => value)
      const places = placesOfCookies(values, settings.argumentsLimit, settings.cookieSeparator)
      const base = (place: { readonly header: number }): Omit<RequestSpan, 'length'> => {
        const [index, [name]] = headers[place.header] ?? [0, ['', '']]
        return { part: 'header', header: index, offset: name.length + 2 }
      }
      this.#cookies = pairs(cookies, places, base)
    }
    return this.#cookies.get(entry)
  }

  header(entry: object): PairSpans | undefined {
    this.#headers ??= new Map(
      this.state.headers.map(({ key, value }, header): [object, PairSpans] => [
        this.state.headers[header] ?? {},
        {
          name: { part: 'header', header, offset: 0, length: key.length },
          value: { part: 'header', header, offset: key.length + 2, length: value.length },
        },
      ]),
    )
    return this.#headers.get(entry)
  }

  /** The first header of a name: its value. */
  headerNamed(name: string): RequestSpan | undefined {
    const entry = this.state.headers.find(({ key }) => key.toLowerCase() === name)
    return entry === undefined ? undefined : this.header(entry)?.value
  }

  /** The content of a file. */
  file(file: object): RequestSpan | undefined {
    const place = this.state.body.multipart?.places.get(file)
    return place && { part: 'body', offset: place.content, length: place.end - place.content }
  }

  /** A parameter of the Content-Disposition of a part; undefined where it is not written literally. */
  parameter(of: object, name: 'name' | 'filename', value: string): RequestSpan | undefined {
    const place = this.state.body.multipart?.places.get(of)
    if (place === undefined) return undefined
    const headers = this.state.tx.requestBodyText.slice(place.headers, place.content)
    const lower = headers.toLowerCase()
    for (let at = lower.indexOf(`${name}=`); at >= 0; at = lower.indexOf(`${name}=`, at + 1)) {
      if (!/[;\s]/.test(headers[at - 1] ?? '')) continue
      const start = at + name.length + (headers[at + name.length + 1] === '"' ? 2 : 1)
      if (headers.startsWith(value, start))
        return { part: 'body', offset: place.headers + start, length: value.length }
    }
    return undefined
  }

  line(offset: number, length: number): RequestSpan {
    return { part: 'line', offset, length }
  }

  /** Where the target begins in the request line. */
  get targetStart(): number {
    return this.state.tx.method.length + 1
  }

  /** The path, with `skip` bytes of it left out. */
  path(skip = 0): RequestSpan {
    const { tx } = this.state
    const start = this.targetStart + tx.uriStart
    const there = Math.min(tx.path.length, tx.target.length - tx.uriStart)
    return this.line(start + skip, Math.max(0, there - skip))
  }

  get files(): readonly UploadedFile[] {
    return this.state.body.multipart?.files ?? []
  }

  get wholeBody(): RequestSpan {
    return { part: 'body', offset: 0, length: this.state.tx.requestBody.bytes.length }
  }

  #queryPairs(): ReadonlyMap<object, PairSpans> {
    if (this.#query === undefined) {
      const { argsGet, settings, tx } = this.state
      const places = placesOfForm(tx.query, settings.argumentsLimit, settings.argumentSeparator)
      const offset = this.targetStart + tx.uriStart + tx.path.length + 1
      this.#query = pairs(argsGet, places, () => ({ part: 'line', offset }))
    }
    return this.#query
  }

  #bodyPairs(): ReadonlyMap<object, PairSpans> {
    if (this.#body === undefined) {
      const { argsPost, settings, tx, bodyProcessor } = this.state
      const isForm = bodyProcessor === 'URLENCODED'
      const places = isForm
        ? placesOfForm(tx.requestBodyText, settings.argumentsLimit, settings.argumentSeparator)
        : []
      this.#body = pairs(argsPost, places, () => ({ part: 'body', offset: 0 }))
    }
    return this.#body
  }

  #partPair(entry: object): PairSpans | undefined {
    const value = this.file(entry)
    if (value === undefined || !('key' in entry) || typeof entry.key !== 'string') return undefined
    const name = this.parameter(entry, 'name', entry.key) ?? value
    return { name, value }
  }
}

function pairs<Place extends PairPlace>(
  entries: readonly Entry[],
  places: readonly Place[],
  base: (place: Place) => Omit<RequestSpan, 'length'>,
): ReadonlyMap<object, PairSpans> {
  const found = new Map<object, PairSpans>()
  for (const [index, place] of places.entries()) {
    const entry = entries[index]
    const from = base(place)
    if (entry !== undefined)
      found.set(entry, { name: moved(place.name, from), value: moved(place.value, from) })
  }
  return found
}

function moved({ offset, length }: Span, from: Omit<RequestSpan, 'length'>): RequestSpan {
  const { part, header } = from
  const span = { part, offset: from.offset + offset, length }
  return header === undefined ? span : { header, ...span }
}

const argument: Find = (places, entry) => [places.argument(entry)?.value]
const argumentName: Find = (places, entry) => [entry.of && places.argument(entry.of)?.name]
const path: Find = (places) => [places.path()]
const body: Find = (places) => [places.wholeBody]
const content: Find = (places, entry) => [entry.of && places.file(entry.of)]

const FINDERS: ReadonlyMap<string, Find> = new Map<string, Find>([
  ['ARGS', argument],
  ['ARGS_GET', argument],
  ['ARGS_POST', argument],
  ['ARGS_NAMES', argumentName],
  ['ARGS_GET_NAMES', argumentName],
  ['ARGS_POST_NAMES', argumentName],
  [
    'ARGS_COMBINED_SIZE',
    (places) =>
      places.state.args.slice(0, MAX_SOURCE_SPANS).flatMap((entry) => {
        const pair = places.argument(entry)
        return [pair?.name, pair?.value]
      }),
  ],
  [
    'REQUEST_LINE',
    (places) => {
      const { tx } = places.state
      return [places.line(0, places.targetStart + tx.target.length + 1 + tx.protocol.length)]
    },
  ],
  ['REQUEST_METHOD', (places) => [places.line(0, places.state.tx.method.length)]],
  [
    'REQUEST_PROTOCOL',
    (places) => {
      const { tx } = places.state
      return [places.line(places.targetStart + tx.target.length + 1, tx.protocol.length)]
    },
  ],
  ['REQUEST_URI_RAW', (places) => [places.line(places.targetStart, places.state.tx.target.length)]],
  [
    'REQUEST_URI',
    (places) => {
      const { tx } = places.state
      const length = Math.min(tx.uri.length, tx.target.length - tx.uriStart)
      return [places.line(places.targetStart + tx.uriStart, length)]
    },
  ],
  [
    'QUERY_STRING',
    (places) => {
      const { tx } = places.state
      if (tx.query === '') return []
      return [places.line(places.targetStart + tx.uriStart + tx.path.length + 1, tx.query.length)]
    },
  ],
  ['REQUEST_FILENAME', path],
  ['PATH_INFO', path],
  [
    'REQUEST_BASENAME',
    (places, { value }) => {
      const { tx } = places.state
      // A slash that is escaped ends the decoded path elsewhere: then the place is the whole path.
      const skip = percentDecodePath(tx.basename) === value ? tx.path.length - tx.basename.length : 0
      return [places.path(skip)]
    },
  ],
  ['REQUEST_HEADERS', (places, entry) => [places.header(entry)?.value]],
  ['REQUEST_HEADERS_NAMES', (places, entry) => [entry.of && places.header(entry.of)?.name]],
  ['REQUEST_COOKIES', (places, entry) => [places.cookie(entry)?.value]],
  ['REQUEST_COOKIES_NAMES', (places, entry) => [entry.of && places.cookie(entry.of)?.name]],
  [
    'AUTH_TYPE',
    (places, { value }) => {
      const header = places.headerNamed('authorization')
      return [header && { ...header, length: value.length }]
    },
  ],
  ['REMOTE_USER', (places) => [places.headerNamed('authorization')]],
  ['REQUEST_BODY', body],
  ['REQUEST_BODY_LENGTH', body],
  ['FILES', (places, entry) => [entry.of && places.parameter(entry.of, 'filename', entry.value)]],
  ['FILES_NAMES', (places, entry) => [entry.of && places.parameter(entry.of, 'name', entry.value)]],
  ['FILES_SIZES', content],
  ['FILES_TMP_CONTENT', content],
  [
    'FILES_COMBINED_SIZE',
    (places) => places.files.slice(0, MAX_SOURCE_SPANS).map((file) => places.file(file)),
  ],
  [
    'MULTIPART_FILENAME',
    (places, { value }) => {
      const last = places.files.at(-1)
      return [last && places.parameter(last, 'filename', value)]
    },
  ],
  [
    'MULTIPART_NAME',
    (places, { value }) => {
      const last = [...(places.state.body.multipart?.places.keys() ?? [])].at(-1)
      return [last && places.parameter(last, 'name', value)]
    },
  ],
])
