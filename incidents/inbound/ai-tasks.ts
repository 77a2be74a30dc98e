import type { Database } from 'lmdb'
import { readSecret } from '../../runtime/secret.js'
import { endTask, progressTask } from '../agents/connectors/openpr.js'
import { AgentError } from '../agents/errors.js'
import { AgentHttp } from '../agents/http.js'
import { isFinished } from '../agents/run.js'
import type { Runs } from '../agents/runs.js'
import type { Reaction } from '../change.js'
import type { Core } from '../core.js'
import type { WorkQueue } from '../work/queue.js'
import { dead, done, retry, type Attempt, type Outcome, type Work } from '../work/work.js'

export const TASK_WORK = 'tracker.task'
/** Telling OpenPR is given up after so many failures, about an hour; the incident does not depend on it. */
const MAX_ATTEMPTS = 12

/** An AI task of OpenPR that a run of ours answers. */
interface AiTask {
  readonly tracker: string
  readonly bot: string
  readonly task: string
}

/** What OpenPR is told of a task; its end is that of the run. */
type TaskBody = AiTask & { readonly run: string; readonly tell: 'progress' | 'end' }

/**
 * Tells OpenPR what becomes of the AI tasks that our agents work on. Only the bot itself may, so its token has to be
 * configured; the task of another bot is worked on all the same, and stays there as it is.
 */
export class AiTasks {
  readonly #core: Core
  readonly #runs: Pick<Runs, 'get'>
  /** By tracker and bot. */
  readonly #https: ReadonlyMap<string, AgentHttp>
  /** Run to the tasks that it answers; a run that failed and is followed by another hands them on. */
  readonly #tasks: Database<readonly AiTask[], string>

  private constructor(core: Core, runs: Pick<Runs, 'get'>, https: ReadonlyMap<string, AgentHttp>) {
    this.#core = core
    this.#runs = runs
    this.#https = https
    this.#tasks = core.store.table('ai-tasks')
  }

  /** @throws RuntimeError `SECRET_MISSING` and the like, `OUTBOUND_REFUSED` */
  static async open(core: Core, runs: Pick<Runs, 'get'>): Promise<AiTasks> {
    const { trackers, outbound } = core.settings
    const https = new Map<string, AgentHttp>()
    for (const tracker of trackers) {
      if (tracker.type !== 'openpr') continue
      const { name, base_url: url, timeout_seconds } = tracker
      for (const bot of tracker.bots) {
        const token = await readSecret(bot.token)
        const timeoutMs = timeout_seconds * 1000
        https.set(keyOf(name, bot.id), new AgentHttp({ id: name, url, token, timeoutMs, outbound }))
      }
    }
    return new AiTasks(core, runs, https)
  }

  /** A run answers a task from now on. Must run inside a transaction of the store. @returns whether OpenPR is told of it */
  link(task: AiTask, run: string): boolean {
    if (!this.#https.has(keyOf(task.tracker, task.bot))) return false
    const found = this.#runs.get(run)
    if (!found) return false
    this.#tell(found.incident, { ...task, run, tell: 'progress' })
    if (isFinished(found.state)) this.#tell(found.incident, { ...task, run, tell: 'end' })
    else {
      const known = this.#tasks.get(run) ?? []
      if (!known.some((one) => one.task === task.task)) this.#tasks.putSync(run, [...known, task])
    }
    return true
  }

  /** The end of a run is the end of the tasks that it, or one that it followed, answers. */
  readonly reaction: Reaction = (change) => {
    if (change.type !== 'run_completed') return
    for (let id: string | undefined = change.run; id !== undefined; id = this.#runs.get(id)?.previous) {
      for (const task of this.#tasks.get(id) ?? [])
        this.#tell(change.incident.id, { ...task, run: change.run, tell: 'end' })
      this.#tasks.removeSync(id)
    }
  }

  register(queue: WorkQueue): void {
    queue.register(TASK_WORK, (work, attempt) => this.#do(work, attempt), { maxAttempts: MAX_ATTEMPTS })
  }

  async close(): Promise<void> {
    await Promise.all([...this.#https.values()].map((http) => http.close()))
  }

  #tell(incident: string, body: TaskBody): void {
    const { store, now } = this.#core
    store.work.add({ incident, kind: TASK_WORK, target: body.tracker, body }, now())
  }

  async #do(work: Work, { signal }: Attempt): Promise<Outcome> {
    const { tracker, bot, task, run: id, tell } = work.body as TaskBody
    const http = this.#https.get(keyOf(tracker, bot))
    const run = this.#runs.get(id)
    if (!http || !run) return dead(`there is no token of the bot ${bot} of ${tracker} any more`)
    try {
      if (tell === 'progress') await progressTask(http, task, `Portcullis run ${id} by ${run.agent}`, signal)
      else if (run.result) await endTask(http, task, run.result, signal)
      return done()
    } catch (error) {
      // Told twice it changes nothing, so that nothing has to be looked for.
      if (!(error instanceof AgentError)) throw error
      return error.retryable ? retry(error.message, { untouched: true }) : dead(error.message)
    }
  }
}

const keyOf = (tracker: string, bot: string): string => `${tracker} ${bot.toLowerCase()}`
