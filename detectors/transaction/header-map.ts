import type { HeaderList } from '../request.js'

/** Case-insensitive lookup over headers in their order and case of arrival. */
export class HeaderMap {
  #index: Map<string, string[]> | undefined

  constructor(readonly list: HeaderList) {}

  /** All values of `name`, in order of arrival. */
  all(name: string): readonly string[] {
    return this.#byName().get(name.toLowerCase()) ?? []
  }

  /** The first value of `name`. */
  get(name: string): string | undefined {
    return this.all(name)[0]
  }

  has(name: string): boolean {
    return this.#byName().has(name.toLowerCase())
  }

  #byName(): Map<string, string[]> {
    if (this.#index !== undefined) return this.#index
    const index = new Map<string, string[]>()
    for (const [name, value] of this.list) {
      const key = name.toLowerCase()
      const values = index.get(key)
      if (values === undefined) index.set(key, [value])
      else values.push(value)
    }
    this.#index = index
    return index
  }
}
