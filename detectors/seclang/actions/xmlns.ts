import { type ActionDefinition, badArgument } from './definition.js'

/** Gives a namespace a prefix for the XPath expressions of the rule: `xmlns:soap=http://…`. */
export const xmlns: ActionDefinition = {
  name: 'xmlns',
  kind: 'match',
  argument: 'required',
  apply: (link, argument, context) => {
    const equals = argument.indexOf('=')
    if (equals <= 0) throw badArgument('xmlns', argument, 'prefix=URI is wanted', context)
    const uri = argument.slice(equals + 1).replace(/^['"]|['"]$/g, '')
    if (!uri.includes(':')) throw badArgument('xmlns', argument, 'a namespace URI is wanted', context)
    link.rule.xmlNamespaces.set(argument.slice(0, equals).trim(), uri)
  },
}
