import type { ActionNode, DirectiveNode, RuleNode, SourcePosition } from './seclang/index.js'

export interface ReachFinding {
  readonly message: string
  readonly position: SourcePosition
}

const ENDS = new Set(['deny', 'drop', 'redirect', 'allow'])

/** A rule with the links of its chain. */
interface Chain {
  readonly links: readonly RuleNode[]
  readonly phase: string
}

/**
 * Rules that can never run or never match: behind a rule that always ends or skips, in a chain with a link that matches nothing, or
 * skipping to a marker that does not follow. Judged for one source, as the directives stand; `nodes` are in their order.
 */
export function unreachableRules(nodes: readonly DirectiveNode[]): readonly ReachFinding[] {
  const findings: ReachFinding[] = []
  const items = chains(nodes)
  // By seclang phase: what makes everything after it unreachable, up to a marker.
  const blocked = new Map<string, { readonly by: RuleNode; readonly until: string | undefined }>()
  for (const [index, item] of items.entries()) {
    if ('marker' in item) {
      for (const [phase, { until }] of blocked) if (until === item.marker) blocked.delete(phase)
      continue
    }
    const [starter] = item.links
    if (starter === undefined) continue
    const block = blocked.get(item.phase)
    if (block !== undefined) {
      findings.push({
        message: `never runs: the rule at line ${block.by.position.line} of ${block.by.position.file} always ${block.until === undefined ? 'ends' : 'skips'} before it`,
        position: starter.position,
      })
      continue
    }
    for (const link of item.links) {
      const never = link.operator !== undefined && matchesNothing(link)
      if (never) findings.push({ message: neverMatches(item.links, link), position: starter.position })
    }
    const marker = argumentOf(starter.actions, 'skipafter')
    const follows = marker !== undefined && items.slice(index + 1).some((other) => isTarget(other, marker))
    if (marker !== undefined && !follows) {
      findings.push({
        message: `skipAfter:${marker} names no marker or rule that follows: all rules after it are skipped`,
        position: starter.position,
      })
    }
    if (!alwaysMatches(item.links)) continue
    const ends = starter.actions.some(({ name }) => ENDS.has(name))
    if (ends || marker !== undefined)
      blocked.set(item.phase, { by: starter, until: ends ? undefined : marker })
  }
  return findings
}

function chains(nodes: readonly DirectiveNode[]): readonly (Chain | { readonly marker: string })[] {
  const items: ({ links: RuleNode[]; phase: string } | { marker: string })[] = []
  let open = false
  for (const node of nodes) {
    if (node.kind === 'marker') items.push({ marker: node.name })
    if (node.kind !== 'rule') continue
    const last = items.at(-1)
    if (open && last !== undefined && 'links' in last) last.links.push(node)
    else items.push({ links: [node], phase: phaseName(argumentOf(node.actions, 'phase') ?? '2') })
    open = node.actions.some(({ name }) => name === 'chain')
  }
  return items
}

const PHASE_WORDS: ReadonlyMap<string, string> = new Map([
  ['request', '2'],
  ['response', '4'],
  ['logging', '5'],
])

function phaseName(phase: string): string {
  return PHASE_WORDS.get(phase.toLowerCase()) ?? phase
}

function isTarget(item: Chain | { readonly marker: string }, name: string): boolean {
  if ('marker' in item) return item.marker === name
  return argumentOf(item.links[0]?.actions ?? [], 'id') === name
}

function argumentOf(actions: readonly ActionNode[], name: string): string | undefined {
  return actions.findLast((action) => action.name === name)?.argument
}

function matchesNothing({ operator }: RuleNode): boolean {
  if (operator === undefined) return false
  const name = operator.name.toLowerCase()
  return operator.negated ? name === 'unconditionalmatch' : name === 'nomatch'
}

function alwaysMatches(links: readonly RuleNode[]): boolean {
  return links.every(({ operator }) => operator === undefined)
}

function neverMatches(links: readonly RuleNode[], link: RuleNode): string {
  const how = `${link.operator?.negated === true ? '!' : ''}@${link.operator?.name ?? ''}`
  return links.length === 1
    ? `${how} matches nothing: the rule never matches`
    : `the chain never matches: its link at line ${link.position.line} is ${how}`
}
