import { MaskTable, type Requirement, noRequirement } from '../prefilter/index.js'
import type { Transformation } from '../transformation.js'
import { classesAfter, isOpaque } from '../transformations/changes.js'
import { Base64Screen } from './base64-screen.js'
import type { Readers } from './readers.js'

/** Routes that are remembered; a power of two. */
const slots = 4096

/** A transformation that may change a value so that rules behind it match. */
export interface Exit {
  readonly readers: Readers
  readonly apply: Transformation
  /** Whether it makes something else of every value. */
  readonly opaque: boolean
  /** Whether it, and all that follow, change nothing of the value but the case of letters. */
  readonly caseOnly: boolean
  /** Tells of values that nobody behind it matches; undefined where only what it makes of them tells. */
  readonly screen: Base64Screen | undefined
}

/** Which readers a value comes to without being changed, and where it is changed: the same for all values of the same byte classes. */
export interface Route {
  /** Bits of the rules that judge the value as it is; undefined when none of them matches a value of these classes. */
  readonly here: Int32Array | undefined
  readonly exits: readonly Exit[]
}

interface Remembered extends Route {
  readonly readers: Readers
  readonly mask: number
}

/** The ways of values through the transformations that rules judge them after, without those that lead to no rule that can match. */
export class Routes {
  /** Members by the classes that a value must hold some of; those that it may hold are left out, for a transformation can take bytes away. */
  readonly #possible: MaskTable
  readonly #words: number
  readonly #requirements: readonly Requirement[]
  readonly #screens = new Map<Readers, Base64Screen | undefined>()
  readonly #remembered = Array.from<Remembered | undefined>({ length: slots })

  constructor(requirements: readonly Requirement[]) {
    this.#possible = new MaskTable(requirements.map(({ someOf }) => ({ ...noRequirement, someOf })))
    this.#requirements = requirements
    this.#words = (requirements.length + 31) >>> 5
  }

  /** The route of a value of these byte classes, from where these readers begin. */
  of(readers: Readers, classes: number): Route {
    const mask = classes & readers.relevant
    const slot = Math.imul(mask ^ Math.imul(readers.number, 0x85ebca6b), 0x9e3779b1) >>> 20
    let route = this.#remembered[slot]
    if (route?.readers !== readers || route.mask !== mask) {
      const here = new Int32Array(this.#words)
      const exits: Exit[] = []
      this.#explore(readers, mask, here, exits)
      route = { readers, mask, here: here.some((word) => word !== 0) ? here : undefined, exits }
      this.#remembered[slot] = route
    }
    return route
  }

  #explore(readers: Readers, mask: number, here: Int32Array, exits: Exit[]): void {
    const row = this.#possible.rowOf(mask)
    const { rows } = this.#possible
    for (let word = 0; word < here.length; word++)
      here[word] = (here[word] ?? 0) | ((readers.here[word] ?? 0) & (rows[row + word] ?? 0))
    for (const child of readers.children) {
      const { touches, caseless, chain } = child
      if (touches !== undefined && (mask & touches) === 0) this.#explore(child, mask, here, exits)
      else if (chain?.apply !== undefined && this.#leads(child, mask)) {
        const caseOnly = caseless !== undefined && (mask & caseless) === 0
        exits.push({
          readers: child,
          apply: chain.apply,
          opaque: isOpaque(child.changes),
          caseOnly,
          screen: this.#screenOf(child),
        })
      }
    }
  }

  #screenOf(readers: Readers): Base64Screen | undefined {
    if (readers.chain?.name.toLowerCase() !== 'base64decode') return undefined
    if (!this.#screens.has(readers)) {
      const requirements = this.#requirements.filter((_, bit) => has(readers.all, bit))
      this.#screens.set(readers, Base64Screen.of(requirements, following(readers)))
    }
    return this.#screens.get(readers)
  }

  /** Whether some rule at these readers or further down can match what becomes of a value that holds no other classes. */
  #leads({ changes, here, children }: Readers, mask: number): boolean {
    const after = classesAfter(changes, mask)
    return this.#matchesSome(here, after) || children.some((child) => this.#leads(child, after))
  }

  #matchesSome(members: Int32Array, mask: number): boolean {
    const row = this.#possible.rowOf(mask)
    const { rows } = this.#possible
    return members.some((word, at) => (word & (rows[row + at] ?? 0)) !== 0)
  }
}

function has(bits: Int32Array, bit: number): boolean {
  return ((bits[bit >> 5] ?? 0) & (1 << (bit & 31))) !== 0
}

/** Names of the transformations further down. */
function following({ children }: Readers): readonly string[] {
  return children.flatMap((child) => [child.chain?.name ?? '', ...following(child)])
}
