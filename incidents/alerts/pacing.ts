import type { Database } from 'lmdb'
import type { Incident } from '../incident.js'
import { atLeast } from '../incident.js'
import type { IncidentStore } from '../store.js'
import { done, retry } from '../work/work.js'
import type { Outcome, Work } from '../work/work.js'
import type { Held, IncidentAnnouncement } from './announcement.js'
import type { AlertConfig } from './config.js'
import { quietUntil } from './quiet-hours.js'

/** Why something is held back; each has a message of its own. */
type Reason = 'quiet' | 'digest' | 'throttle'

interface Window {
  readonly start: number
  readonly sent: number
}

/** Ends the wait for what one channel holds back. */
interface Timer {
  readonly channel: string
  readonly reason: Reason
}

export const TIMER_WORK = 'alert_digest'

export interface PacingDeps {
  readonly store: IncidentStore
  readonly now: () => number
  /** Sends what was held back; runs inside a transaction of the store. */
  readonly release: (config: AlertConfig, held: readonly Held[]) => void
}

/**
 * Holds announcements back: in quiet hours, for digests and by throttles. What is held back is durable, one entry for each
 * incident, and is told later, together; nothing is dropped. Methods that write must run inside a transaction of the store.
 */
export class Pacing {
  readonly #deps: PacingDeps
  readonly #held: Database<Held, [channel: string, reason: Reason, incident: string]>
  readonly #timers: Database<string, [channel: string, reason: Reason]>
  readonly #windows: Database<Window, string>

  constructor(deps: PacingDeps) {
    this.#deps = deps
    this.#held = deps.store.table('alerts-held')
    this.#timers = deps.store.table('alerts-timers')
    this.#windows = deps.store.table('alerts-windows')
  }

  /** @returns whether it is held back; otherwise it is to be sent now, and counts */
  hold(config: AlertConfig, announcement: IncidentAnnouncement): boolean {
    const now = this.#deps.now()
    const { incident } = announcement
    const { quiet_hours, digest } = config
    if (quiet_hours && !atLeast(incident.severity, quiet_hours.except)) {
      const until = quietUntil(quiet_hours, now)
      if (until !== undefined) return this.#keep(config.name, 'quiet', announcement, until)
    }
    if (digest && !atLeast(incident.severity, digest.except))
      return this.#keep(config.name, 'digest', announcement, now + digest.minutes * 60_000)
    const full = this.#fullUntil(config, now)
    return full !== undefined && this.#keep(config.name, 'throttle', announcement, full)
  }

  /** The time of something held back has come. */
  due(work: Work, config: AlertConfig | undefined): Outcome {
    const { channel, reason } = work.body as Timer
    const now = this.#deps.now()
    const until = reason === 'digest' && config?.quiet_hours && quietUntil(config.quiet_hours, now)
    if (until) return retry('quiet hours', { after: until - now, untouched: true })
    return done(() => {
      this.#timers.removeSync([channel, reason])
      const keys = [...this.#held.getKeys({ start: [channel, reason, ''], end: [channel, reason, '\uffff'] })]
      const held = keys.flatMap((key) => this.#held.get(key) ?? [])
      for (const key of keys) this.#held.removeSync(key)
      if (config && held.length > 0) this.#deps.release(config, held)
    })
  }

  #keep(channel: string, reason: Reason, announcement: IncidentAnnouncement, until: number): true {
    const { store, now } = this.#deps
    const { id }: Incident = announcement.incident
    const key: [string, Reason, string] = [channel, reason, id]
    this.#held.putSync(key, { announcement, count: (this.#held.get(key)?.count ?? 0) + 1 })
    const timer = this.#timers.get([channel, reason])
    if (timer === undefined || store.work.get(timer)?.state !== 'waiting') {
      const body: Timer = { channel, reason }
      // A target of its own: nothing else waits behind it.
      const work = store.work.add(
        { incident: id, kind: TIMER_WORK, target: `${channel} ${reason}`, body, due: until },
        now(),
      )
      this.#timers.putSync([channel, reason], work.id)
    }
    return true
  }

  /** When the window ends that is full; undefined, and one more counted, when it is not. */
  #fullUntil({ name, throttle }: AlertConfig, now: number): number | undefined {
    if (!throttle) return undefined
    const length = throttle.seconds * 1000
    const before = this.#windows.get(name)
    // One that begins in the future is of a clock that was set back.
    const current =
      before && before.start <= now && now < before.start + length ? before : { start: now, sent: 0 }
    if (current.sent >= throttle.messages) return current.start + length
    this.#windows.putSync(name, { ...current, sent: current.sent + 1 })
    return undefined
  }
}
