import type { VariableNode } from './ast.js'
import { type Entry, NO_ENTRIES, scalar } from './collections/entry.js'
import { SecLangError } from './errors.js'
import type { TargetPattern } from './exclusions.js'
import type { OperatorLoadContext } from './operator.js'
import { namePattern, namePrefix } from './patterns.js'
import type { CompiledTarget, KeyPattern } from './rule.js'
import type { TransactionState } from './state.js'
import type { VariableDefinition } from './variables/definition.js'
import { refusedVariable, variable } from './variables/index.js'

type Read = (state: TransactionState) => readonly Entry[]

interface Reading {
  readonly read: Read
  readonly pattern?: KeyPattern
}

/** The definition of a variable that a rule names. */
export function resolveVariable(name: string, context: OperatorLoadContext): VariableDefinition {
  const definition = variable(name)
  if (definition !== undefined) return definition
  const reason = refusedVariable(name)
  if (reason !== undefined) {
    throw new SecLangError('SECLANG_REFUSED', `${name} is not offered: ${reason}`, context.position)
  }
  throw new SecLangError('SECLANG_UNKNOWN_VARIABLE', `unknown variable ${name}`, context.position)
}

export function compileTarget(node: VariableNode, context: OperatorLoadContext): CompiledTarget {
  const definition = resolveVariable(node.collection, context)
  const { read: all, pattern } = compileRead(node, definition, context)
  const written = describeVariable(node)
  const named = { key: '', name: undefined }
  const target = { collection: definition.name, written, key: keyOf(node), pattern, named }
  if (!node.count) return { ...target, count: false, read: all }
  return {
    ...target,
    count: true,
    read: (state) => scalar(String(all(state).length)),
  }
}

function compileRead(
  node: VariableNode,
  definition: VariableDefinition,
  context: OperatorLoadContext,
): Reading {
  const { selector } = node
  if (selector === undefined) return { read: (state) => definition.entries(state) }
  if (definition.kind === 'scalar') {
    const message = `${definition.name} is a single value and takes no selector`
    throw new SecLangError('SECLANG_BAD_ARGUMENT', message, context.position)
  }
  if (definition.compile !== undefined) return { read: definition.compile(selector, context.position) }
  if (selector.kind === 'regex') {
    const matches = namePattern(selector.pattern, context)
    return {
      read: (state) => definition.entries(state).filter(({ key }) => matches(key)),
      pattern: { prefix: namePrefix(selector.pattern), matches },
    }
  }
  const key = selector.kind === 'key' ? selector.key : selector.expression
  const wanted = key.toLowerCase()
  const { find } = definition
  if (find !== undefined) {
    const read: Read = (state) => {
      const entry = find(state, wanted)
      return entry === undefined ? NO_ENTRIES : [entry]
    }
    return { read }
  }
  return { read: (state) => state.keys.find(definition.entries(state), wanted) }
}

/** What `!ARGS:name` or `ctl:ruleRemoveTargetById=…;ARGS:name` takes away. */
export function compileExclusion(node: VariableNode, context: OperatorLoadContext): TargetPattern {
  const { name } = resolveVariable(node.collection, context)
  const { selector } = node
  if (selector === undefined) return { collection: name, matches: undefined }
  if (selector.kind === 'regex') return { collection: name, matches: namePattern(selector.pattern, context) }
  const wanted = (selector.kind === 'key' ? selector.key : selector.expression).toLowerCase()
  return { collection: name, matches: (key) => key.toLowerCase() === wanted, key: wanted }
}

function keyOf({ selector }: VariableNode): string | undefined {
  return selector?.kind === 'key' ? selector.key.toLowerCase() : undefined
}

/** The variable as a rule writes it. */
export function describeVariable(node: VariableNode): string {
  const prefix = (node.exclude ? '!' : '') + (node.count ? '&' : '')
  const { selector } = node
  if (selector === undefined) return prefix + node.collection
  switch (selector.kind) {
    case 'key':
      return `${prefix}${node.collection}:${selector.key}`
    case 'regex':
      return `${prefix}${node.collection}:/${selector.pattern}/`
    case 'xpath':
      return `${prefix}${node.collection}:${selector.expression}`
  }
}

/** `ARGS:id`, `&ARGS`, `REQUEST_URI`. */
export function fullName({ collection, written, count, named }: CompiledTarget, { key }: Entry): string {
  if (count) return written
  if (named.name === undefined || named.key !== key) {
    named.name = key === '' && !written.includes(':') ? collection : `${collection}:${key}`
    named.key = key
  }
  return named.name
}
