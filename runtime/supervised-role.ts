import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

import type { SupervisorConfig } from './config-sections.js'
import { messageOf, RuntimeError } from './errors.js'
import type { Logger } from './log.js'
import { parseRoleMessage } from './role-messages.js'
import type { RoleReport } from './role-messages.js'

export interface RoleSpec {
  readonly name: string
  /** Arguments of the command, e.g. `['gateway', '--data', './data']`. No secrets: everybody can read them. */
  readonly args: readonly string[]
}

export interface RoleHost {
  /** The module that is forked, with the role's arguments. */
  readonly entry: string
  readonly config: SupervisorConfig
  readonly log: Logger
  /** Environment of the roles; this process's own when left out. */
  readonly env?: NodeJS.ProcessEnv
  /** Told when a role ended without being told to, and when it serves again. */
  readonly report: (role: string, code: 'ROLE_ENDED' | 'ROLE_RESTARTED', message: string) => void
}

type State = 'stopped' | 'starting' | 'serving' | 'waiting' | 'stopping'

const REPORT_TIMEOUT_MS = 2000

/** One role and the process that it runs in, started again whenever that ends by itself. */
export class SupervisedRole {
  #state: State = 'stopped'
  #child: ChildProcess | undefined
  #info: Readonly<Record<string, unknown>> = {}
  #failures = 0
  #restart: NodeJS.Timeout | undefined
  #stable: NodeJS.Timeout | undefined
  #nextReport = 0
  readonly #reports = new Map<number, (report: RoleReport | undefined) => void>()

  constructor(
    readonly spec: RoleSpec,
    readonly host: RoleHost,
  ) {}

  get name(): string {
    return this.spec.name
  }

  get state(): State {
    return this.#state
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** What the role said when it became ready. */
  get info(): Readonly<Record<string, unknown>> {
    return this.#info
  }

  /**
   * Starts the role for the first time and resolves when it serves.
   *
   * @throws RuntimeError `ROLE_NOT_READY` with what the role said: a first start that fails is a mistake to mend, so it is
   *   not tried again
   */
  async start(): Promise<void> {
    await this.#launch()
    if (this.#state === 'starting') this.#serve()
  }

  /** From now on the end of its process is no surprise: it is not reported and the role is not started again. */
  expectEnd(): void {
    if (this.#state === 'serving') this.#state = 'stopping'
  }

  /** Stops the role: SIGTERM, and SIGKILL after the limit. Resolves when its process is gone. */
  async stop(): Promise<void> {
    this.#state = 'stopping'
    clearTimeout(this.#restart)
    clearTimeout(this.#stable)
    const child = this.#child
    if (child?.exitCode === null && child.signalCode === null) await this.#end(child)
    this.#child = undefined
    this.#state = 'stopped'
  }

  /** Asks the role for its state; undefined when it does not answer in time or does not run. */
  report(metrics: boolean): Promise<RoleReport | undefined> {
    const child = this.#child
    if (this.#state !== 'serving' || !child?.connected) return Promise.resolve(undefined)
    const id = ++this.#nextReport
    return new Promise((resolve) => {
      const settle = (report: RoleReport | undefined): void => {
        clearTimeout(timer)
        this.#reports.delete(id)
        resolve(report)
      }
      const timer = setTimeout(() => settle(undefined), REPORT_TIMEOUT_MS)
      this.#reports.set(id, settle)
      child.send({ type: 'report', id, metrics }, (error) => {
        if (error) settle(undefined)
      })
    })
  }

  /** Forks the process and resolves when it is ready. */
  #launch(): Promise<void> {
    const { entry, config, log, env } = this.host
    this.#state = 'starting'
    return new Promise((resolve, reject) => {
      // Data on standard output belongs to the supervisor; what a role says goes to standard error.
      const child = fork(entry, [...this.spec.args], {
        stdio: ['ignore', 2, 2, 'ipc'],
        ...(env && { env }),
      })
      this.#child = child
      let failure: string | undefined
      const timer = setTimeout(() => {
        failure = `it was not ready after ${config.ready_seconds} s`
        child.kill('SIGKILL')
      }, config.ready_seconds * 1000)
      child.on('message', (message) => {
        const said = parseRoleMessage(message)
        if (said?.type === 'ready') {
          clearTimeout(timer)
          this.#info = said.info
          resolve()
        } else if (said?.type === 'failed')
          failure = said.code === undefined ? said.message : `${said.code}: ${said.message}`
        else if (said?.type === 'report') this.#reports.get(said.id)?.(said)
      })
      child.once('error', (error) => {
        // The process could not be made, or could not be signalled; in the first case no `exit` follows.
        log.error({ child: this.name, err: messageOf(error) }, 'the process of a role failed')
        if (child.pid === undefined) {
          clearTimeout(timer)
          reject(
            new RuntimeError('ROLE_SPAWN', `cannot start ${this.name}: ${messageOf(error)}`, {
              cause: error,
            }),
          )
        }
      })
      child.once('exit', (code, signal) => {
        clearTimeout(timer)
        for (const settle of this.#reports.values()) settle(undefined)
        const how = failure ?? (signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`)
        if (this.#state === 'serving') this.#ended(how)
        else reject(new RuntimeError('ROLE_NOT_READY', `${this.name} did not start: ${how}`))
      })
    })
  }

  #serve(): void {
    this.#state = 'serving'
    this.#stable = setTimeout(() => (this.#failures = 0), this.host.config.stable_seconds * 1000)
    this.#stable.unref()
  }

  /** The process ended by itself: say so, wait, start it again, for as long as nobody stops the role. */
  #ended(how: string): void {
    const { config, log, report } = this.host
    clearTimeout(this.#stable)
    this.#state = 'waiting'
    const delay = Math.min(config.back_off_seconds * 2 ** this.#failures, config.max_back_off_seconds)
    this.#failures += 1
    log.error({ child: this.name, how, failures: this.#failures, restart_seconds: delay }, 'a role ended')
    report(this.name, 'ROLE_ENDED', `${this.name} ended: ${how}; it is started again in ${delay} s`)
    this.#restart = setTimeout(() => void this.#again(), delay * 1000)
  }

  async #again(): Promise<void> {
    try {
      await this.#launch()
      if (this.#state !== 'starting') return
      this.#serve()
      this.host.log.info({ child: this.name, ...this.#info }, 'a role serves again')
      this.host.report(this.name, 'ROLE_RESTARTED', `${this.name} serves again`)
    } catch (error) {
      if (this.#state === 'starting') this.#ended(messageOf(error))
    }
  }

  #end(child: ChildProcess): Promise<void> {
    const { config, log } = this.host
    return new Promise((resolve) => {
      const limit = setTimeout(() => {
        log.error(
          { child: this.name, stop_seconds: config.stop_seconds },
          'a role did not stop in time and is killed',
        )
        child.kill('SIGKILL')
      }, config.stop_seconds * 1000)
      child.once('exit', () => {
        clearTimeout(limit)
        resolve()
      })
      child.kill('SIGTERM')
    })
  }
}
