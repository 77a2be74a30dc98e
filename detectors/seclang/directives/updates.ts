import type { ActionNode, RuleNode, SettingNode, VariableNode } from '../ast.js'
import type { RuleSource } from '../compile-rule.js'
import { SecLangError } from '../errors.js'
import { parseIdRange } from '../exclusions.js'
import type { RuleFiles } from '../../ports.js'
import { parseActions } from '../parser/actions.js'
import { directoryOf } from '../parser/include.js'
import { parseVariables } from '../parser/variables.js'
import { namePattern } from '../patterns.js'

/** The directives that change rules already written: SecRuleRemoveBy*, SecRuleUpdate*. */
const UPDATES: ReadonlyMap<string, (node: SettingNode, files: RuleFiles) => RuleUpdate> = new Map<
  string,
  (node: SettingNode, files: RuleFiles) => RuleUpdate
>([
  ['secruleremovebyid', (node) => removeWhere(byIds(node, node.arguments))],
  ['secruleremovebytag', (node, files) => removeWhere(byTag(node, single(node), files))],
  ['secruleremovebymsg', (node, files) => removeWhere(byMsg(node, single(node), files))],
  ['secruleupdatetargetbyid', (node) => updateTargets(node, byIds(node, [first(node)]))],
  ['secruleupdatetargetbytag', (node, files) => updateTargets(node, byTag(node, first(node), files))],
  ['secruleupdatetargetbymsg', (node, files) => updateTargets(node, byMsg(node, first(node), files))],
  ['secruleupdateactionbyid', updateAction],
])

type Applies = (rule: RuleSource) => boolean

/** A change to one rule; `undefined` means that the rule is gone. */
export type RuleUpdate = (rule: RuleSource) => RuleSource | undefined

/** The change that a directive asks for; undefined for any other directive. */
export function ruleUpdate(node: SettingNode, files: RuleFiles): RuleUpdate | undefined {
  return UPDATES.get(node.name)?.(node, files)
}

function removeWhere(applies: Applies): RuleUpdate {
  return (rule) => (applies(rule) ? undefined : rule)
}

function updateTargets(node: SettingNode, applies: Applies): RuleUpdate {
  const [, targets, replaced, ...rest] = node.arguments
  if (targets === undefined || rest.length > 0) {
    throw new SecLangError('SECLANG_SYNTAX', `${node.written} takes two or three arguments`, node.position)
  }
  const added = parseVariables(targets, node.position)
  const gone = replaced === undefined ? [] : parseVariables(replaced, node.position)
  return (rule) => {
    if (!applies(rule)) return rule
    const [starter, ...links] = rule.links
    const kept = starter.variables.filter((old) => !gone.some((other) => sameVariable(old, other)))
    return { ...rule, links: [{ ...starter, variables: [...kept, ...added] }, ...links] }
  }
}

function sameVariable(a: VariableNode, b: VariableNode): boolean {
  return (
    a.collection === b.collection &&
    a.count === b.count &&
    a.exclude === b.exclude &&
    JSON.stringify(a.selector) === JSON.stringify(b.selector)
  )
}

// Actions of which a rule has one at most: the new one takes the old one's place.
const DISRUPTIVE = new Set(['pass', 'deny', 'drop', 'block', 'redirect', 'allow'])
const REPEATABLE = new Set(['tag', 'setvar', 'ctl', 't', 'expirevar', 'setenv', 'initcol', 'xmlns'])

/** `SecRuleUpdateActionById 12 "…"`, or `12:1` for the second link of its chain. */
function updateAction(node: SettingNode): RuleUpdate {
  const [target = '', list, ...rest] = node.arguments
  if (list === undefined || rest.length > 0) {
    throw new SecLangError('SECLANG_SYNTAX', `${node.written} takes two arguments`, node.position)
  }
  const match = /^(\d{1,10})(?::(\d{1,4}))?$/.exec(target)
  if (match === null) throw bad(node, target, 'a rule id, or id:link, is wanted')
  const id = Number(match[1])
  const offset = Number(match[2] ?? 0)
  const actions = parseActions(list, node.position)
  for (const { name } of actions) {
    if (name === 'id' || name === 'phase' || name === 'chain') throw bad(node, name, 'this cannot be changed')
  }
  return (rule) => {
    if (rule.id !== id) return rule
    const link = rule.links[offset]
    if (link === undefined) throw bad(node, target, `rule ${id} has ${rule.links.length} links`)
    const links = rule.links.map((old, index) =>
      index === offset ? { ...old, actions: mergeActions(link, actions) } : old,
    )
    const [starter = rule.links[0], ...others] = links
    return { ...rule, links: [starter, ...others] }
  }
}

function mergeActions(link: RuleNode, updates: readonly ActionNode[]): readonly ActionNode[] {
  const disruptive = updates.some(({ name }) => DISRUPTIVE.has(name))
  const names = new Set(updates.map(({ name }) => name))
  const kept = link.actions.filter(({ name }) => {
    if (disruptive && DISRUPTIVE.has(name)) return false
    return REPEATABLE.has(name) || !names.has(name)
  })
  return [...kept, ...updates]
}

function byIds(node: SettingNode, words: readonly string[]): Applies {
  const ranges = words
    .flatMap((word) => word.split(/[\s,]+/))
    .filter((word) => word !== '')
    .map((word) => {
      const range = parseIdRange(word)
      if (range === undefined) throw bad(node, word, 'a rule id or a range of them is wanted')
      return range
    })
  if (ranges.length === 0) throw bad(node, '', 'a rule id is wanted')
  return ({ id }) => ranges.some(({ from, to }) => id >= from && id <= to)
}

function byTag(node: SettingNode, pattern: string, files: RuleFiles): Applies {
  const matches = namePattern(pattern, loadContext(node, files))
  return ({ links }) =>
    links[0].actions.some(({ name, argument }) => name === 'tag' && matches(argument ?? ''))
}

function byMsg(node: SettingNode, pattern: string, files: RuleFiles): Applies {
  const matches = namePattern(pattern, loadContext(node, files))
  return ({ links }) =>
    links[0].actions.some(({ name, argument }) => name === 'msg' && matches(argument ?? ''))
}

function loadContext(node: SettingNode, files: RuleFiles): Parameters<typeof namePattern>[1] {
  return { position: node.position, directory: directoryOf(node.position.file), files }
}

function first(node: SettingNode): string {
  const [value] = node.arguments
  if (value === undefined) {
    throw new SecLangError('SECLANG_SYNTAX', `${node.written} wants arguments`, node.position)
  }
  return value
}

function single(node: SettingNode): string {
  if (node.arguments.length !== 1) {
    throw new SecLangError('SECLANG_SYNTAX', `${node.written} takes one argument`, node.position)
  }
  return first(node)
}

function bad(node: SettingNode, value: string, wanted: string): SecLangError {
  return new SecLangError('SECLANG_BAD_ARGUMENT', `${node.written} ${value}: ${wanted}`, node.position)
}
