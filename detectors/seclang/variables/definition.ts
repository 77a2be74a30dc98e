import type { Selector } from '../ast.js'
import type { Entry } from '../collections/entry.js'
import type { SourcePosition } from '../operator.js'
import type { TransactionState } from '../state.js'

/** One variable or collection of the language. */
export interface VariableDefinition {
  /** Upper case, as rules write it. */
  readonly name: string
  /** Collections take a selector, scalars do not. */
  readonly kind: 'scalar' | 'collection'
  /** All entries; a scalar without a value has none. */
  entries(state: TransactionState): readonly Entry[]
  /** The entry of one key (in lower case), where that is cheaper than looking through all of them. */
  readonly find?: (state: TransactionState, lower: string) => Entry | undefined
  /** For collections with a selection of their own (XPath): checked at load, run per transaction. */
  compile?(selector: Selector, position: SourcePosition): (state: TransactionState) => readonly Entry[]
}
