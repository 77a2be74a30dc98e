import type { Entry } from '../collections/entry.js'
import type { CompiledTarget } from '../rule.js'
import type { TransactionState } from '../state.js'
import { variable } from '../variables/index.js'

/** Values that rules read, of which it is known when they change. */
export interface Source {
  readonly name: string
  readonly of: 'request' | 'response'
  /** `head`: never once judging begins; `phase`: only between seclang phases; `switch`: also when a rule changes what is parsed or shown. */
  readonly changes: 'head' | 'phase' | 'switch'
  /** Which part of an entry is judged. */
  readonly part: 'key' | 'value'
  /** Whether requests have such values in common and none of their users' own: all of them, or by the key in lower case. */
  readonly common?: 'all' | ((key: string) => boolean)
  entries(state: TransactionState): readonly Entry[]
}

/** Header fields that clients send alike; any other may hold a secret. */
const COMMON_HEADERS = new Set([
  'accept',
  'accept-charset',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'connection',
  'content-type',
  'dnt',
  'host',
  'origin',
  'pragma',
  'priority',
  'sec-ch-ua',
  'sec-ch-ua-mobile',
  'sec-ch-ua-platform',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-fetch-user',
  'sec-gpc',
  'te',
  'upgrade-insecure-requests',
  'user-agent',
  'x-requested-with',
])
const commonHeader = (key: string): boolean => COMMON_HEADERS.has(key)

function source(
  name: string,
  changes: Source['changes'],
  entries: Source['entries'],
  part: Source['part'] = 'value',
  of: Source['of'] = 'request',
): Source {
  return { name, of, changes, part, entries }
}

function named(name: string, changes: Source['changes'], of: Source['of'] = 'request'): Source {
  const definition = variable(name)
  if (definition === undefined) throw new RangeError(`there is no variable ${name}`)
  return source(name, changes, (state) => definition.entries(state), 'value', of)
}

const ARGS_GET = source('ARGS_GET', 'head', (state) => state.argsGet)
const ARGS_POST = source('ARGS_POST', 'phase', (state) => state.argsPost)
const ARGS_GET_NAMES = {
  ...source('ARGS_GET_NAMES', 'head', (state) => state.argsGet, 'key'),
  common: 'all' as const,
}
const ARGS_POST_NAMES = {
  ...source('ARGS_POST_NAMES', 'phase', (state) => state.argsPost, 'key'),
  common: 'all' as const,
}

/** What each variable is read from. A variable that is missing may change with any rule. */
const SOURCES: ReadonlyMap<string, readonly Source[]> = new Map([
  ['ARGS', [ARGS_GET, ARGS_POST]],
  ['ARGS_GET', [ARGS_GET]],
  ['ARGS_POST', [ARGS_POST]],
  ['ARGS_NAMES', [ARGS_GET_NAMES, ARGS_POST_NAMES]],
  ['ARGS_GET_NAMES', [ARGS_GET_NAMES]],
  ['ARGS_POST_NAMES', [ARGS_POST_NAMES]],
  [
    'REQUEST_HEADERS',
    [{ ...source('REQUEST_HEADERS', 'head', (state) => state.headers), common: commonHeader }],
  ],
  [
    'REQUEST_HEADERS_NAMES',
    [{ ...source('REQUEST_HEADERS_NAMES', 'head', (state) => state.headers, 'key'), common: 'all' as const }],
  ],
  ['REQUEST_COOKIES', [source('REQUEST_COOKIES', 'head', (state) => state.cookies)]],
  [
    'REQUEST_COOKIES_NAMES',
    [{ ...source('REQUEST_COOKIES_NAMES', 'head', (state) => state.cookies, 'key'), common: 'all' as const }],
  ],
  [
    'RESPONSE_HEADERS',
    [source('RESPONSE_HEADERS', 'phase', (state) => state.responseHeaders, 'value', 'response')],
  ],
  [
    'RESPONSE_HEADERS_NAMES',
    [source('RESPONSE_HEADERS_NAMES', 'phase', (state) => state.responseHeaders, 'key', 'response')],
  ],
  ['RESPONSE_BODY', [named('RESPONSE_BODY', 'switch', 'response')]],
  ['REQUEST_BODY', [named('REQUEST_BODY', 'switch')]],
  ...['REQUEST_METHOD', 'REQUEST_PROTOCOL', 'REQUEST_FILENAME', 'REQUEST_BASENAME', 'PATH_INFO'].map(
    (name): [string, readonly Source[]] => [name, [{ ...named(name, 'head'), common: 'all' as const }]],
  ),
  ...['REQUEST_LINE', 'REQUEST_URI', 'REQUEST_URI_RAW', 'QUERY_STRING'].map(
    (name): [string, readonly Source[]] => [name, [named(name, 'head')]],
  ),
  ...[
    'FILES',
    'FILES_NAMES',
    'FILES_TMP_CONTENT',
    'MULTIPART_FILENAME',
    'MULTIPART_NAME',
    'MULTIPART_PART_HEADERS',
  ].map((name): [string, readonly Source[]] => [name, [named(name, 'phase')]]),
])

/** What a target is read from; undefined when that may change with any rule, or is a number of entries. */
export function sourcesOf(target: CompiledTarget): readonly Source[] | undefined {
  if (target.count) return undefined
  // Each path selects values of its own.
  if (target.collection === 'XML') return [source(target.written, 'phase', (state) => target.read(state))]
  return SOURCES.get(target.collection)
}
