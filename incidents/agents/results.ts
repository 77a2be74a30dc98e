import type { Logger } from 'pino'
import type { Core } from '../core.js'
import { IncidentError } from '../errors.js'
import { equalSecrets, sha256 } from './bearer.js'
import { isFinished, runResult, type Run, type RunResult } from './run.js'
import type { Completion, Runs } from './runs.js'

export interface ResultsDeps {
  readonly core: Pick<Core, 'change' | 'now'>
  readonly life: Runs
  readonly log: Logger
}

/** Takes results in, from whoever may give them. */
export class Results {
  readonly #deps: ResultsDeps

  constructor(deps: ResultsDeps) {
    this.#deps = deps
  }

  /**
   * The run that a token is for.
   *
   * @throws IncidentError `UNAUTHORIZED`: for a run that does not exist just as for a wrong token
   */
  runOf(id: string, token: string | undefined): Run {
    const run = this.#deps.life.get(id)
    const digest = sha256(token ?? '')
    // Every one is compared, and with none there is still one comparison.
    const fits = (run?.tokens ?? ['']).filter((known) => equalSecrets(known, digest)).length > 0
    if (!run || !fits || token === undefined)
      throw new IncidentError('UNAUTHORIZED', 'this needs the bearer token of the run')
    return run
  }

  /**
   * Takes the result that came with a run's token. The first counts; the same again is answered the same.
   *
   * @throws IncidentError `BAD_REQUEST` for the result of another run, `CONFLICT` for a run that is over
   */
  async post(run: Run, result: RunResult): Promise<Completion> {
    if (result.run_id !== run.id)
      throw new IncidentError('BAD_REQUEST', 'run_id is not the one of the address')
    if (!isFinished(run.state) && this.#isLate(run))
      throw new IncidentError('CONFLICT', 'the deadline of the run has passed')
    const completion = await this.#complete(run.id, result)
    if (completion === 'over') throw new IncidentError('CONFLICT', 'the run has its result already')
    return completion
  }

  /**
   * Takes what an agent says over a connection that is known to be its own. Nothing is thrown: what cannot be taken is logged,
   * and what is no result ends the run as failed.
   */
  async hear(agent: string, given: { readonly run_id: string }): Promise<void> {
    const { life, log } = this.#deps
    const run = life.get(given.run_id)
    if (run?.agent !== agent || run.deadline === undefined || this.#isLate(run)) {
      log.warn({ agent, run: given.run_id.slice(0, 64) }, 'a result for no run that the agent has is ignored')
      return
    }
    const parsed = runResult.safeParse(given)
    const result: RunResult = parsed.success
      ? parsed.data
      : { run_id: run.id, status: 'failed', summary: 'the answer is no result', proposed_actions: [] }
    const completion = await this.#complete(run.id, result)
    if (completion === 'over') log.warn({ agent, run: run.id }, 'a second result of a run is ignored')
  }

  #complete(id: string, result: RunResult): Promise<Completion> {
    const { core, life } = this.#deps
    return core.change(() => life.complete(id, result))
  }

  #isLate({ deadline }: Run): boolean {
    return deadline !== undefined && this.#deps.core.now() > deadline
  }
}
