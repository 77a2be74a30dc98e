import { z } from 'zod'
import { shorten } from '../../runtime/text.js'
import { understand } from './answer.js'
import { refusal, type TrackerHttp, type TrackerRequest } from './http-client.js'
import {
  openprComment,
  openprIssue,
  openprLabel,
  openprProject,
  type IssueChange,
  type NewIssue,
  type OpenPrApi,
  type OpenPrIssue,
} from './openpr-api.js'

/** Every answer, errors too, comes with HTTP status 200 and its true status in `code`, 0 for success. */
const envelope = z.object({
  code: z.number().int(),
  message: z.string().default(''),
  data: z.unknown().optional(),
})

const listOf = <T>(item: z.ZodType<T>) => z.object({ items: z.array(item) })

/** OpenPR's REST interface, `/api/v1`. */
export class OpenPrRest implements OpenPrApi {
  constructor(readonly http: TrackerHttp) {}

  async project(id: string, signal: AbortSignal) {
    return this.#call(openprProject, { method: 'GET', path: `/projects/${id}` }, signal)
  }

  async createIssue(project: string, issue: NewIssue, signal: AbortSignal): Promise<OpenPrIssue> {
    return this.#call(
      openprIssue,
      { method: 'POST', path: `/projects/${project}/issues`, json: issue },
      signal,
    )
  }

  async searchIssues(project: string, text: string, signal: AbortSignal) {
    const query = new URLSearchParams({
      search: text,
      per_page: '20',
      sort_by: 'created_at',
      sort_order: 'desc',
    })
    const path = `/projects/${project}/issues?${query.toString()}`
    return (await this.#call(listOf(openprIssue), { method: 'GET', path }, signal)).items
  }

  async updateIssue(id: string, change: IssueChange, signal: AbortSignal): Promise<void> {
    await this.#call(z.unknown(), { method: 'PUT', path: `/issues/${segment(id)}`, json: change }, signal)
  }

  async createComment(issue: string, content: string, signal: AbortSignal): Promise<void> {
    await this.#call(
      z.unknown(),
      { method: 'POST', path: `/issues/${segment(issue)}/comments`, json: { content } },
      signal,
    )
  }

  async comments(issue: string, signal: AbortSignal) {
    const path = `/issues/${segment(issue)}/comments`
    return (await this.#call(listOf(openprComment), { method: 'GET', path }, signal)).items
  }

  async labels(project: string, signal: AbortSignal) {
    const path = `/projects/${project}/labels`
    return (await this.#call(listOf(openprLabel), { method: 'GET', path }, signal)).items
  }

  async addLabels(issue: string, labels: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#call(
      z.unknown(),
      { method: 'POST', path: `/issues/${segment(issue)}/labels/batch`, json: { label_ids: labels } },
      signal,
    )
  }

  async close(): Promise<void> {
    await this.http.close()
  }

  async #call<T>(schema: z.ZodType<T>, request: TrackerRequest, signal: AbortSignal): Promise<T> {
    const { name } = this.http.options
    const writes = request.method !== 'GET'
    const { json } = await this.http.request({ ...request, path: `/api/v1${request.path}` }, signal)
    const { code, message, data } = understand(envelope, json, name, writes)
    // Only the number is judged: the text comes in the language of Accept-Language, Chinese without one.
    if (code !== 0)
      throw refusal(code, `${name} answered with code ${code}: ${shorten(message, 200)}`, { writes })
    return understand(schema, data, name, writes)
  }
}

const segment = (id: string): string => encodeURIComponent(id)
