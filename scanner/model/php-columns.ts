import { fnvOf } from './php-lexer.js'
import { CALL_GROUPS, NAMED_CALLS, SUPERGLOBALS } from './php-vocabulary.js'

/** Changes whenever the same file would give other numbers; a model states the version that it was trained on. */
export const FEATURES_VERSION = 1

/** Buckets for hashed tokens and pairs. */
export const HASHED = 4096

const STATISTICS = [
  'examined_bytes',
  'php_bytes',
  'html_bytes',
  'string_bytes',
  'longest_line',
  'longest_string',
  'entropy',
  'longest_string_entropy',
  'strings',
  'encoded_strings',
  'encoded_bytes',
  'escapes',
  'names',
  'name_length',
  'declared_functions',
  'declared_classes',
  'namespaces',
  'variable_calls',
  'computed_calls',
  'variable_variables',
  'silenced',
  'silenced_calls',
  'shell_quotes',
  'concatenations',
  'bit_operations',
  'non_ascii_names',
  'nested_calls',
  'input_in_sink',
  'input_in_call',
  'input_called',
  'decoder_in_sink',
  'variable_in_sink',
  'variable_in_include',
  'bytes_per_line',
  'lines',
  'other_calls',
  'method_calls',
  'hidden_by_spaces',
] as const

type Statistic = (typeof STATISTICS)[number]

/** Names of the statistics, in their order after the hashed counts. */
export const STATISTIC_NAMES: readonly string[] = [
  ...STATISTICS,
  ...SUPERGLOBALS.map((name) => `uses_${name}`),
  ...CALL_GROUPS.map((group) => `calls_${group}`),
]

export const FEATURE_COUNT: number = HASHED + STATISTIC_NAMES.length

/** Where each statistic stands. */
export const INDEX = Object.fromEntries(STATISTICS.map((name, index) => [name, HASHED + index])) as Record<
  Statistic,
  number
>
const FIRST_SUPERGLOBAL = HASHED + STATISTICS.length
const FIRST_GROUP = FIRST_SUPERGLOBAL + SUPERGLOBALS.length
/** By the hash of its name. */
export const SUPERGLOBAL_INDEX = new Map(
  SUPERGLOBALS.map((name, index) => [fnvOf(name), FIRST_SUPERGLOBAL + index]),
)
/** By the hash of the name of what is called. */
export const CALL_INDEX = new Map(
  [...NAMED_CALLS].map(([name, group]) => [fnvOf(name), FIRST_GROUP + CALL_GROUPS.indexOf(group)]),
)
export const groupIndex = (group: (typeof CALL_GROUPS)[number]): number =>
  FIRST_GROUP + CALL_GROUPS.indexOf(group)
