import { parseVariables } from '../parser/variables.js'
import type { ActionContext } from '../draft.js'
import { type TextPattern, byId, byMessage, byTag, parseIdRange } from '../exclusions.js'
import { namePattern } from '../patterns.js'
import type { Effect } from '../rule.js'
import type { TransactionState } from '../state.js'
import { compileExclusion } from '../targets.js'
import { type ActionDefinition, badArgument } from './definition.js'

type Make = (value: string, context: ActionContext) => Effect

const OPTIONS: ReadonlyMap<string, Make> = new Map<string, Make>([
  ['ruleengine', ruleEngine],
  ['ruleremovebyid', (value, context) => removeRules(byIds(value, context))],
  ['ruleremovebytag', (value, context) => removeRules([byTag(pattern(value, context))])],
  ['ruleremovebymsg', (value, context) => removeRules([byMessage(pattern(value, context))])],
  ['ruleremovetargetbyid', (value, context) => removeTargets(value, context, (left) => byIds(left, context))],
  [
    'ruleremovetargetbytag',
    (value, context) => removeTargets(value, context, (left) => [byTag(pattern(left, context))]),
  ],
  [
    'ruleremovetargetbymsg',
    (value, context) => removeTargets(value, context, (left) => [byMessage(pattern(left, context))]),
  ],
  ['requestbodyprocessor', requestBodyProcessor],
  ['requestbodyaccess', onOff('requestBodyAccess', (state, on) => (state.requestBodyAccess = on))],
  ['responsebodyaccess', onOff('responseBodyAccess', responseBodyAccess)],
  ['forcerequestbodyvariable', onOff('forceRequestBodyVariable', forceRequestBodyVariable)],
  ['auditengine', auditEngine],
  // What the audit log shows is the operator's decision, not a rule's: accepted, no effect.
  ['auditlogparts', () => quietly(() => undefined)],
  ['debugloglevel', () => quietly(() => undefined)],
])

/** Changes the engine for the rest of the transaction: `ctl:ruleRemoveById=942100`, `ctl:requestBodyProcessor=JSON`. */
export const ctl: ActionDefinition = {
  name: 'ctl',
  kind: 'effect',
  argument: 'required',
  apply: (link, argument, context) => {
    const equals = argument.indexOf('=')
    const option = argument.slice(0, Math.max(equals, 0)).trim()
    const make = OPTIONS.get(option.toLowerCase())
    if (make === undefined) throw badArgument('ctl', argument, 'no such option', context)
    link.effects.push(make(argument.slice(equals + 1).trim(), context))
  },
}

/** For what decides which rules run. */
function deciding(apply: Effect['apply']): Effect {
  return { apply, changes: 'rules' }
}

function quietly(apply: Effect['apply']): Effect {
  return { apply, changes: undefined }
}

function ruleEngine(value: string, context: ActionContext): Effect {
  switch (value.toLowerCase()) {
    case 'on':
      return deciding((state) => void (state.engine = 'on'))
    case 'off':
      return deciding((state) => void (state.engine = 'off'))
    case 'detectiononly':
      return deciding((state) => void (state.engine = 'detection_only'))
    default:
      throw badArgument('ctl:ruleEngine', value, 'On, Off or DetectionOnly', context)
  }
}

function auditEngine(value: string, context: ActionContext): Effect {
  switch (value.toLowerCase()) {
    case 'on':
      return quietly((state) => void (state.auditEngine = 'on'))
    case 'off':
      return quietly((state) => void (state.auditEngine = 'off'))
    case 'relevantonly':
      return quietly((state) => void (state.auditEngine = 'relevant_only'))
    default:
      throw badArgument('ctl:auditEngine', value, 'On, Off or RelevantOnly', context)
  }
}

function onOff(option: string, set: (state: TransactionState, on: boolean) => void): Make {
  return (value, context) => {
    const on = value.toLowerCase() === 'on'
    if (!on && value.toLowerCase() !== 'off') throw badArgument(`ctl:${option}`, value, 'On or Off', context)
    return quietly((state) => set(state, on))
  }
}

function requestBodyProcessor(value: string, context: ActionContext): Effect {
  const name = value.toUpperCase()
  if (!['URLENCODED', 'MULTIPART', 'JSON', 'XML'].includes(name)) {
    throw badArgument('ctl:requestBodyProcessor', value, 'URLENCODED, MULTIPART, JSON or XML', context)
  }
  return quietly((state) => {
    state.bodyProcessor = name
    state.switches++
  })
}

function forceRequestBodyVariable(state: TransactionState, on: boolean): void {
  state.forceRequestBodyVariable = on
  state.switches++
}

function responseBodyAccess(state: TransactionState, on: boolean): void {
  state.responseBodyAccess = on
  state.switches++
}

type Applies = ReturnType<typeof byId>

function byIds(value: string, context: ActionContext): Applies[] {
  return value.split(/[\s,]+/).map((part) => {
    const range = parseIdRange(part)
    if (range === undefined)
      throw badArgument('ctl', value, 'a rule id or a range of them is wanted', context)
    return byId(range)
  })
}

function pattern(value: string, context: ActionContext): TextPattern {
  return namePattern(value, context)
}

function removeRules(applies: readonly Applies[]): Effect {
  return {
    apply: (state) => {
      for (const one of applies) state.exclusions.removeRules(one)
    },
    changes: { removes: (rule) => applies.some((one) => one(rule)) },
  }
}

function removeTargets(value: string, context: ActionContext, left: (text: string) => Applies[]): Effect {
  const semicolon = value.indexOf(';')
  if (semicolon < 0) throw badArgument('ctl', value, 'rules;TARGET is wanted', context)
  const rules = left(value.slice(0, semicolon).trim())
  const targets = parseVariables(value.slice(semicolon + 1).trim(), context.position).map((node) =>
    compileExclusion(node, context),
  )
  const apply = (state: TransactionState): void => {
    for (const rule of rules) for (const target of targets) state.exclusions.removeTarget(rule, target)
  }
  return targets.some(({ collection }) => collection === 'TX') ? deciding(apply) : quietly(apply)
}
