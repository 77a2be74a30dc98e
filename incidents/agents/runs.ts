import { createHash, randomBytes } from 'node:crypto'
import { shorten } from '../../runtime/text.js'
import { uuidv7 } from '../../runtime/uuid.js'
import type { Lifecycle } from '../lifecycle.js'
import { stepOf } from '../step.js'
import type { IncidentStore } from '../store.js'
import { sha256 } from './bearer.js'
import type { AgentConfig } from './config.js'
import { AgentError } from './errors.js'
import { isFinished, type Run, type RunResult } from './run.js'
import type { RunStore } from './run-store.js'

/** Work of the queue that runs make. */
export const DISPATCH_WORK = 'agent.dispatch'
export const DEADLINE_WORK = 'agent.deadline'
export const POLL_WORK = 'agent.poll'
export const FINISH_WORK = 'agent.finish'

/** Tokens of one run that are good at a time: each handing over makes one, and an earlier one may have arrived after all. */
const MAX_TOKENS = 16

export interface RunsDeps {
  readonly store: IncidentStore
  readonly runs: RunStore
  readonly lifecycle: Lifecycle
  readonly agents: ReadonlyMap<string, AgentConfig>
  /** Whether an agent wants to be told that a run is over. */
  readonly wantsFinish: (agent: string) => boolean
  /** Told, inside the transaction, that an agent has a place again. */
  readonly freed: (agent: string) => void
  readonly now: () => number
}

/** What became of a result. */
export type Completion = 'recorded' | 'repeated' | 'over'

/** The life of runs. Every method must run inside a transaction of the incident store. */
export class Runs {
  readonly #deps: RunsDeps

  constructor(deps: RunsDeps) {
    this.#deps = deps
  }

  get(id: string): Run | undefined {
    return this.#deps.runs.get(id)
  }

  /**
   * Asks an agent to look at an incident. While it has an unfinished run of this incident, that one stands for the new request
   * too.
   *
   * @param by e.g. `playbook:NAME`
   * @throws AgentError `AGENT_UNKNOWN`, `AGENT_DISABLED`
   */
  request(incident: string, agent: string, by: string): Run {
    const config = this.#deps.agents.get(agent)
    if (!config)
      throw new AgentError('AGENT_UNKNOWN', `there is no agent ${JSON.stringify(shorten(agent, 100))}`)
    if (!config.enabled) throw new AgentError('AGENT_DISABLED', `the agent ${agent} is disabled`)
    return this.#deps.runs.openOf(incident, agent) ?? this.#queue({ incident, agent, by, attempt: 1 })
  }

  /**
   * Takes a place at the agent for a run and makes a token for it.
   *
   * @param resumed whether it may have been handed over before: then it keeps its place and its deadline
   * @returns undefined when the agent has no place
   */
  begin(run: Run, resumed: boolean): { readonly run: Run; readonly token: string } | undefined {
    const { runs, agents, now } = this.#deps
    const config = agents.get(run.agent)
    if (!config) throw new AgentError('AGENT_UNKNOWN', `there is no agent ${run.agent} any more`)
    if (run.state === 'queued' && runs.busy(run.agent) >= config.max_concurrent) return undefined
    const token = randomBytes(32).toString('base64url')
    const begun: Run = {
      ...run,
      state: 'processing',
      deadline:
        resumed && run.deadline !== undefined && run.deadline > now()
          ? run.deadline
          : now() + config.deadline_seconds * 1000,
      tokens: [...run.tokens, sha256(token)].slice(-MAX_TOKENS),
    }
    runs.put(begun)
    return { run: begun, token }
  }

  /**
   * Takes note that a run was not handed over.
   *
   * @param how `busy` and `untouched` give its place back: it is certain that the agent has nothing
   * @returns the failures so far
   */
  notHandedOver(id: string, how: 'busy' | 'untouched' | 'unknown'): number {
    const run = this.#unfinished(id)
    if (!run) return 0
    const failures = run.failures + (how === 'busy' ? 0 : 1)
    this.#deps.runs.put({ ...run, failures, state: how === 'unknown' ? run.state : 'queued' })
    return failures
  }

  /** The agent has the run. @param pollAfter milliseconds until it is asked for the result, where it must be asked */
  accepted(id: string, external: string | undefined, pollAfter: number | undefined): void {
    const { store, runs, now } = this.#deps
    const run = this.#unfinished(id)
    // The result may have been here before the answer to the handing over was.
    if (!run) return
    const deadline = run.deadline ?? now()
    const timers = [
      { kind: DEADLINE_WORK, due: deadline },
      ...(pollAfter === undefined ? [] : [{ kind: POLL_WORK, due: now() + pollAfter }]),
    ].map(
      ({ kind, due }) =>
        // A target of its own: nothing else waits behind a timer.
        store.work.add(
          { incident: run.incident, kind, target: `${kind} ${id}`, body: { run: id }, due },
          now(),
        ).id,
    )
    runs.put({
      ...this.#dispatched(run),
      state: 'awaiting',
      work: [...run.work, ...timers],
      ...(external === undefined ? {} : { external: shorten(external, 200) }),
    })
  }

  /** Sets the next look for a result. */
  pollAgain(id: string, after: number): void {
    const { store, runs, now } = this.#deps
    const run = this.#unfinished(id)
    if (!run) return
    const { incident } = run
    const target = `${POLL_WORK} ${id}`
    const body = { run: id }
    const poll = store.work.add({ incident, kind: POLL_WORK, target, body, due: now() + after }, now())
    // The timers of earlier looks are done.
    runs.put({ ...run, work: [...run.work.slice(0, 2), poll.id] })
  }

  /**
   * Takes the result of a run, by whichever way it came; only the first counts.
   *
   * @param again whether a failure may be followed by another attempt; not when nothing would be different then
   */
  complete(id: string, result: RunResult, again = true): Completion {
    const { store, runs, now, wantsFinish, agents, freed } = this.#deps
    const before = runs.get(id)
    if (!before) throw new AgentError('RUN_UNKNOWN', `there is no run ${shorten(id, 100)}`)
    if (isFinished(before.state))
      return JSON.stringify(before.result) === JSON.stringify(result) ? 'repeated' : 'over'
    const run: Run = { ...this.#dispatched(before), state: result.status, result, finished: now(), work: [] }
    runs.put(run)
    for (const work of before.work) store.work.remove(work)
    const { incident, agent, attempt } = run
    // Before a next attempt is handed over, which is behind it in the same order.
    if (wantsFinish(agent))
      store.work.add({ incident, kind: FINISH_WORK, target: agent, body: { run: id } }, now())
    this.#step('result', run, { out: { alg: 'sha256', hash: digestOf(result) } }, result.summary)
    freed(agent)
    if (result.status === 'failed' && again && attempt < (agents.get(agent)?.max_attempts ?? 1)) {
      const { by } = run
      this.#queue({ incident, agent, by, attempt: attempt + 1, previous: id })
      return 'recorded'
    }
    if (result.status !== 'success') this.#step('escalated', run, { reason: reasonOf(run) })
    this.#ended(run)
    return 'recorded'
  }

  /** The next run that waits for a place at an agent need not wait for its next look. @returns its work */
  nextInLine(agent: string): string | undefined {
    const { store, runs, now } = this.#deps
    for (const { state, work } of runs.open(agent)) {
      const [dispatch] = work
      const waiting = dispatch === undefined ? undefined : store.work.get(dispatch)
      if (state !== 'queued' || waiting?.state !== 'waiting' || waiting.due <= now()) continue
      store.work.put({ ...waiting, due: now() })
      return waiting.id
    }
    return undefined
  }

  #ended(run: Run): void {
    const { store, lifecycle } = this.#deps
    const { id, agent, result } = run
    const incident = store.get(run.incident)
    if (!incident || !result) return
    lifecycle.react({
      type: 'run_completed',
      incident,
      by: { name: `agent:${agent}` },
      run: id,
      agent,
      status: result.status,
      summary: result.summary,
    })
  }

  #queue(asked: Pick<Run, 'incident' | 'agent' | 'by' | 'attempt' | 'previous'>): Run {
    const { store, runs, now } = this.#deps
    const id = uuidv7(now())
    const { incident, agent } = asked
    const work = store.work.add({ incident, kind: DISPATCH_WORK, target: agent, body: { run: id } }, now())
    const run: Run = {
      ...asked,
      id,
      state: 'queued',
      created: now(),
      tokens: [],
      failures: 0,
      dispatched: false,
      work: [work.id],
    }
    runs.put(run)
    return run
  }

  #unfinished(id: string): Run | undefined {
    const run = this.#deps.runs.get(id)
    return run && !isFinished(run.state) ? run : undefined
  }

  #dispatched(run: Run): Run {
    if (run.dispatched) return run
    this.#step('dispatched', run, { by: run.by })
    return { ...run, dispatched: true }
  }

  #step(
    name: 'dispatched' | 'result' | 'escalated',
    run: Run,
    more: Parameters<typeof stepOf>[3],
    text?: string,
  ): void {
    const { store, now } = this.#deps
    const incident = store.get(run.incident)
    if (!incident) return
    const { id, agent, attempt, result } = run
    const facts = { run: { id, agent, attempt, ...(result && { status: result.status }) }, ...more }
    store.addStep(stepOf(name, now(), incident, facts), text)
  }
}

const reasonOf = ({ agent, attempt, result }: Run): string =>
  result?.status === 'timeout'
    ? `the agent ${agent} gave no result in time`
    : `the agent ${agent} failed at attempt ${attempt}`

/** SHA-256 of the JSON of a result, with its members in the order of the schema. */
const digestOf = (result: RunResult): string =>
  createHash('sha256').update(JSON.stringify(result)).digest('hex')
