/** Texts of one generation; two are kept, so that what is asked for again stays. */
export const MAX_TEXTS = 2048
/** Longer texts are not kept. */
export const MAX_LENGTH = 256

/** What was found out about texts that transactions have in common, by the text; bounded. */
export class Generations<T> {
  #young = new Map<string, T>()
  #old = new Map<string, T>()

  /** Texts that are kept. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(text: string): T | undefined {
    const known = this.#young.get(text)
    if (known !== undefined) return known
    const old = this.#old.get(text)
    if (old !== undefined) this.set(text, old)
    return old
  }

  set(text: string, known: T): void {
    if (text.length > MAX_LENGTH) return
    if (this.#young.size >= MAX_TEXTS) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(text, known)
  }
}
