import { z } from 'zod'
import { shorten } from '../../runtime/text.js'
import { TrackerError } from './errors.js'
import { understand } from './answer.js'
import { refusal, type TrackerHttp } from './http-client.js'
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

const rpcAnswer = z.object({
  result: z.unknown().optional(),
  error: z.object({ code: z.number().int(), message: z.string().default('') }).optional(),
})
const toolResult = z.object({
  content: z.array(z.object({ type: z.string(), text: z.string().optional() })),
  isError: z.boolean().optional(),
})
/** Tools hand on what the REST interface said: with its envelope, or without one where they made a page of it. */
const envelope = z.object({ code: z.literal(0), data: z.unknown() })
const items = <T>(item: z.ZodType<T>) =>
  z.union([z.array(item), z.object({ items: z.array(item) }).transform((page) => page.items)])
const searchResults = z.object({ results: z.array(z.object({ type: z.string().optional() }).loose()) })

/** JSON-RPC 2.0, section 5.1: the call was not carried out. */
const NOT_CALLED: ReadonlySet<number> = new Set([-32_700, -32_600, -32_601, -32_602])

/** The tools of OpenPR's MCP server, called over its HTTP transport. Each call stands alone: the server keeps no session. */
export class OpenPrMcp implements OpenPrApi {
  #id = 0

  constructor(
    readonly http: TrackerHttp,
    readonly path: string,
  ) {}

  async project(id: string, signal: AbortSignal) {
    return this.#call(openprProject, 'projects.get', { project_id: id }, signal)
  }

  async createIssue(project: string, issue: NewIssue, signal: AbortSignal): Promise<OpenPrIssue> {
    return this.#call(
      openprIssue,
      'work_items.create',
      { project_id: project, ...issue, description: quiet(issue.description) },
      signal,
      true,
    )
  }

  async searchIssues(project: string, text: string, signal: AbortSignal) {
    const found = await this.#call(searchResults, 'work_items.search', { query: text, limit: 20 }, signal)
    return found.results
      .filter((result) => result.type === undefined || result.type === 'issue')
      .map((result) => understand(openprIssue, result, this.http.options.name, false))
      .filter((issue) => issue.project_id === undefined || issue.project_id === project)
  }

  async updateIssue(id: string, change: IssueChange, signal: AbortSignal): Promise<void> {
    await this.#call(z.unknown(), 'work_items.update', { work_item_id: id, ...change }, signal, true)
  }

  async createComment(issue: string, content: string, signal: AbortSignal): Promise<void> {
    await this.#call(
      z.unknown(),
      'comments.create',
      { work_item_id: issue, content: quiet(content) },
      signal,
      true,
    )
  }

  async comments(issue: string, signal: AbortSignal) {
    return this.#call(items(openprComment), 'comments.list', { work_item_id: issue }, signal)
  }

  async labels(project: string, signal: AbortSignal) {
    return this.#call(items(openprLabel), 'labels.list_by_project', { project_id: project }, signal)
  }

  async addLabels(issue: string, labels: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#call(
      z.unknown(),
      'work_items.add_labels',
      { work_item_id: issue, label_ids: labels },
      signal,
      true,
    )
  }

  async close(): Promise<void> {
    await this.http.close()
  }

  async #call<T>(
    schema: z.ZodType<T>,
    tool: string,
    args: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    writes = false,
  ): Promise<T> {
    const { name } = this.http.options
    const answer = await this.#post(tool, args, signal, writes)
    const { result, error } = understand(rpcAnswer, answer, name, writes)
    if (error)
      throw new TrackerError(
        NOT_CALLED.has(error.code) ? 'TRACKER_INVALID' : 'TRACKER_FAILED',
        `${name} answered ${tool} with error ${error.code}: ${shorten(error.message, 200)}`,
        { retryable: !NOT_CALLED.has(error.code), ambiguous: writes && !NOT_CALLED.has(error.code) },
      )
    const { content, isError } = understand(toolResult, result, name, writes)
    const text = content.find((part) => part.type === 'text')?.text ?? ''
    if (isError === true) throw this.#failed(tool, text, writes)
    const value = parseJson(text)
    const wrapped = envelope.safeParse(value)
    return understand(schema, wrapped.success ? wrapped.data.data : value, name, writes)
  }

  /** A read is a POST too here: unlike a write it has no outcome to be unsure of. */
  async #post(
    tool: string,
    args: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
    writes: boolean,
  ): Promise<unknown> {
    try {
      this.#id += 1
      const { json } = await this.http.request(
        {
          method: 'POST',
          path: this.path,
          json: {
            jsonrpc: '2.0',
            id: this.#id,
            method: 'tools/call',
            params: { name: tool, arguments: args },
          },
        },
        signal,
      )
      return json
    } catch (error) {
      if (writes || !(error instanceof TrackerError)) throw error
      throw new TrackerError(error.code, error.message, {
        retryable: error.retryable,
        ambiguous: false,
        ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
        cause: error,
      })
    }
  }

  /** The status is only in the text of a failed tool: `API error 404 from …`. */
  #failed(tool: string, text: string, writes: boolean): TrackerError {
    const { name } = this.http.options
    const message = `${name} answered ${tool} with: ${shorten(text, 200)}`
    const status = /^(?:Error: )?(?:API error|HTTP) (\d{3})\b/.exec(text)?.[1]
    if (status !== undefined) return refusal(Number(status), message, { writes })
    if (/^(?:Error: )?Invalid /.test(text))
      return new TrackerError('TRACKER_INVALID', message, { retryable: false, ambiguous: false })
    return new TrackerError('TRACKER_FAILED', message, { retryable: true, ambiguous: writes })
  }
}

/** Its tools make a mention of any `@name` they find, in code as well; nobody is to be called by what an attacker wrote. */
const quiet = (text: string): string => text.replaceAll('@', '＠')

/** Some tools answer in words where there is nothing to hand on. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}
