import { parseIdRange } from './seclang/index.js'
import type { DirectiveNode, RuleNode, SourcePosition } from './seclang/index.js'

export interface ReferenceFinding {
  readonly message: string
  readonly position: SourcePosition
}

/** How a directive or `ctl` names rules that it changes. */
interface Reference {
  readonly by: 'id' | 'tag' | 'msg'
  readonly names: readonly string[]
  readonly written: string
  readonly position: SourcePosition
}

const DIRECTIVE = /^secrule(?:remove|updatetarget|updateaction)by(id|tag|msg)$/
const CONTROL = /^ruleRemove(?:Target)?By(Id|Tag|Msg)=([^;]*)/i

/** A range that is wider than this means "whatever is in it", not rules that must be there. */
const NAMED_RANGE = 1

/**
 * Directives and `ctl` actions that change or remove rules of which there is none: no rule with the id, no rule with the tag. Most are
 * spelling mistakes, and an exclusion with one protects nobody from a false alarm.
 */
export function unknownReferences(
  nodes: readonly DirectiveNode[],
  known: readonly DirectiveNode[],
): readonly ReferenceFinding[] {
  const rules = [...nodes, ...known].filter((node) => node.kind === 'rule')
  const ids = new Set(rules.flatMap((rule) => values(rule, 'id')))
  const tags = [...new Set(rules.flatMap((rule) => values(rule, 'tag')))]
  const messages = rules.flatMap((rule) => values(rule, 'msg'))
  const findings: ReferenceFinding[] = []
  for (const { by, names, written, position } of nodes.flatMap(references)) {
    for (const name of names) {
      const there =
        by === 'id' ? hasId(ids, name) : (by === 'tag' ? tags : messages).some((text) => mayMatch(text, name))
      if (!there) findings.push({ message: `${written}: no rule has the ${by} ${name}`, position })
    }
  }
  return findings
}

function values(rule: RuleNode, action: string): readonly string[] {
  return rule.actions.flatMap(({ name, argument }) =>
    name === action && argument !== undefined ? [argument] : [],
  )
}

function references(node: DirectiveNode): readonly Reference[] {
  if (node.kind === 'setting') {
    const by = DIRECTIVE.exec(node.name)?.[1]
    if (by === undefined) return []
    const removes = node.name.startsWith('secruleremove')
    const named = removes ? node.arguments : node.arguments.slice(0, 1)
    return [{ by: kind(by), names: split(by, named), written: node.written, position: node.position }]
  }
  if (node.kind !== 'rule') return []
  return values(node, 'ctl').flatMap((text) => {
    const [, by, names = ''] = CONTROL.exec(text) ?? []
    if (by === undefined) return []
    const written = `ctl:${text.slice(0, text.indexOf('='))}`
    return [{ by: kind(by), names: split(by, [names]), written, position: node.position }]
  })
}

function kind(by: string): Reference['by'] {
  const lower = by.toLowerCase()
  return lower === 'id' || lower === 'tag' ? lower : 'msg'
}

function split(by: string, names: readonly string[]): readonly string[] {
  if (by.toLowerCase() !== 'id') return names
  return names.flatMap((name) => name.split(/[\s,]+/)).filter((name) => name !== '')
}

function hasId(ids: ReadonlySet<string>, name: string): boolean {
  // `12:1` names a link of rule 12.
  const range = parseIdRange(name.replace(/:\d{1,4}$/, ''))
  if (range === undefined || range.to - range.from >= NAMED_RANGE) return true
  return ids.has(String(range.from))
}

/** Plain names are compared; a pattern, or a tag with macros, may mean anything and is not doubted. */
function mayMatch(text: string, name: string): boolean {
  if (text.includes('%{') || /[\\^$*+?()[\]{}|]/.test(name)) return true
  return text.toLowerCase().includes(name.toLowerCase())
}
