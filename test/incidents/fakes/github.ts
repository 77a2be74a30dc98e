import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { postSigned } from './signed-post.js'
import { trackerServer, type FakeAnswer, type FakeRequest, type TrackerServer } from './tracker-server.js'

interface Issue {
  readonly number: number
  readonly title: string
  readonly body: string
  state: string
  state_reason: string | null
  readonly login: string
  readonly labels: readonly string[]
  assignees: string[]
  readonly created: number
  readonly comments: { readonly body: string; readonly created: number }[]
  readonly pull_request?: object
}

/** GitHub's REST interface for the issues of one repository. */
export class FakeGitHub {
  readonly repository = 'acme/edge'
  readonly token = 'github_pat_fake'
  readonly login = 'portcullis-bot'
  readonly issues: Issue[] = []
  #server: TrackerServer | undefined

  private constructor(readonly options: { readonly now?: () => number; readonly lagMs?: number }) {}

  static async start(t: Test, options: { readonly now?: () => number; readonly lagMs?: number } = {}) {
    const fake = new FakeGitHub(options)
    fake.#server = await trackerServer(t, {
      handle: (request) => fake.#answer(request),
      failure: (status) => ({ status, json: { message: `refused with ${status}`, documentation_url: '' } }),
    })
    return fake
  }

  get server(): TrackerServer {
    if (!this.#server) throw new Error('not started')
    return this.#server
  }

  /** Somebody else's issue or pull request. */
  add(body: string, pull = false): void {
    this.issues.push({ ...this.#new('Theirs', body, 'octocat'), ...(pull ? { pull_request: {} } : {}) })
  }

  #answer(request: FakeRequest): FakeAnswer {
    const { method, path, query, headers } = request
    if (headers.authorization !== `Bearer ${this.token}`)
      return { status: 401, json: { message: 'Bad credentials' } }
    if (!headers['user-agent']) return { status: 403, json: { message: 'needs a User-Agent' } }
    const body = (request.body ?? {}) as Record<string, string> & { labels?: string[]; assignees?: string[] }
    const base = `/repos/${this.repository}/issues`
    if (path === base && method === 'POST') {
      if (!body['title']) return { status: 422, json: { message: 'Validation Failed' } }
      const issue = {
        ...this.#new(body['title'], body['body'] ?? '', this.login),
        labels: body.labels ?? [],
        assignees: body.assignees ?? [],
      }
      this.issues.push(issue)
      return { status: 201, json: this.#view(issue) }
    }
    if (path === base)
      return {
        status: 200,
        json: this.#page(
          this.#listed(this.issues, query).map((one) => this.#view(one)),
          query,
        ),
      }
    const [number, rest] = path.slice(base.length + 1).split('/')
    const issue = this.issues.find((one) => String(one.number) === number)
    if (!path.startsWith(`${base}/`) || !issue) return { status: 404, json: { message: 'Not Found' } }
    if (rest === 'comments' && method === 'POST') {
      issue.comments.push({ body: body['body'] ?? '', created: this.#now() })
      return { status: 201, json: { id: issue.comments.length } }
    }
    if (rest === 'comments')
      return { status: 200, json: this.#page(this.#listed(issue.comments, query), query) }
    if (rest === 'assignees') {
      issue.assignees = [...new Set([...issue.assignees, ...(body.assignees ?? [])])]
      return { status: 201, json: this.#view(issue) }
    }
    if (method === 'PATCH') {
      issue.state = body['state'] ?? issue.state
      issue.state_reason = body['state_reason'] ?? null
      return { status: 200, json: this.#view(issue) }
    }
    return { status: 404, json: { message: 'Not Found' } }
  }

  #listed<T extends { readonly created: number }>(items: readonly T[], query: URLSearchParams): T[] {
    const since = Date.parse(query.get('since') ?? '1970-01-01T00:00:00Z')
    const visible = items.filter(
      ({ created }) => created >= since && created + (this.options.lagMs ?? 0) <= this.#now(),
    )
    return query.get('direction') === 'desc' ? visible.toReversed() : visible
  }

  #page<T>(items: readonly T[], query: URLSearchParams): T[] {
    const size = Math.min(100, Number(query.get('per_page') ?? 30))
    const page = Number(query.get('page') ?? 1)
    return items.slice((page - 1) * size, page * size)
  }

  #new(title: string, body: string, login: string): Issue {
    return {
      number: this.issues.length + 1,
      title,
      body,
      state: 'open',
      state_reason: null,
      login,
      labels: [],
      assignees: [],
      created: this.#now(),
      comments: [],
    }
  }

  #view(issue: Issue) {
    return {
      id: 1_000_000 + issue.number,
      number: issue.number,
      title: issue.title,
      body: issue.body,
      state: issue.state,
      state_reason: issue.state_reason,
      html_url: `https://github.com/${this.repository}/issues/${issue.number}`,
      user: { login: issue.login, id: 1 },
      ...(issue.pull_request ? { pull_request: issue.pull_request } : {}),
    }
  }

  #now(): number {
    return (this.options.now ?? Date.now)()
  }
}

/** Sends a webhook as GitHub does. */
export async function deliverGitHub(
  url: string,
  secret: string,
  event: string,
  payload: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly body: string }> {
  return postSigned(
    url,
    secret,
    payload,
    {
      'user-agent': 'GitHub-Hookshot/044aadd',
      'x-github-event': event,
      'x-github-delivery': randomUUID(),
      ...headers,
    },
    'x-hub-signature-256',
  )
}
