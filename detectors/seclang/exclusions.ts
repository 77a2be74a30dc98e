/** A span of rule ids, both ends included. */
export interface IdRange {
  readonly from: number
  readonly to: number
}

/** A target that a rule loses: a whole collection, or what its selector picks. */
export interface TargetPattern {
  /** Upper case. */
  readonly collection: string
  /** Undefined for the whole collection. */
  readonly matches: ((key: string) => boolean) | undefined
  /** In lower case, when it picks one key; undefined for a pattern. */
  readonly key?: string
}

/** Tells whether a tag or a message is meant. */
export type TextPattern = (text: string) => boolean

interface Removable {
  readonly id: number
  readonly tags: readonly string[]
  readonly msgText: string
}

/** What `ctl:ruleRemove*` took away from the rest of one transaction. */
export class Exclusions {
  readonly #rules: ((rule: Removable) => boolean)[] = []
  readonly #targets: { readonly applies: (rule: Removable) => boolean; readonly target: TargetPattern }[] = []

  removeRules(applies: (rule: Removable) => boolean): void {
    this.#rules.push(applies)
  }

  removeTarget(applies: (rule: Removable) => boolean, target: TargetPattern): void {
    this.#targets.push({ applies, target })
  }

  /** Whether the rule is out for the rest of the transaction. */
  removes(rule: Removable): boolean {
    return this.#rules.length > 0 && this.#rules.some((applies) => applies(rule))
  }

  /** The targets that the rule has lost. */
  targetsOf(rule: Removable): readonly TargetPattern[] {
    let lost = NO_TARGETS
    for (const { applies, target } of this.#targets) if (applies(rule)) lost = [...lost, target]
    return lost
  }
}

export const NO_TARGETS: readonly TargetPattern[] = []

export function byId(range: IdRange): (rule: Removable) => boolean {
  return (rule) => rule.id >= range.from && rule.id <= range.to
}

export function byTag(pattern: TextPattern): (rule: Removable) => boolean {
  return remembered((rule) => rule.tags.some(pattern))
}

export function byMessage(pattern: TextPattern): (rule: Removable) => boolean {
  return remembered((rule) => pattern(rule.msgText))
}

/** Rules do not change: what a pattern says of one is found out once. */
function remembered(applies: (rule: Removable) => boolean): (rule: Removable) => boolean {
  const known = new WeakMap<Removable, boolean>()
  return (rule) => {
    let answer = known.get(rule)
    if (answer === undefined) {
      answer = applies(rule)
      known.set(rule, answer)
    }
    return answer
  }
}

/** Reads `10` or `10-20`; undefined when it is neither. */
export function parseIdRange(text: string): IdRange | undefined {
  const match = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(text.trim())
  if (match === null) return undefined
  const from = Number(match[1])
  const to = match[2] === undefined ? from : Number(match[2])
  return to < from ? undefined : { from, to }
}
