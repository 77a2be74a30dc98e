import { selectXml } from '../bodies/xml-path.js'
import { NO_ENTRIES } from '../collections/entry.js'
import type { VariableDefinition } from './definition.js'
import { parseXmlPath } from '../bodies/xml-path.js'

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
      return root === undefined
        ? NO_ENTRIES
        : selectXml(root, path, state.rule?.xmlNamespaces, (limit) => state.tx.truncate(limit))
    }
  },
}
