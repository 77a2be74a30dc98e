import { AhoCorasick } from '../prefilter/aho-corasick.js'

/** Phrases searched for all at once, ASCII case ignored, in one pass over the value. */
export class PhraseSet {
  readonly #automaton: AhoCorasick

  constructor(phrases: Iterable<string>) {
    this.#automaton = new AhoCorasick([...phrases].filter((phrase) => phrase !== ''))
  }

  /** End and start of the first phrase that is completed while reading the value, or undefined. */
  find(value: string): { readonly start: number; readonly end: number } | undefined {
    const { next, columns, width, endings, texts } = this.#automaton
    let state = 0
    for (let at = 0; at < value.length; at++) {
      state = next[state + (columns[value.charCodeAt(at) & 255] ?? 0)] ?? 0
      if (state >= 0) continue
      const [longest = 0] = endings[~state / width] ?? []
      return { start: at + 1 - (texts[longest]?.length ?? 0), end: at + 1 }
    }
    return undefined
  }
}
