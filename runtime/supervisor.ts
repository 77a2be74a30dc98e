import { mergeExposition } from './telemetry/merge-exposition.js'
import { SupervisedRole } from './supervised-role.js'
import type { RoleHost, RoleSpec } from './supervised-role.js'

export type { RoleHost, RoleSpec } from './supervised-role.js'

/**
 * Runs roles as child processes. They are started in the order given, each once the one before serves, and stopped in the
 * reverse order; a role that ends by itself is started again without touching the others.
 */
export class Supervisor {
  readonly roles: readonly SupervisedRole[]
  #stopping = false

  constructor(specs: readonly RoleSpec[], host: RoleHost) {
    this.roles = specs.map((spec) => new SupervisedRole(spec, host))
  }

  /**
   * Resolves when all roles serve.
   *
   * @throws RuntimeError `ROLE_NOT_READY`, `ROLE_SPAWN` when one does not come up; those that did are stopped first
   */
  async start(): Promise<void> {
    try {
      for (const role of this.roles) {
        if (this.#stopping) return
        await role.start()
      }
    } catch (error) {
      if (this.#stopping) return
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true
    // A signal to the whole group of processes ends them in any order.
    for (const role of this.roles) role.expectEnd()
    for (const role of [...this.roles].reverse()) await role.stop()
  }

  /** Readiness checks that fail, named `role` or `role.check`, with their reasons. */
  async problems(): Promise<Record<string, string>> {
    const problems: Record<string, string> = {}
    await Promise.all(
      this.roles.map(async (role) => {
        const report = await role.report(false)
        if (!report)
          problems[role.name] = role.state === 'serving' ? 'it does not answer' : `it is ${role.state}`
        for (const [check, reason] of Object.entries(report?.problems ?? {}))
          problems[`${role.name}.${check}`] = reason
      }),
    )
    return problems
  }

  /** Metrics of all roles that answer, joined. */
  async metrics(): Promise<string> {
    const reports = await Promise.all(this.roles.map((role) => role.report(true)))
    return mergeExposition(reports.flatMap((report) => report?.metrics ?? []))
  }
}
