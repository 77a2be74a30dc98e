import { z } from 'zod'
import type { IncidentState, IssueRef } from '../incident.js'
import { understand } from './answer.js'
import type { GitHubConfig } from './config.js'
import { TrackerError } from './errors.js'
import type { TrackerHttp } from './http-client.js'
import type { Filed, Intent, IssueDraft, Tracker } from './tracker.js'

const issueAnswer = z.object({
  number: z.number().int().positive(),
  html_url: z.string().max(2000),
  body: z.string().nullish(),
  user: z.object({ login: z.string() }).nullish(),
  /** The list of issues holds pull requests too. */
  pull_request: z.unknown().optional(),
})
const commentAnswer = z.object({ body: z.string().nullish() })

/** GitHub's limit is 65,536 characters. */
const MAX_BODY = 65_000
const PAGE = 50
/** Pages that a search reads; a repository in which more than this changed meanwhile cannot be judged. */
const MAX_PAGES = 20
/** Our clock and GitHub's may differ by as much. */
const SKEW_MS = 300_000

/**
 * Issues of a repository on GitHub. An issue is looked for in the list of issues, which shows a new one within moments; the
 * search interface follows an index that can be minutes behind.
 */
export class GitHubTracker implements Tracker {
  readonly type = 'github'
  readonly delivery = 'exactly-once'
  readonly lagMs: number

  constructor(
    readonly config: GitHubConfig,
    readonly http: TrackerHttp,
  ) {
    this.lagMs = config.lag_seconds * 1000
  }

  get name(): string {
    return this.config.name
  }

  async create(draft: IssueDraft, signal: AbortSignal): Promise<Filed> {
    const { labels, assignees } = this.config
    const { json } = await this.http.request(
      {
        method: 'POST',
        path: this.#path('/issues'),
        json: {
          title: draft.title,
          body: fit(draft.body, draft.marker),
          ...(labels.length > 0 ? { labels } : {}),
          ...(assignees.length > 0 ? { assignees } : {}),
        },
      },
      signal,
    )
    return this.#filed(understand(issueAnswer, json, this.name, true))
  }

  async find(intent: Intent, signal: AbortSignal): Promise<Filed | undefined> {
    const query = { state: 'all', sort: 'created', direction: 'desc', since: since(intent) }
    for await (const item of this.#pages(issueAnswer, this.#path('/issues'), query, signal))
      if (item.pull_request === undefined && item.body?.includes(intent.marker)) return this.#filed(item)
    return undefined
  }

  async comment(ref: IssueRef, text: string, marker: string, signal: AbortSignal): Promise<void> {
    await this.http.request(
      {
        method: 'POST',
        path: this.#path(`/issues/${encodeURIComponent(ref.id)}/comments`),
        json: { body: fit(text, marker) },
      },
      signal,
    )
  }

  async hasComment(ref: IssueRef, intent: Intent, signal: AbortSignal): Promise<boolean> {
    const path = this.#path(`/issues/${encodeURIComponent(ref.id)}/comments`)
    for await (const { body } of this.#pages(commentAnswer, path, { since: since(intent) }, signal))
      if (body?.includes(intent.marker)) return true
    return false
  }

  async setState(ref: IssueRef, state: IncidentState, signal: AbortSignal): Promise<void> {
    await this.http.request(
      { method: 'PATCH', path: this.#path(`/issues/${encodeURIComponent(ref.id)}`), json: STATE[state] },
      signal,
    )
  }

  async assign(ref: IssueRef, who: string, signal: AbortSignal): Promise<void> {
    await this.http.request(
      {
        method: 'POST',
        path: this.#path(`/issues/${encodeURIComponent(ref.id)}/assignees`),
        json: { assignees: [who] },
      },
      signal,
    )
  }

  async close(): Promise<void> {
    await this.http.close()
  }

  async *#pages<T>(
    schema: z.ZodType<T>,
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): AsyncGenerator<T> {
    for (let page = 1; page <= MAX_PAGES; page++) {
      const search = new URLSearchParams({ ...query, per_page: String(PAGE), page: String(page) })
      const { json } = await this.http.request(
        { method: 'GET', path: `${path}?${search.toString()}` },
        signal,
      )
      const items = understand(z.array(schema), json, this.name, false)
      yield* items
      if (items.length < PAGE) return
    }
    throw new TrackerError(
      'TRACKER_READ_LIMIT',
      `${this.name} has more than ${MAX_PAGES * PAGE} changes since the attempt: whether the issue is there stays unknown`,
      { retryable: true, ambiguous: false },
    )
  }

  #path(rest: string): string {
    return `/repos/${this.config.project}${rest}`
  }

  #filed(issue: z.output<typeof issueAnswer>): Filed {
    const id = String(issue.number)
    return {
      ref: { tracker: this.name, id, key: `${this.config.project}#${id}`, url: issue.html_url },
      ...(issue.user ? { author: issue.user.login } : {}),
    }
  }
}

const STATE: Readonly<Record<IncidentState, { readonly state: string; readonly state_reason?: string }>> = {
  open: { state: 'open' },
  triaged: { state: 'open' },
  in_progress: { state: 'open' },
  resolved: { state: 'closed', state_reason: 'completed' },
  false_positive: { state: 'closed', state_reason: 'not_planned' },
}

const since = (intent: Intent): string =>
  new Date(intent.since - SKEW_MS).toISOString().replace(/\.\d+Z$/, 'Z')

/** Cuts a text that is too long, and keeps its marker. */
const fit = (text: string, marker: string): string =>
  text.length <= MAX_BODY ? text : `${text.slice(0, MAX_BODY - marker.length - 10)}\n…\n\n${marker}`
