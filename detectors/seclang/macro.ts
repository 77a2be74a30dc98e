import type { Entry } from './collections/entry.js'
import type { SourcePosition } from './operator.js'
import type { Warn } from './parser/directives.js'
import type { TransactionState } from './state.js'
import type { VariableDefinition } from './variables/definition.js'
import { variable } from './variables/index.js'

/** Most characters that one expansion gives; what is longer is cut and shows on the verdict as `macro`. */
export const MAX_EXPANDED_CHARACTERS = 1024 * 1024
// RULE:msg may hold %{RULE.msg}: a few levels are enough for anything meant seriously.
const MAX_MACRO_DEPTH = 4

/** `%{NAME}` or `%{COLLECTION.key}`; without definition when there is no such variable. */
export interface Reference {
  readonly definition: VariableDefinition | undefined
  /** In lower case. */
  readonly key: string | undefined
}

type Segment = string | Reference

/** Text with `%{NAME}` and `%{COLLECTION.key}` in it, taken apart once. */
export class Macro {
  constructor(
    readonly text: string,
    readonly segments: readonly Segment[],
  ) {}

  /** True when nothing has to be expanded. */
  get constant(): boolean {
    return this.segments.every((segment) => typeof segment === 'string')
  }

  expand(state: TransactionState): string {
    const { segments } = this
    if (segments.length === 0) return ''
    const only = segments[0]
    if (segments.length === 1 && typeof only === 'string') return only
    if (state.macroDepth >= MAX_MACRO_DEPTH) return ''
    state.macroDepth++
    let result = ''
    for (const segment of segments) {
      result += typeof segment === 'string' ? segment : valueOf(segment, state)
    }
    state.macroDepth--
    if (result.length <= MAX_EXPANDED_CHARACTERS) return result
    state.tx.truncate('macro')
    return result.slice(0, MAX_EXPANDED_CHARACTERS)
  }
}

export const EMPTY_MACRO = new Macro('', [])

function valueOf({ definition, key }: Reference, state: TransactionState): string {
  if (definition === undefined) return ''
  return entryOf(definition, key, state)?.value ?? ''
}

function entryOf(
  definition: VariableDefinition,
  key: string | undefined,
  state: TransactionState,
): Entry | undefined {
  if (key === undefined) return definition.entries(state)[0]
  if (definition.find !== undefined) return definition.find(state, key)
  return definition.entries(state).find((entry) => entry.key.toLowerCase() === key)
}

/** Takes `text` apart. A name that the language does not know expands to nothing, with a warning. */
export function parseMacro(text: string, position: SourcePosition, warn: Warn): Macro {
  const segments: Segment[] = []
  let from = 0
  for (;;) {
    const open = text.indexOf('%{', from)
    const close = open < 0 ? -1 : text.indexOf('}', open)
    if (close < 0) break
    if (open > from) segments.push(text.slice(from, open))
    segments.push(parseReference(text.slice(open + 2, close), position, warn))
    // %{NAME}% is an old way to write it; the second % belongs to it.
    from = text[close + 1] === '%' && text[close + 2] !== '{' ? close + 2 : close + 1
  }
  if (from < text.length) segments.push(text.slice(from))
  return new Macro(text, segments)
}

function parseReference(inner: string, position: SourcePosition, warn: Warn): Reference {
  const split = /[.:]/.exec(inner)?.index ?? -1
  const name = (split < 0 ? inner : inner.slice(0, split)).trim()
  const definition = variable(name)
  if (definition === undefined) warn(`%{${inner}} names no variable and expands to nothing`, position)
  return {
    definition,
    key:
      split < 0
        ? undefined
        : inner
            .slice(split + 1)
            .trim()
            .toLowerCase(),
  }
}
