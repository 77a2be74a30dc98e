import type { Database } from 'lmdb'
import { readSecret } from '../../runtime/secret.js'
import { shorten } from '../../runtime/text.js'
import { AgentError } from '../agents/errors.js'
import type { Run } from '../agents/run.js'
import type { Runs } from '../agents/runs.js'
import type { Actor } from '../change.js'
import type { Core } from '../core.js'
import { isOver } from '../incident.js'
import type { IncidentState } from '../incident.js'
import { MAX_COMMENT } from '../lifecycle.js'
import type { TrackerConfig } from '../trackers/config.js'
import type { Trackers } from '../trackers/trackers.js'
import type { AiTasks } from './ai-tasks.js'
import { WebhookError } from './errors.js'
import { githubParser } from './github-event.js'
import { headerOf, type BotTask, type Notice, type NoticeParser, type WebhookHeaders } from './notice.js'
import { openprParser } from './openpr-event.js'
import { plainParser } from './plain-event.js'
import { Replays } from './replays.js'
import { agentFor, type Candidate } from './routing.js'
import { isSigned } from './signature.js'

/** Bytes of a webhook's body at most; the server refuses a longer one with 413. */
export const MAX_WEBHOOK_BYTES = 1024 * 1024

/** What is answered with 200. The three for bot tasks are those of openpr-webhook. */
export type WebhookAnswer =
  | { readonly status: 'applied'; readonly incident: string }
  | { readonly status: 'ignored'; readonly reason: string }
  | { readonly status: 'dispatched'; readonly agent: string; readonly result: string }
  | { readonly status: 'no_agent'; readonly bot_name: string }

export interface WebhooksDeps {
  readonly core: Core
  readonly trackers: Trackers
  readonly agents: readonly Candidate[]
  readonly runs: Pick<Runs, 'request' | 'get'>
}

/** One that tells no time of its own is known again for as long, in milliseconds. */
const UNDATED_MEMORY = 365 * 86_400_000

interface Receiver {
  readonly config: TrackerConfig
  readonly secrets: readonly string[]
  readonly header: string
  readonly parse: NoticeParser
}

/**
 * What trackers tell us: states and comments flow back to incidents, tasks for bots go to agents. A webhook is believed when
 * its raw body is signed, its signed time is near ours and it was not here before; all of that is decided, remembered and
 * acted on in one transaction.
 */
export class Webhooks {
  readonly #deps: WebhooksDeps
  readonly #receivers: ReadonlyMap<string, Receiver>
  readonly #replays: Replays
  readonly #tasks: AiTasks
  /** Issue to the time of the state that was last taken from it: webhooks overtake each other. */
  readonly #states: Database<number, string>
  readonly #counts = new Map<string, number>()

  private constructor(deps: WebhooksDeps, receivers: ReadonlyMap<string, Receiver>, tasks: AiTasks) {
    this.#deps = deps
    this.#tasks = tasks
    this.#receivers = receivers
    this.#replays = new Replays(deps.core.store)
    this.#states = deps.core.store.table('webhooks-states')
  }

  /** @throws RuntimeError `SECRET_MISSING` and the like */
  static async open(deps: WebhooksDeps, tasks: AiTasks): Promise<Webhooks> {
    const receivers = new Map<string, Receiver>()
    for (const config of deps.core.settings.trackers) {
      const secrets: string[] = []
      for (const reference of config.webhook_secrets) secrets.push(await readSecret(reference))
      if (secrets.length > 0) receivers.set(config.name, { config, secrets, ...reading(config) })
    }
    return new Webhooks(deps, receivers, tasks)
  }

  /** Webhooks so far by tracker and outcome, since the start. */
  get counts(): readonly { readonly tracker: string; readonly outcome: string; readonly count: number }[] {
    return [...this.#counts].map(([key, count]) => {
      const [tracker = '', outcome = ''] = key.split(' ')
      return { tracker, outcome, count }
    })
  }

  /**
   * Takes a webhook in. The answer is given when what follows is durable.
   * @param raw the body exactly as it came, at most `MAX_WEBHOOK_BYTES`
   * @throws WebhookError
   */
  async receive(tracker: string, headers: WebhookHeaders, raw: Uint8Array): Promise<WebhookAnswer> {
    const receiver = this.#receivers.get(tracker)
    // Only names that are configured are counted, or anybody could fill the memory.
    if (!receiver) throw new WebhookError('WEBHOOK_UNKNOWN', 'no tracker of this name takes webhooks')
    try {
      const answer = await this.#take(receiver, headers, raw)
      this.#count(tracker, answer.status)
      if ('reason' in answer && answer.reason === 'unknown_event') this.#count(tracker, 'unknown_event')
      return answer
    } catch (error) {
      this.#count(tracker, error instanceof WebhookError ? error.code.toLowerCase() : 'failed')
      throw error
    }
  }

  async #take(
    { config, ...receiver }: Receiver,
    headers: WebhookHeaders,
    raw: Uint8Array,
  ): Promise<WebhookAnswer> {
    const { core } = this.#deps
    const { now, log } = core
    const signature = headerOf(headers, receiver.header) ?? headerOf(headers, 'x-openpr-signature')
    if (!isSigned(raw, signature, receiver.secrets))
      throw new WebhookError('WEBHOOK_UNSIGNED', `the signature in ${receiver.header} is missing or wrong`)
    const notice = receiver.parse(parseJson(raw), raw, headers)
    // One that says neither when nor what to do has no effect that could be repeated.
    if (notice.time === undefined && !notice.task)
      return ignored(notice.unknown ? 'unknown_event' : 'not_bot_task')
    const maxAge = config.webhook_max_age_seconds * 1000
    if (notice.time !== undefined && Math.abs(now() - notice.time) > maxAge)
      throw new WebhookError(
        'WEBHOOK_STALE',
        `its time differs from ours by more than ${config.webhook_max_age_seconds} s`,
      )
    const answer = await core.change(() => {
      const known = notice.time === undefined ? now() + UNDATED_MEMORY : notice.time + maxAge
      if (!this.#replays.isNew(config.name, notice.id, known, now()))
        throw new WebhookError('WEBHOOK_REPLAYED', 'this webhook was here before')
      return this.#apply(config.name, notice, (notice.time ?? now()) + maxAge)
    })
    log.info({ tracker: config.name, event: notice.event, webhook: notice.id, ...answer }, 'webhook taken in')
    return answer
  }

  #apply(tracker: string, notice: Notice, until: number): WebhookAnswer {
    if (notice.unknown) return ignored('unknown_event')
    const { trackers, core } = this.#deps
    const ours = trackers.isOurs(tracker, notice.actor.id)
    const incident = notice.issue && trackers.incidentOf(tracker, notice.issue.id, notice.issue.text)
    // Whom we gave the issue to ourselves is to work on it; whom our own comment names is not.
    const { task } = notice
    if (task?.ai_task !== undefined)
      return this.#aiTask(tracker, incident, { ...task, ai_task: task.ai_task }, until)
    if (task && !(ours && notice.change)) {
      if (incident === undefined) return ignored('no_incident')
      if (!this.#replays.isNew(tracker, task.cause, until, core.now())) return ignored('known_task')
      if (notice.change && !ours) this.#change(tracker, incident, notice)
      return this.#dispatch(tracker, incident, task)
    }
    if (ours) return ignored('own_change')
    if (!notice.change) return ignored('not_bot_task')
    if (incident === undefined) return ignored('no_incident')
    return this.#change(tracker, incident, notice)
  }

  #dispatch(tracker: string, incident: string, task: BotTask): WebhookAnswer {
    const agent = agentFor(task, this.#deps.agents)
    if (!agent) return { status: 'no_agent', bot_name: task.bot_name }
    const run = this.#request(incident, agent.id, tracker)
    // As with openpr-webhook a task that could not be handed on is answered with what stood in the way.
    if (typeof run === 'string') return { status: 'dispatched', agent: agent.id, result: run }
    this.#replays.note(tracker, task.cause, run.id)
    return { status: 'dispatched', agent: agent.id, result: stateOf(run) }
  }

  /** One that is refused counts as failed there and then, where nobody would ever say so otherwise. */
  #aiTask(
    tracker: string,
    incident: string | undefined,
    task: BotTask & { readonly ai_task: string },
    until: number,
  ): WebhookAnswer {
    const refuse = (reason: string): WebhookError => new WebhookError('WEBHOOK_NO_TAKER', reason)
    if (incident === undefined) throw refuse('the task is about no issue of an incident')
    const agent = agentFor(task, this.#deps.agents)
    if (!agent) throw refuse(`no agent stands for the bot ${shorten(task.bot_name, 100)}`)
    // The event of the same assignment may have asked for the run already.
    const noted = this.#replays.noted(tracker, task.cause)
    const run =
      (noted === undefined ? undefined : this.#deps.runs.get(noted)) ??
      this.#request(incident, agent.id, tracker)
    if (typeof run === 'string') throw refuse(run)
    this.#replays.isNew(tracker, task.cause, until, this.#deps.core.now())
    this.#replays.note(tracker, task.cause, run.id)
    if (!this.#tasks.link({ tracker, bot: task.bot_id, task: task.ai_task }, run.id))
      this.#deps.core.log.warn(
        { tracker, bot: task.bot_id },
        'OpenPR is not told how an AI task ends: the bot is not in `bots` of the tracker',
      )
    return { status: 'dispatched', agent: agent.id, result: stateOf(run) }
  }

  /** @returns the run, or why there is none */
  #request(incident: string, agent: string, tracker: string): Run | string {
    try {
      return this.#deps.runs.request(incident, agent, `tracker:${tracker}`)
    } catch (error) {
      if (error instanceof AgentError) return error.message
      throw error
    }
  }

  #change(tracker: string, id: string, { change, actor, issue, time }: Notice): WebhookAnswer {
    const { store, lifecycle } = this.#deps.core
    if (!store.get(id) || !change) return ignored('no_incident')
    const by: Actor = { name: shorten(`tracker:${tracker}:${actor.name || actor.id}`, 200), tracker }
    if (change.type === 'comment') {
      const text = shorten(change.text, MAX_COMMENT)
      if (text.trim() === '') return ignored('empty')
      lifecycle.comment(id, text, by)
      return { status: 'applied', incident: id }
    }
    if (change.type === 'deleted') {
      lifecycle.comment(id, `The issue was deleted in ${tracker}.`, by)
      return { status: 'applied', incident: id }
    }
    const key = JSON.stringify([tracker, issue?.id])
    if (time === undefined || time < (this.#states.get(key) ?? 0)) return ignored('superseded')
    this.#states.putSync(key, time)
    return this.#move(id, change.state, by) ? { status: 'applied', incident: id } : ignored('same_state')
  }

  /** Leads an incident to a state by the transitions that there are. @returns whether it moved */
  #move(id: string, to: IncidentState, by: Actor): boolean {
    const { lifecycle } = this.#deps.core
    const { state } = lifecycle.get(id)
    const over = isOver({ state })
    if (over && isOver({ state: to })) return false
    if (over) lifecycle.setState(id, 'open', by)
    if (to === 'open') {
      // An issue that goes back to the beginning takes nobody's look at the incident away.
      if (state === 'in_progress') lifecycle.setState(id, 'triaged', by)
      return over || state === 'in_progress'
    }
    if (state === to) return false
    lifecycle.setState(id, to, by)
    return true
  }

  #count(tracker: string, outcome: string): void {
    const key = `${tracker} ${outcome}`
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
  }
}

function reading(config: TrackerConfig): Pick<Receiver, 'header' | 'parse'> {
  switch (config.type) {
    case 'openpr':
      return { header: 'x-webhook-signature', parse: openprParser(config) }
    case 'github':
      return { header: 'x-hub-signature-256', parse: githubParser(config) }
    case 'teamboard':
    case 'http':
      return { header: 'x-webhook-signature', parse: plainParser(config) }
  }
}

const stateOf = ({ id, state }: Run): string => `run ${id} is ${state}`

const ignored = (reason: string): WebhookAnswer => ({ status: 'ignored', reason })

function parseJson(raw: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw)) as unknown
  } catch (cause) {
    throw new WebhookError('WEBHOOK_MALFORMED', 'the body is not JSON in UTF-8', { cause })
  }
}
