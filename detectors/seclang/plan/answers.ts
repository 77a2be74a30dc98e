import { Generations } from './generations.js'
import type { Readers } from './readers.js'

interface Answer {
  readonly readers: Readers
  readonly bits: readonly number[]
  readonly next: Answer | undefined
}

/** What was found out about texts that transactions have in common, so that it is not found out again. */
export class Answers {
  readonly #texts = new Generations<Answer>()

  /** Texts that are kept. */
  get size(): number {
    return this.#texts.size
  }

  /** Bits of the rules among `readers` that have to judge the text; undefined when it is not known. */
  get(text: string, readers: Readers): readonly number[] | undefined {
    for (let answer = this.#texts.get(text); answer !== undefined; answer = answer.next)
      if (answer.readers === readers) return answer.bits
    return undefined
  }

  set(text: string, readers: Readers, bits: readonly number[]): void {
    this.#texts.set(text, { readers, bits, next: this.#texts.get(text) })
  }
}
