import type { Logger } from '../runtime/log.js'

const WINDOW_MS = 10_000
const MAX_KEYS = 1000

/**
 * Logs a problem that traffic can repeat: the first of its kind at once, the others of the next ten seconds as one line
 * with their number.
 */
export class RepeatedLog {
  readonly #log: Logger
  readonly #suppressed = new Map<string, { count: number; message: string; fields: object }>()
  #timer: NodeJS.Timeout | undefined

  constructor(log: Logger) {
    this.#log = log
  }

  warn(key: string, fields: object, message: string): void {
    const known = this.#suppressed.get(key)
    if (known !== undefined) {
      known.count++
      return
    }
    this.#log.warn(fields, message)
    if (this.#suppressed.size < MAX_KEYS) this.#suppressed.set(key, { count: 0, message, fields })
    this.#timer ??= setTimeout(() => this.flush(), WINDOW_MS).unref()
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const { count, message, fields } of this.#suppressed.values())
      if (count > 0) this.#log.warn({ ...fields, repeated: count }, message)
    this.#suppressed.clear()
  }
}
