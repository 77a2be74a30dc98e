import type { ListenerName, MalformedInfo } from './listener/listener.js'

const WINDOW_MS = 1000
/** Different senders and reasons that are told apart in one window; the others are counted together. */
const MAX_KEYS = 256

/** Connections of one window with the same sender and reason. */
export interface MalformedReport {
  /** Empty when it is not known, or when the report stands for several clients. */
  readonly client: string
  readonly reason: string
  readonly listener: ListenerName
  readonly count: number
}

/**
 * Gathers what a listener could not parse, so that a flood of bad bytes becomes a bounded number of reports with exact
 * counts: at most 257 a second.
 */
export class MalformedReports {
  readonly #report: (report: MalformedReport) => void
  readonly #window = new Map<string, { info: MalformedInfo; count: number }>()
  #others: MalformedReport | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(report: (report: MalformedReport) => void) {
    this.#report = report
  }

  add(info: MalformedInfo): void {
    const key = `${info.client}\n${info.reason}`
    const known = this.#window.get(key)
    if (known !== undefined) known.count += info.count
    else if (this.#window.size < MAX_KEYS) this.#window.set(key, { info, count: info.count })
    else
      this.#others = {
        client: '',
        reason: 'several',
        listener: info.listener,
        count: (this.#others?.count ?? 0) + info.count,
      }
    this.#timer ??= setTimeout(() => this.flush(), WINDOW_MS).unref()
  }

  /** Reports what was gathered so far. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const { info, count } of this.#window.values())
      this.#report({ client: info.client, reason: info.reason, listener: info.listener, count })
    this.#window.clear()
    if (this.#others !== undefined) this.#report(this.#others)
    this.#others = undefined
  }
}
