import type { Entry } from '../collections/entry.js'
import { MAX_EXPANDED_CHARACTERS, parseMacro } from '../macro.js'
import type { RuleLink } from '../rule.js'
import type { TransactionState } from '../state.js'
import { isConstant } from './condition.js'
import { isPure, probe } from './probe.js'

/** Tells of a link that it matches nothing, more cheaply than judging does; where it says no, judging has to tell. */
export type Rejection = (state: TransactionState) => boolean

/** Longer values are not kept. */
const MAX_KEPT = 64

/** Variables of few values, of which a client says none but by its address and its method. */
const COMMON = new Set([
  'INBOUND_DATA_ERROR',
  'MULTIPART_STRICT_ERROR',
  'MULTIPART_UNMATCHED_BOUNDARY',
  'OUTBOUND_DATA_ERROR',
  'REMOTE_ADDR',
  'REQBODY_ERROR',
  'REQBODY_PROCESSOR',
  'REQUEST_BODY_LENGTH',
  'REQUEST_METHOD',
  'REQUEST_PROTOCOL',
  'RESPONSE_STATUS',
  'URLENCODED_ERROR',
])
/** Operators that may compare with variables of `TX`, and report nothing but whether they match. */
const COMPARING = new Set(['within', 'streq', 'contains', 'beginswith', 'endswith'])

/** For a link that counts, or looks at one variable that seldom changes between transactions; undefined for any other. */
export function rejection({
  targets,
  operator,
  transformations,
  multiMatch,
}: RuleLink): Rejection | undefined {
  const [target] = targets
  if (target === undefined || targets.length > 1 || operator === undefined || multiMatch) return undefined
  if (!target.count && !COMMON.has(target.collection)) return undefined
  const macro = parseMacro(operator.argument, { file: '', line: 0 }, () => undefined)
  const read: string[] = []
  for (const segment of macro.segments) {
    if (typeof segment === 'string') continue
    if (segment.definition?.name !== 'TX' || segment.key === undefined) return undefined
    read.push(segment.key.toLowerCase())
  }
  const comparing = isConstant(operator) || COMPARING.has(operator.name.toLowerCase())
  if (!comparing && !isPure(operator)) return undefined
  // What it said last, and of what.
  let value: string | undefined
  let operands: readonly (Entry | undefined)[] = []
  let rejected = false
  return (state) => {
    const entries = target.read(state)
    const only = entries[0]
    if (only === undefined || entries.length > 1) return entries.length === 0
    const { txVariables } = state
    if (only.value === value && read.every((key, at) => txVariables.lookUp(key) === operands[at]))
      return rejected
    const expanded = macro.expand(state)
    if (expanded.length >= MAX_EXPANDED_CHARACTERS || only.value.length > MAX_KEPT) return false
    value = only.value
    operands = read.map((key) => txVariables.lookUp(key))
    const judged = transformations.steps.reduce((text, { apply }) => apply?.(text) ?? text, value)
    rejected = !probe(operator, judged, read.length === 0 ? undefined : expanded)
    return rejected
  }
}
