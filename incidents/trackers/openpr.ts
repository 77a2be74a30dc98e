import type { Logger } from 'pino'
import { messageOf } from '../../runtime/errors.js'
import type { Severity } from '../../runtime/events.js'
import type { IncidentState, IssueRef } from '../incident.js'
import type { OpenPrConfig } from './config.js'
import type { NewIssue, OpenPrApi, OpenPrIssue } from './openpr-api.js'
import type { Filed, Intent, IssueDraft, Tracker } from './tracker.js'

const PRIORITY: Readonly<Record<Severity, NewIssue['priority']>> = {
  critical: 'urgent',
  high: 'high',
  medium: 'medium',
  low: 'low',
  info: 'low',
}

/** Issues in a project of OpenPR, over either of its interfaces. */
export class OpenPrTracker implements Tracker {
  readonly type = 'openpr'
  readonly delivery = 'exactly-once'
  readonly lagMs: number
  #projectKey: string | undefined

  constructor(
    readonly config: OpenPrConfig,
    readonly api: OpenPrApi,
    readonly log: Logger,
  ) {
    this.lagMs = config.lag_seconds * 1000
  }

  get name(): string {
    return this.config.name
  }

  async create(draft: IssueDraft, signal: AbortSignal): Promise<Filed> {
    const { project, assignee, states } = this.config
    // Read first: after the issue is made nothing may fail that is needed to know it.
    await this.#key(signal)
    const issue = await this.api.createIssue(
      project,
      {
        title: draft.title,
        description: draft.body,
        state: states[draft.state],
        priority: PRIORITY[draft.severity],
        ...(assignee === undefined ? {} : { assignee_id: assignee }),
      },
      signal,
    )
    await this.#label(issue.id, signal)
    return this.#filed(issue, signal)
  }

  async find({ marker }: Intent, signal: AbortSignal): Promise<Filed | undefined> {
    const issues = await this.api.searchIssues(this.config.project, marker, signal)
    // The search ignores case and looks at titles too: only the whole marker in the description counts.
    const issue = issues.find(({ description }) => description?.includes(marker))
    if (!issue) return undefined
    await this.#label(issue.id, signal)
    return this.#filed(issue, signal)
  }

  async comment(ref: IssueRef, text: string, _marker: string, signal: AbortSignal): Promise<void> {
    await this.api.createComment(ref.id, text, signal)
  }

  async hasComment(ref: IssueRef, { marker }: Intent, signal: AbortSignal): Promise<boolean> {
    return (await this.api.comments(ref.id, signal)).some(({ body }) => body.includes(marker))
  }

  async setState(ref: IssueRef, state: IncidentState, signal: AbortSignal): Promise<void> {
    await this.api.updateIssue(ref.id, { state: this.config.states[state] }, signal)
  }

  async assign(ref: IssueRef, who: string, signal: AbortSignal): Promise<void> {
    await this.api.updateIssue(ref.id, { assignee_id: who }, signal)
  }

  async close(): Promise<void> {
    await this.api.close()
  }

  async #filed(issue: OpenPrIssue, signal: AbortSignal): Promise<Filed> {
    const { workspace, project, base_url, web_url = base_url } = this.config
    const url =
      workspace === undefined
        ? `${base_url}/api/v1/issues/${issue.id}`
        : `${web_url}/workspace/${workspace}/projects/${project}/issues/${issue.id}`
    const key = `${await this.#key(signal)}-${issue.id.replaceAll('-', '').slice(0, 8).toUpperCase()}`
    return {
      ref: { tracker: this.name, id: issue.id, key, url },
      ...(issue.created_by ? { author: issue.created_by } : {}),
    }
  }

  async #key(signal: AbortSignal): Promise<string> {
    this.#projectKey ??= (await this.api.project(this.config.project, signal)).key
    return this.#projectKey
  }

  /** Labels cannot go with the creation. They adorn an issue: without them it is filed all the same, and the log says so. */
  async #label(issue: string, signal: AbortSignal): Promise<void> {
    const wanted = this.config.labels
    if (wanted.length === 0) return
    try {
      const known = await this.api.labels(this.config.project, signal)
      const ids = known.filter(({ name }) => wanted.includes(name)).map(({ id }) => id)
      if (ids.length < wanted.length)
        this.log.warn(
          { tracker: this.name, labels: wanted },
          'the project lacks a label that issues should get',
        )
      if (ids.length > 0) await this.api.addLabels(issue, ids, signal)
    } catch (error) {
      this.log.warn(
        { tracker: this.name, issue, reason: messageOf(error) },
        'an issue was filed without its labels',
      )
    }
  }
}
