import type { Readers } from './readers.js'

/** Texts of one generation; two are kept, so that what is asked for again stays. */
export const MAX_TEXTS = 2048
/** Longer texts are not kept. */
export const MAX_LENGTH = 256

interface Answer {
  readonly readers: Readers
  readonly bits: readonly number[]
  readonly next: Answer | undefined
}

/** What was found out about texts that transactions have in common, so that it is not found out again. */
export class Answers {
  #young = new Map<string, Answer>()
  #old = new Map<string, Answer>()

  /** Texts that are kept. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** Bits of the rules among `readers` that have to judge the text; undefined when it is not known. */
  get(text: string, readers: Readers): readonly number[] | undefined {
    let answer = this.#young.get(text)
    if (answer === undefined) {
      answer = this.#old.get(text)
      if (answer === undefined) return undefined
      this.#keep(text, answer)
    }
    for (; answer !== undefined; answer = answer.next) if (answer.readers === readers) return answer.bits
    return undefined
  }

  set(text: string, readers: Readers, bits: readonly number[]): void {
    if (text.length <= MAX_LENGTH) this.#keep(text, { readers, bits, next: this.#young.get(text) })
  }

  #keep(text: string, answer: Answer): void {
    if (this.#young.size >= MAX_TEXTS) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(text, answer)
  }
}
