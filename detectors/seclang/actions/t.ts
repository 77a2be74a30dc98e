import { SecLangError } from '../errors.js'
import { transformation } from '../transformations/index.js'
import { urlDecodeUni, urlDecodeUniWith } from '../transformations/url-decode-uni.js'
import type { ActionDefinition } from './definition.js'

/** Adds a transformation; `t:none` forgets those before it. */
export const t: ActionDefinition = {
  name: 't',
  kind: 'match',
  argument: 'required',
  apply: (link, argument, context) => {
    const name = argument.trim()
    if (name.toLowerCase() === 'none') {
      link.transformations = link.emptyChain
      return
    }
    const apply = transformation(name)
    if (apply === undefined) {
      throw new SecLangError(
        'SECLANG_UNKNOWN_TRANSFORMATION',
        `unknown transformation ${name}`,
        context.position,
      )
    }
    const { unicodeMap } = context
    const mapped = apply === urlDecodeUni && unicodeMap !== undefined ? urlDecodeUniWith(unicodeMap) : apply
    link.transformations = link.transformations.append(name, mapped)
  },
}
