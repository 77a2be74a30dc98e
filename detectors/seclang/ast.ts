import type { SourcePosition } from './operator.js'

/** How a variable picks entries of its collection. */
export type Selector =
  | { readonly kind: 'key'; readonly key: string }
  | { readonly kind: 'regex'; readonly pattern: string }
  | { readonly kind: 'xpath'; readonly expression: string }

/** One part of a rule's target list: `ARGS:id`, `!ARGS:/^_/`, `&REQUEST_HEADERS:Host`. */
export interface VariableNode {
  /** Upper case. */
  readonly collection: string
  readonly selector?: Selector
  /** `&`: judge how many there are. */
  readonly count: boolean
  /** `!`: leave these out. */
  readonly exclude: boolean
}

/** `@rx pattern`, `!@within a b c`; without `@` it is `rx`. */
export interface OperatorNode {
  /** As written. */
  readonly name: string
  readonly negated: boolean
  readonly argument: string
}

export interface ActionNode {
  /** Lower case. */
  readonly name: string
  readonly argument?: string
}

/** `SecRule`; a `SecAction` has neither variables nor operator. */
export interface RuleNode {
  readonly kind: 'rule'
  readonly position: SourcePosition
  readonly variables: readonly VariableNode[]
  readonly operator?: OperatorNode
  readonly actions: readonly ActionNode[]
}

export interface MarkerNode {
  readonly kind: 'marker'
  readonly position: SourcePosition
  readonly name: string
}

export interface DefaultActionNode {
  readonly kind: 'default'
  readonly position: SourcePosition
  readonly actions: readonly ActionNode[]
}

/** Any other directive; what it means is decided where directives are applied. */
export interface SettingNode {
  readonly kind: 'setting'
  readonly position: SourcePosition
  /** Lower case. */
  readonly name: string
  /** As written. */
  readonly written: string
  readonly arguments: readonly string[]
}

export type DirectiveNode = RuleNode | MarkerNode | DefaultActionNode | SettingNode
