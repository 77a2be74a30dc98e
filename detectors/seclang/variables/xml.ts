import type { XmlNode } from '../bodies/body.js'
import { type XmlPath, parseXmlPath, selectXml } from '../bodies/xml-path.js'
import { type Entry, NO_ENTRIES } from '../collections/entry.js'
import type { TransactionState } from '../state.js'
import type { VariableDefinition } from './definition.js'

/** What paths gave for a document, by expression: many rules read the same. */
const selections = new WeakMap<XmlNode, Map<string, readonly Entry[]>>()

/** An XML body, by XPath: `XML:/*` (all text), `XML://@*` (all attribute values), and simple location paths. */
export const xml: VariableDefinition = {
  name: 'XML',
  kind: 'collection',
  entries: (state) => {
    const root = state.body.xml
    return root === undefined ? NO_ENTRIES : [{ key: '', value: '[XML document tree]' }]
  },
  compile: (selector, position) => {
    const path = parseXmlPath(selector.kind === 'xpath' ? selector.expression : '/*', position)
    return (state) => {
      const root = state.body.xml
      return root === undefined ? NO_ENTRIES : selected(state, root, path)
    }
  },
}

function selected(state: TransactionState, root: XmlNode, path: XmlPath): readonly Entry[] {
  const select = (): readonly Entry[] =>
    selectXml(root, path, state.rule?.xmlNamespaces, (limit) => state.tx.truncate(limit))
  // A prefix means what the rule says that it does.
  if (path.prefixed) return select()
  let known = selections.get(root)
  if (known === undefined) selections.set(root, (known = new Map()))
  let entries = known.get(path.expression)
  if (entries === undefined) known.set(path.expression, (entries = select()))
  return entries
}
