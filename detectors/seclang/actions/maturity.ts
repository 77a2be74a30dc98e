import { type ActionDefinition, wholeNumber } from './definition.js'

/** How well tested the rule is, 1 to 9. */
export const maturity: ActionDefinition = {
  name: 'maturity',
  kind: 'metadata',
  argument: 'required',
  apply: (link, argument, context) => {
    link.rule.maturity = wholeNumber('maturity', argument, 0, 9, context)
  },
}
