import type { Agent } from 'undici'
import type { Logger } from 'pino'
import { messageOf } from '../../runtime/errors.js'
import { outboundAgent, type OutboundConfig } from '../../runtime/outbound.js'
import { readSecret } from '../../runtime/secret.js'
import { shorten } from '../../runtime/text.js'
import type { WebhookAlert } from '../config.js'
import { stepOf, type StepName } from '../step.js'
import type { IncidentStore } from '../store.js'
import { backOff, type Delivery } from './delivery.js'
import { sendWebhook } from './webhook.js'

export interface SenderDeps {
  readonly store: IncidentStore
  readonly alerts: readonly WebhookAlert[]
  readonly outbound: OutboundConfig
  readonly now: () => number
  readonly log: Logger
  /** Told when a step waits for the ledger. */
  readonly stepped: () => void
}

/** Longest sleep, in case the clock was set back. */
const MAX_SLEEP_MS = 60_000

/**
 * Sends what is due, each channel in its own order and none waiting for another. An announcement leaves the store only when
 * it was received, or stays there as failed.
 */
export class AlertSender {
  readonly #running: Promise<void>[]
  readonly #wakers = new Set<() => void>()
  readonly #agents: Agent[] = []
  #stopping = false

  private constructor(
    readonly deps: SenderDeps,
    secrets: ReadonlyMap<string, string>,
  ) {
    this.#running = deps.alerts.map((alert) => {
      const agent = outboundAgent(deps.outbound, alert.timeout_seconds * 1000)
      this.#agents.push(agent)
      return this.#run(alert, secrets.get(alert.name) ?? '', agent)
    })
  }

  /** Starts one loop for each channel. @throws RuntimeError `SECRET_MISSING` for a channel without its secret */
  static async start(deps: SenderDeps): Promise<AlertSender> {
    const secrets = new Map<string, string>()
    for (const alert of deps.alerts) secrets.set(alert.name, await readSecret(alert.secret))
    return new AlertSender(deps, secrets)
  }

  /** Looks for new announcements at once. */
  wake(): void {
    for (const waker of this.#wakers) waker()
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.wake()
    await Promise.all(this.#running)
    await Promise.all(this.#agents.map((agent) => agent.destroy()))
  }

  async #run(alert: WebhookAlert, secret: string, agent: Agent): Promise<void> {
    const { store, now } = this.deps
    // In a loop of its own, so that a slow receiver does not hold up the others.
    for (let stopping = false; !stopping; stopping = this.#stopping) {
      const next = this.#first(alert.name)
      const pause = next ? Math.min(MAX_SLEEP_MS, next.due - now()) : MAX_SLEEP_MS
      if (!next || pause > 0) {
        await this.#sleep(pause)
        continue
      }
      try {
        await sendWebhook(next, alert, secret, this.deps.outbound, agent)
        await store.transaction(() => {
          store.removeDelivery(next.id)
          this.#step('announced', { ...next, attempts: next.attempts + 1 })
        })
      } catch (error) {
        await this.#failed(next, alert, error)
      }
      this.deps.stepped()
    }
  }

  /** A later announcement waits for an earlier one, so that a receiver sees an incident's steps in order. */
  #first(alert: string): Delivery | undefined {
    for (const delivery of this.deps.store.deliveries())
      if (delivery.alert === alert && delivery.state === 'waiting') return delivery
    return undefined
  }

  async #failed(delivery: Delivery, alert: WebhookAlert, error: unknown): Promise<void> {
    const { store, now, log } = this.deps
    const attempts = delivery.attempts + 1
    const failed = attempts >= alert.max_attempts
    log[failed ? 'error' : 'warn'](
      {
        alert: alert.name,
        delivery: delivery.id,
        incident: delivery.incident,
        attempts,
        reason: messageOf(error),
      },
      failed ? 'alert failed for good' : 'alert not received, it will be sent again',
    )
    const after: Delivery = {
      ...delivery,
      attempts,
      due: now() + backOff(attempts, Math.random()),
      state: failed ? 'failed' : 'waiting',
      last_error: shorten(messageOf(error), 300),
    }
    await store.transaction(() => {
      store.putDelivery(after)
      if (failed) this.#step('alert_failed', after)
    })
  }

  #step(name: StepName, delivery: Delivery): void {
    const { store, now } = this.deps
    const incident = store.get(delivery.incident)
    if (incident)
      store.addStep(
        stepOf(name, now(), incident, {
          channel: delivery.alert,
          attempts: delivery.attempts,
          ...(delivery.last_error === undefined ? {} : { error: delivery.last_error }),
        }),
      )
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#wakers.delete(done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.#wakers.add(done)
      if (this.#stopping) done()
    })
  }
}
