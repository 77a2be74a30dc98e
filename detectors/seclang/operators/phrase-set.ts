import { AhoCorasick, caselessColumns } from '../prefilter/aho-corasick.js'
import { lowerAscii } from '../prefilter/requirement.js'

/** Phrases searched for all at once, ASCII case ignored, in one pass over the value. */
export class PhraseSet {
  readonly #phrases: readonly string[]
  #automaton: AhoCorasick | undefined

  constructor(phrases: Iterable<string>) {
    this.#phrases = [...new Set(Array.from(phrases, lowerAscii))].filter((phrase) => phrase !== '')
  }

  /** End and start of the first phrase that is completed while reading the value, or undefined. */
  find(value: string): { readonly start: number; readonly end: number } | undefined {
    // Most sets never see a value that the prefilter lets through: the table is built for the first.
    const { next, columns, width, endings } = (this.#automaton ??= this.#build())
    let state = 0
    for (let at = 0; at < value.length; at++) {
      state = next[state + (columns[value.charCodeAt(at) & 255] ?? 0)] ?? 0
      if (state >= 0) continue
      const [longest = 0] = endings[~state / width] ?? []
      return { start: at + 1 - (this.#phrases[longest]?.length ?? 0), end: at + 1 }
    }
    return undefined
  }

  #build(): AhoCorasick {
    const { columns, width } = caselessColumns(this.#phrases)
    return new AhoCorasick(this.#phrases, columns, width)
  }
}
