import { type Assignment, assigned } from '../assignment.js'
import type { Entry } from '../collections/entry.js'
import { isGroup } from '../groups.js'
import { MAX_EXPANDED_CHARACTERS, type Macro } from '../macro.js'
import type { Effect } from '../rule.js'

/** What an assignment leaves: the entry and its key in lower case. */
export interface Written {
  readonly lower: string
  /** Undefined when the variable is forgotten. */
  readonly entry: Entry | undefined
}

/** What is known of the variables in `TX` before any request is seen: at first that there are none. */
export class KnownVariables {
  readonly #entries: Map<string, Entry | 'unknown'>
  readonly #unknownPrefixes: Set<string>
  /** Keys in lower case of all variables that were asked for, here and in what this was forked from and into. */
  readonly relied: Set<string>

  constructor(
    entries: Iterable<[string, Entry | 'unknown']> = [],
    unknownPrefixes: Iterable<string> = [],
    relied = new Set<string>(),
  ) {
    this.#entries = new Map(entries)
    this.#unknownPrefixes = new Set(unknownPrefixes)
    this.relied = relied
  }

  /** The same knowledge, to be gone on with apart from this. */
  fork(): KnownVariables {
    return new KnownVariables(this.#entries, this.#unknownPrefixes, this.relied)
  }

  /**
   * The entry under a key; undefined when there is surely none, `unknown` when that depends on requests.
   *
   * @param lower the key in lower case
   */
  lookUp(lower: string): Entry | undefined | 'unknown' {
    const entry = this.#entries.get(lower)
    // Groups of captures come and go with the values of requests.
    if (entry === 'unknown' || isGroup(lower)) return 'unknown'
    for (const prefix of this.#unknownPrefixes) if (lower.startsWith(prefix)) return 'unknown'
    this.relied.add(lower)
    return entry
  }

  /** The text with its macros expanded; undefined when it depends on requests. */
  expand({ segments }: Macro): string | undefined {
    let text = ''
    for (const segment of segments) {
      if (typeof segment === 'string') {
        text += segment
        continue
      }
      if (segment.definition?.name !== 'TX' || segment.key === undefined) return undefined
      const entry = this.lookUp(segment.key)
      if (entry === 'unknown') return undefined
      text += entry?.value ?? ''
    }
    return text.length <= MAX_EXPANDED_CHARACTERS ? text : undefined
  }

  /** Carries an assignment out; undefined, and nothing done, when what comes of it depends on requests. */
  assign({ key, value, sign }: Assignment): Written | undefined {
    const name = this.expand(key)
    const operand = value === undefined ? '' : this.expand(value)
    if (name === undefined || operand === undefined) return undefined
    const lower = name.toLowerCase()
    const before = this.lookUp(lower)
    if (before === 'unknown') return undefined
    if (value === undefined) {
      this.#entries.delete(lower)
      return { lower, entry: undefined }
    }
    const entry = { key: before?.key ?? name, value: assigned(before?.value, sign, operand) }
    this.#entries.set(lower, entry)
    return { lower, entry }
  }

  /** Forgets what an assignment with an unknown outcome may have changed. */
  forget({ key }: Assignment): void {
    const prefix = constantPrefix(key)
    if (key.constant) this.#entries.set(prefix, 'unknown')
    else this.#unknownPrefixes.add(prefix)
  }
}

/** Whether a variable of `TX` is what an effect changes. */
export function isAssignment(changes: Effect['changes']): changes is Assignment {
  return typeof changes === 'object' && 'sign' in changes
}

/** Whether an assignment may change one of the variables. */
export function mayChange({ key }: Assignment, variables: ReadonlySet<string>): boolean {
  const prefix = constantPrefix(key)
  if (key.constant) return variables.has(prefix)
  return [...variables].some((variable) => variable.startsWith(prefix))
}

/** What the names that a macro expands to begin with, in lower case. */
export function constantPrefix({ segments }: Macro): string {
  const [first] = segments
  return typeof first === 'string' ? first.toLowerCase() : ''
}
