import { messageOf } from '../../runtime/errors.js'
import { uuidv7Time } from '../../runtime/uuid.js'
import type { Answer } from '../answers/answer.js'
import { subjectKey } from '../answers/action.js'
import type { Reaction } from '../change.js'
import type { Connector, ConnectorDeps } from '../connector.js'
import type { Core } from '../core.js'
import type { Incident } from '../incident.js'
import { stepOf } from '../step.js'
import { dead, done, retry } from '../work/work.js'
import type { Outcome, Work } from '../work/work.js'
import { announcementOf, digestOf } from './announcement.js'
import type { Announcement } from './announcement.js'
import type { Channel } from './channel.js'
import type { AlertConfig } from './config.js'
import { AlertError } from './errors.js'
import { passes } from './filter.js'
import { openChannel } from './open.js'
import { Pacing, TIMER_WORK } from './pacing.js'
import { TelegramApprovals } from './telegram-approvals.js'
import type { Decide } from './telegram-approvals.js'
import { TelegramUpdates } from './telegram-updates.js'
import { TelegramChannel } from './telegram.js'

export const ALERT_WORK = 'alert'

/** A receiver that asks to wait is obeyed for as long as this; the alert is a dead letter then. */
const MAX_WAIT_MS = 86_400_000

/** One announcement to one recipient of a channel, as work. */
interface Alert {
  readonly recipient: string
  readonly announcement: Announcement
  /** Incidents that are announced by it, listed in it or only counted. */
  readonly covers: readonly string[]
  /** Name of the question that it asks, on a channel with buttons. */
  readonly question?: string
}

/** Has one incident announced on one channel, whatever its filter says; to be called inside a transaction of the store. */
export interface Notifier {
  notify(incident: Incident, channel: string, event: string): void
}

/**
 * Opens the channels.
 *
 * @param decide told what approvers say, once the role has started
 * @throws RuntimeError `SECRET_MISSING` for a channel without its secret, AlertError `ALERT_CONFIG` for one that cannot be it
 */
export async function openAlerts(
  { core, log }: Pick<ConnectorDeps, 'core' | 'log'>,
  decide: Decide,
): Promise<Connector & Notifier> {
  const { outbound, alerts } = core.settings
  const channels = new Map<string, { readonly config: AlertConfig; readonly channel: Channel }>()
  const polls: TelegramUpdates[] = []
  const approvals = new Map<string, TelegramApprovals>()
  const close = async (): Promise<void> => {
    await Promise.all(polls.map((poll) => poll.stop()))
    await Promise.all([...channels.values()].map(({ channel }) => channel.close()))
  }
  try {
    for (const config of alerts)
      channels.set(config.name, { config, channel: await openChannel(config, { outbound, now: core.now }) })
  } catch (error) {
    await close()
    throw error
  }
  const positions = core.store.table<number>('alerts-updates')
  for (const [name, { config, channel }] of channels) {
    if (config.type !== 'telegram' || config.approvers.length === 0 || !(channel instanceof TelegramChannel))
      continue
    const { api } = channel
    const asked = new TelegramApprovals({ core, config, api, decide })
    approvals.set(name, asked)
    const position = {
      get: () => positions.get(name) ?? 0,
      set: (next: number) => core.change(() => positions.putSync(name, next)).then(() => undefined),
    }
    polls.push(
      new TelegramUpdates({ api, log, position, take: (input, signal) => asked.take(input, signal) }),
    )
  }
  const outbox = new AlertOutbox(core, channels, approvals)
  return {
    reaction: outbox.reaction,
    notify: (incident, channel, event) => outbox.notify(incident, channel, event),
    register: (queue) => {
      queue.register(ALERT_WORK, (work, { signal }) => outbox.deliver(work, signal), {
        buried: (work, reason) => outbox.step('alert_failed', work, reason),
        maxAttempts: ({ target }) => channels.get(target)?.config.max_attempts ?? 1,
      })
      queue.register(TIMER_WORK, async (work) => outbox.due(work))
    },
    start() {
      for (const poll of polls) poll.start()
    },
    close,
  }
}

/** Announcements as durable work. */
class AlertOutbox {
  readonly #core: Core
  readonly #channels: ReadonlyMap<string, { readonly config: AlertConfig; readonly channel: Channel }>
  readonly #approvals: ReadonlyMap<string, TelegramApprovals>
  readonly #pacing: Pacing

  constructor(
    core: Core,
    channels: ReadonlyMap<string, { readonly config: AlertConfig; readonly channel: Channel }>,
    approvals: ReadonlyMap<string, TelegramApprovals>,
  ) {
    this.#approvals = approvals
    this.#core = core
    this.#channels = channels
    this.#pacing = new Pacing({
      store: core.store,
      now: core.now,
      release: (config, held) => {
        const covers = held.map(({ announcement }) => announcement.incident.id)
        const [only] = held
        const announcement =
          only && held.length === 1 && only.count === 1 ? only.announcement : digestOf(held, core.now())
        this.#add(config.name, announcement, covers)
      },
    })
  }

  /** Announces incidents on the channels whose filter lets them pass. */
  readonly reaction: Reaction = (change) => {
    const { type, incident } = change
    if (type === 'approval_requested') return this.#ask(incident, change.answer)
    if (type !== 'opened' && type !== 'raised' && type !== 'reopened' && type !== 'resolved') return
    for (const { config } of this.#channels.values())
      if (passes(config.filter, type, incident)) this.#announce(config, incident, `incident.${type}`)
  }

  notify(incident: Incident, name: string, event: string): void {
    const found = this.#channels.get(name)
    if (found) this.#announce(found.config, incident, event)
  }

  due(work: Work): Outcome {
    const { channel } = work.body as { readonly channel: string }
    return this.#pacing.due(work, this.#channels.get(channel)?.config)
  }

  async deliver(work: Work, signal: AbortSignal): Promise<Outcome> {
    const found = this.#channels.get(work.target)
    if (!found) return dead(`there is no alert channel ${work.target}`)
    const { recipient, announcement, question } = work.body as Alert
    try {
      await found.channel.send(
        { id: work.id, recipient, announcement, ...(question !== undefined && { question }) },
        signal,
      )
      return done(() => this.step('announced', work))
    } catch (error) {
      const reason = messageOf(error)
      const { retryable = true, retryAfterMs } = error instanceof AlertError ? error : {}
      if (!retryable) return dead(reason)
      if (retryAfterMs !== undefined)
        return this.#core.now() - uuidv7Time(work.id) > MAX_WAIT_MS
          ? dead(reason)
          : retry(reason, { after: retryAfterMs })
      return retry(reason)
    }
  }

  /** Records what became of an announcement, on each incident that it is about. */
  step(name: 'announced' | 'alert_failed', work: Work, error?: string): void {
    const { store, now } = this.#core
    for (const id of (work.body as Alert).covers) {
      const incident = store.get(id)
      if (incident)
        store.addStep(
          stepOf(name, now(), incident, {
            channel: work.target,
            attempts: work.attempt,
            ...(error !== undefined && { error }),
          }),
        )
    }
  }

  #announce(config: AlertConfig, incident: Incident, event: string): void {
    const announcement = announcementOf(event, incident, this.#core.now())
    // What is escalated was told before, and nobody came.
    if (event !== 'incident.escalated' && this.#pacing.hold(config, announcement)) return
    this.#add(config.name, announcement, [incident.id])
  }

  /** A question waits for nobody's morning: it expires. */
  #ask(incident: Incident, answer: Answer): void {
    const { now } = this.#core
    for (const { config } of this.#channels.values()) {
      if (!passes(config.filter, 'approval', incident)) continue
      const announcement: Announcement = {
        ...announcementOf('approval.requested', incident, now()),
        question: {
          id: answer.id,
          action: `${answer.action.type} ${subjectKey(answer.action)}`,
          by: answer.by,
          until: new Date(answer.ask_until ?? now()).toISOString(),
        },
      }
      this.#add(config.name, announcement, [incident.id], answer)
    }
  }

  #add(channel: string, announcement: Announcement, covers: readonly string[], asked?: Answer): void {
    const { store, now } = this.#core
    const [first] = covers
    if (first === undefined) return
    for (const recipient of this.#channels.get(channel)?.channel.recipients ?? []) {
      const question = asked && this.#approvals.get(channel)?.ask(asked, recipient)
      const body: Alert = { recipient, announcement, covers, ...(question !== undefined && { question }) }
      store.work.add({ incident: first, kind: ALERT_WORK, target: channel, body }, now())
    }
  }
}
