import type { Transformation } from './transformation.js'

/** A list of transformations. Chains with a common beginning share it, so that its results are shared too. */
export class TransformationChain {
  /** From the first transformation to this one. */
  readonly steps: readonly TransformationChain[]
  readonly #next = new Map<string, TransformationChain>()

  private constructor(
    /** Number within its tree: the key of the transaction's cache. */
    readonly index: number,
    readonly parent: TransformationChain | undefined,
    readonly name: string,
    readonly apply: Transformation | undefined,
    readonly counter: { chains: number },
  ) {
    this.steps = parent === undefined ? [] : [...parent.steps, this]
  }

  /** The empty chain of a new tree; one tree serves one rule set. */
  static root(): TransformationChain {
    return new TransformationChain(0, undefined, '', undefined, { chains: 1 })
  }

  /** This chain with one transformation more. */
  append(name: string, apply: Transformation): TransformationChain {
    const key = name.toLowerCase()
    let next = this.#next.get(key)
    if (next === undefined) {
      next = new TransformationChain(this.counter.chains++, this, name, apply, this.counter)
      this.#next.set(key, next)
    }
    return next
  }
}

/** Most characters of results that one transaction keeps; past it, results are computed again. */
export const MAX_CACHED_CHARACTERS = 16 * 1024 * 1024

/** Results of transformations within one transaction, each computed once. */
export class TransformationCache {
  readonly #results: Map<string, string>[] = []
  #characters = 0

  /** The value after the whole chain. */
  transform(value: string, chain: TransformationChain): string {
    const { parent, apply } = chain
    if (parent === undefined || apply === undefined) return value
    const results = (this.#results[chain.index] ??= new Map<string, string>())
    const known = results.get(value)
    if (known !== undefined) return known
    const result = apply(this.transform(value, parent))
    if (this.#characters < MAX_CACHED_CHARACTERS) {
      this.#characters += value.length + result.length
      results.set(value, result)
    }
    return result
  }

  /** The value and every different stage of it, for multiMatch. */
  stages(value: string, chain: TransformationChain): readonly string[] {
    const stages = [value]
    for (const step of chain.steps) {
      const stage = this.transform(value, step)
      if (stage !== stages.at(-1)) stages.push(stage)
    }
    return stages
  }
}
