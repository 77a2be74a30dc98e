/** Compiled arguments that stay cached per rule; macros seldom give more than a handful of texts. */
const capacity = 32

/** Remembers what texts compile to, the latest `capacity` of them. */
export class DynamicCache<T> {
  readonly #compiled = new Map<string, T>()
  readonly #compile: (text: string) => T

  constructor(compile: (text: string) => T) {
    this.#compile = compile
  }

  get(text: string): T {
    const known = this.#compiled.get(text)
    if (known !== undefined) return known
    const compiled = this.#compile(text)
    if (this.#compiled.size >= capacity) {
      const [oldest] = this.#compiled.keys()
      if (oldest !== undefined) this.#compiled.delete(oldest)
    }
    this.#compiled.set(text, compiled)
    return compiled
  }
}
