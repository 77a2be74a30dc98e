import { type ActionDefinition, badArgument } from './definition.js'

/**
 * Stops judging: `allow` the whole transaction but seclang phase 5, `allow:request` until the response, `allow:phase` the rest of the current
 * seclang phase.
 */
export const allow: ActionDefinition = {
  name: 'allow',
  kind: 'disruptive',
  argument: 'optional',
  apply: (link, argument, context) => {
    const scope = argument.toLowerCase()
    if (scope !== '' && scope !== 'phase' && scope !== 'request') {
      throw badArgument('allow', argument, 'nothing, phase or request is wanted', context)
    }
    link.rule.disruptive = { kind: 'allow', scope: scope === '' ? 'transaction' : scope }
  },
}
