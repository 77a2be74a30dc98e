import { PatternError } from './errors.js'

/** Reads a pattern from left to right. */
export class Cursor {
  at = 0

  constructor(readonly text: string) {}

  get done(): boolean {
    return this.at >= this.text.length
  }

  /** The next byte, or the empty string at the end. */
  peek(ahead = 0): string {
    return this.text.charAt(this.at + ahead)
  }

  take(): string {
    const char = this.text.charAt(this.at)
    this.at += 1
    return char
  }

  /** Consumes `word` when it stands here. */
  accept(word: string): boolean {
    if (!this.text.startsWith(word, this.at)) return false
    this.at += word.length
    return true
  }

  /** Consumes what a sticky pattern finds here. */
  match(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.at
    const found = sticky.exec(this.text)
    if (found === null) return undefined
    this.at = sticky.lastIndex
    return found
  }

  /** Consumes up to and including `end`; gives what stood before it. */
  until(end: string, what: string): string {
    const stop = this.text.indexOf(end, this.at)
    if (stop < 0) this.fail(`${what} is not closed by ${end}`)
    const inside = this.text.slice(this.at, stop)
    this.at = stop + end.length
    return inside
  }

  fail(message: string): never {
    throw new PatternError(message, this.at)
  }
}
