import type { IncidentState, IssueRef } from '../incident.js'
import { shorten } from '../../runtime/text.js'
import type { HttpTrackerConfig, TeamBoardConfig } from './config.js'
import { TrackerError } from './errors.js'
import type { TrackerHttp } from './http-client.js'
import { fillJson, fillPath, type TemplateValues } from './template.js'
import type { Filed, Intent, IssueDraft, Tracker } from './tracker.js'

interface IssuePointers {
  readonly id: string
  readonly key?: string | undefined
  readonly url?: string | undefined
}

/** Items of one read that are looked at. */
const MAX_ITEMS = 10_000

/**
 * A tracker whose routes the configuration tells: Team Board's tasks service, which documents none, and any other that takes
 * JSON. What it can do follows from what is configured.
 */
export class TemplatedTracker implements Tracker {
  readonly delivery: Tracker['delivery']
  readonly lagMs: number
  readonly find?: NonNullable<Tracker['find']>
  readonly comment?: NonNullable<Tracker['comment']>
  readonly hasComment?: NonNullable<Tracker['hasComment']>
  readonly setState?: NonNullable<Tracker['setState']>

  constructor(
    readonly config: HttpTrackerConfig | TeamBoardConfig,
    readonly http: TrackerHttp,
  ) {
    this.delivery = config.find ? 'exactly-once' : 'at-least-once'
    this.lagMs = config.lag_seconds * 1000
    if (config.find) this.find = (intent, signal) => this.#find(intent, signal)
    if (config.comment) this.comment = (...args) => this.#comment(...args)
    if (config.comments) this.hasComment = (...args) => this.#hasComment(...args)
    if (config.state) this.setState = (...args) => this.#setState(...args)
  }

  get name(): string {
    return this.config.name
  }

  get type(): 'http' | 'teamboard' {
    return this.config.type
  }

  async create(draft: IssueDraft, signal: AbortSignal): Promise<Filed> {
    const { create, severities, states } = this.config
    const values: TemplateValues = {
      project: this.config.project,
      title: draft.title,
      body: draft.body,
      severity: severities[draft.severity],
      state: states[draft.state],
      marker: draft.marker,
    }
    const { json } = await this.http.request(
      { method: create.method, path: fillPath(create.path, values), json: fillJson(create.body, values) },
      signal,
    )
    return this.#filed(json, create, true)
  }

  async close(): Promise<void> {
    await this.http.close()
  }

  async #find({ marker }: Intent, signal: AbortSignal): Promise<Filed | undefined> {
    const { find, project } = this.config
    if (!find) return undefined
    const items = await this.#read(find, { marker, project }, signal)
    const item = items.find((one) => textAt(one, find.text)?.includes(marker))
    return item === undefined ? undefined : this.#filed(item, find, false)
  }

  async #comment(ref: IssueRef, text: string, marker: string, signal: AbortSignal): Promise<void> {
    const { comment } = this.config
    if (comment) await this.#write(comment, { ...this.#of(ref), text, marker }, signal)
  }

  async #hasComment(ref: IssueRef, { marker }: Intent, signal: AbortSignal): Promise<boolean> {
    const { comments } = this.config
    if (!comments) return false
    const items = await this.#read(comments, { ...this.#of(ref), marker }, signal)
    return items.some((one) => textAt(one, comments.text)?.includes(marker))
  }

  async #setState(ref: IssueRef, to: IncidentState, signal: AbortSignal): Promise<void> {
    const { state, states } = this.config
    if (state) await this.#write(state, { ...this.#of(ref), state: states[to] }, signal)
  }

  #of(ref: IssueRef): TemplateValues {
    return { project: this.config.project, id: ref.id, key: ref.key }
  }

  async #write(
    route: NonNullable<HttpTrackerConfig['comment']>,
    values: TemplateValues,
    signal: AbortSignal,
  ): Promise<void> {
    await this.http.request(
      { method: route.method, path: fillPath(route.path, values), json: fillJson(route.body, values) },
      signal,
    )
  }

  async #read(
    route: { readonly path: string; readonly items: string },
    values: TemplateValues,
    signal: AbortSignal,
  ): Promise<readonly unknown[]> {
    const { json } = await this.http.request({ method: 'GET', path: fillPath(route.path, values) }, signal)
    const items = at(json, route.items)
    if (!Array.isArray(items)) throw this.#strange(`no list at ${route.items || 'its top'}`, false)
    if (items.length > MAX_ITEMS)
      throw new TrackerError('TRACKER_READ_LIMIT', `${this.name} lists more than ${MAX_ITEMS} items`, {
        retryable: true,
        ambiguous: false,
      })
    return items as unknown[]
  }

  #filed(json: unknown, pointers: IssuePointers, writes: boolean): Filed {
    const id = textAt(json, pointers.id)
    if (id === undefined || id === '' || id.length > 200)
      throw this.#strange(`no id at ${pointers.id}`, writes)
    const key = pointers.key === undefined ? undefined : textAt(json, pointers.key)
    const url = pointers.url === undefined ? undefined : textAt(json, pointers.url)
    return {
      ref: {
        tracker: this.name,
        id,
        key: key === undefined || key === '' ? id : shorten(key, 200),
        url: webUrl(url) ?? this.config.base_url,
        ...(this.delivery === 'at-least-once' && { delivery: this.delivery }),
      },
    }
  }

  #strange(what: string, writes: boolean): TrackerError {
    return new TrackerError('TRACKER_ANSWER', `the answer of ${this.name} has ${what}`, {
      retryable: true,
      ambiguous: writes,
    })
  }
}

/** What a JSON pointer (RFC 6901, without escapes) leads to. */
function at(json: unknown, pointer: string): unknown {
  let value = json
  for (const name of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[name]
  }
  return value
}

function textAt(json: unknown, pointer: string): string | undefined {
  const value = at(json, pointer)
  return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, 200_000) : undefined
}

/** A link that a person may follow from the incident; nothing else an answer could hold. */
const webUrl = (text: string | undefined): string | undefined =>
  text !== undefined && text.length <= 2000 && /^https?:\/\//.test(text) && URL.canParse(text)
    ? text
    : undefined
