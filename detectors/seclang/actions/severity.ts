import { type ActionDefinition, badArgument } from './definition.js'

const NAMES = ['EMERGENCY', 'ALERT', 'CRITICAL', 'ERROR', 'WARNING', 'NOTICE', 'INFO', 'DEBUG']

/** The syslog name of a severity. */
export function severityName(severity: number): string {
  return NAMES[severity] ?? String(severity)
}

/** How grave a match is, by syslog name or number: 0 EMERGENCY to 7 DEBUG. */
export const severity: ActionDefinition = {
  name: 'severity',
  kind: 'metadata',
  argument: 'required',
  apply: (link, argument, context) => {
    const number = /^[0-7]$/.test(argument) ? Number(argument) : NAMES.indexOf(argument.toUpperCase())
    if (number < 0) throw badArgument('severity', argument, `0 to 7 or one of ${NAMES.join(', ')}`, context)
    link.rule.severity = number
  },
}
