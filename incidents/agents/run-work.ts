import type { Logger } from 'pino'
import { messageOf } from '../../runtime/errors.js'
import { shorten } from '../../runtime/text.js'
import type { IncidentStore } from '../store.js'
import type { WorkQueue } from '../work/queue.js'
import { backOff, done, retry, type Attempt, type Outcome, type Work } from '../work/work.js'
import type { Agent } from './agent.js'
import { AgentError } from './errors.js'
import { dataOf, instructionsFor } from './prompt.js'
import { isFinished, type Run, type RunResult } from './run.js'
import type { RunStore } from './run-store.js'
import { DEADLINE_WORK, DISPATCH_WORK, FINISH_WORK, POLL_WORK, type Runs } from './runs.js'

/** A run that finds no place is looked at this often, beside each time that a place becomes free. */
const NO_PLACE_MS = 30_000
/** Handing over is given up after so many failures, about an hour. */
const MAX_FAILURES = 12
/** A run waits for a place for as many of its deadlines. */
const PATIENCE = 4
/** A command agent works as long as its deadline allows; connectors have time limits of their own. */
const LONGEST_MS = 25 * 3_600_000

export interface RunWorkDeps {
  readonly store: IncidentStore
  readonly runs: RunStore
  readonly life: Runs
  readonly agents: ReadonlyMap<string, Agent>
  /** Names of actions that agents may propose. */
  readonly actions: readonly string[]
  /** `incidents.public_url`. */
  readonly publicUrl: () => string
  /** Milliseconds that an agent has for a result. */
  readonly deadlineMs: (agent: string) => number
  /** Milliseconds between two looks for a result, by agent. */
  readonly pollMs: (agent: string) => number
  readonly now: () => number
  readonly log: Logger
}

/** Does the work that runs make: hands them over, looks for results, minds deadlines, tells the agents' side of their end. */
export class RunWork {
  readonly #deps: RunWorkDeps

  constructor(deps: RunWorkDeps) {
    this.#deps = deps
  }

  register(queue: WorkQueue): void {
    const { life } = this.#deps
    queue.register(DISPATCH_WORK, (work, attempt) => this.#dispatch(work, attempt), {
      concurrency: 100,
      timeoutMs: LONGEST_MS,
      buried: (work, reason) => {
        const run = this.#runOf(work)
        if (run && !isFinished(run.state))
          life.complete(run.id, failure(run, `it could not be handed over: ${reason}`), false)
      },
    })
    queue.register(DEADLINE_WORK, async (work) =>
      done(() => {
        const run = this.#runOf(work)
        if (run && !isFinished(run.state))
          life.complete(run.id, failure(run, 'no result by the deadline', 'timeout'))
      }),
    )
    queue.register(POLL_WORK, (work, attempt) => this.#poll(work, attempt))
    queue.register(FINISH_WORK, (work, attempt) => this.#finish(work, attempt), {
      maxAttempts: MAX_FAILURES,
      buried: (work, reason) => {
        // The incident does not depend on it: the agent's side counts a run that is over as running.
        this.#deps.log.error(
          { agent: work.target, reason },
          'an agent could not be told that its run is over',
        )
      },
    })
  }

  async #dispatch(work: Work, { signal, resumed }: Attempt): Promise<Outcome> {
    const { store, life, agents, actions, publicUrl } = this.#deps
    const found = this.#runOf(work)
    if (!found || isFinished(found.state)) return done()
    const incident = store.get(found.incident)
    const agent = agents.get(found.agent)
    if (!incident || !agent) return this.#failed(found, 'there is no such agent any more')
    const begun = await store.transaction(() => {
      const run = this.#runOf(work)
      return run && !isFinished(run.state) ? life.begin(run, resumed) : undefined
    })
    if (!begun) return this.#wait(found, 'the agent has no place', NO_PLACE_MS, resumed)
    const { run, token } = begun
    try {
      const dispatched = await agent.dispatch(
        {
          run: run.id,
          incident: incident.id,
          attempt: run.attempt,
          deadline: run.deadline ?? 0,
          result_url: resultUrl(publicUrl(), run.id),
          result_token: token,
          instructions: instructionsFor(actions),
          data: dataOf(incident),
          issues: incident.issues,
          resumed,
        },
        signal,
      )
      switch (dispatched.kind) {
        case 'accepted':
          return done(() =>
            life.accepted(run.id, dispatched.external, agent.poll ? this.#deps.pollMs(agent.id) : undefined),
          )
        case 'completed':
          return done(() => void life.complete(run.id, dispatched.result))
        case 'busy':
          await store.transaction(() => life.notHandedOver(run.id, 'busy'))
          return this.#wait(run, dispatched.reason, dispatched.retry_after_ms, resumed)
      }
    } catch (error) {
      if (!(error instanceof AgentError)) throw error
      if (!error.retryable) return this.#failed(run, error.message)
      const how = error.ambiguous || resumed ? 'unknown' : 'untouched'
      const failures = await store.transaction(() => life.notHandedOver(run.id, how))
      if (failures >= MAX_FAILURES) return this.#failed(run, `it could not be handed over: ${error.message}`)
      return retry(error.message, { after: backOff(failures, Math.random()), untouched: !error.ambiguous })
    }
  }

  #wait(run: Run, reason: string, after: number, resumed: boolean): Outcome {
    const { now, deadlineMs } = this.#deps
    return now() - run.created > PATIENCE * deadlineMs(run.agent)
      ? this.#failed(run, `it found no place in time: ${reason}`)
      : retry(reason, { after, untouched: !resumed })
  }

  #failed(run: Run, reason: string): Outcome {
    return done(() => void this.#deps.life.complete(run.id, failure(run, reason), false))
  }

  async #poll(work: Work, { signal }: Attempt): Promise<Outcome> {
    const { life, agents, pollMs, log } = this.#deps
    const run = this.#runOf(work)
    const agent = run && agents.get(run.agent)
    if (!run || isFinished(run.state) || !agent?.poll) return done()
    try {
      const result = await agent.poll(external(run), signal)
      if (result) return done(() => void life.complete(run.id, result))
    } catch (error) {
      // The next look may do better, and the deadline ends it.
      log.warn({ agent: agent.id, run: run.id, reason: messageOf(error) }, 'no look at the result of a run')
    }
    return done(() => life.pollAgain(run.id, pollMs(agent.id)))
  }

  async #finish(work: Work, { signal }: Attempt): Promise<Outcome> {
    const run = this.#runOf(work)
    const agent = run && this.#deps.agents.get(run.agent)
    if (!run?.result || !agent?.finish) return done()
    try {
      await agent.finish(external(run), run.result, signal)
    } catch (error) {
      if (!(error instanceof AgentError)) throw error
      if (error.retryable) return retry(error.message, { untouched: !error.ambiguous })
      this.#deps.log.warn(
        { agent: agent.id, run: run.id, reason: error.message },
        'an agent refused to hear that its run is over',
      )
    }
    return done()
  }

  #runOf({ body }: Work): Run | undefined {
    const id = typeof body === 'object' && body !== null && 'run' in body ? body.run : undefined
    return typeof id === 'string' ? this.#deps.runs.get(id) : undefined
  }
}

/** Where the result of a run is posted to. */
export const resultUrl = (publicUrl: string, run: string): string =>
  `${publicUrl}/v1/agent-runs/${run}/result`

const external = ({ id, external: name }: Run) => ({ id, ...(name === undefined ? {} : { external: name }) })

const failure = (run: Run, summary: string, status: 'failed' | 'timeout' = 'failed'): RunResult => ({
  run_id: run.id,
  status,
  summary: shorten(summary, 1000),
  proposed_actions: [],
})
