import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { AiTasks } from './openpr-ai-tasks.js'
import { envelope, page, Refusal, refusalFor } from './openpr-envelope.js'
import { postSigned } from './signed-post.js'
import { trackerServer, type FakeAnswer, type FakeRequest, type TrackerServer } from './tracker-server.js'

export interface OpenPrUser {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly entity_type: 'human' | 'bot'
  readonly agent_type?: string
  readonly token: string
  /** Bots: read < write. */
  readonly permission?: 'read' | 'write'
}

export interface FakeIssue {
  readonly id: string
  title: string
  description: string
  state: string
  priority: string
  assignee_id: string | null
  readonly created_by: string
  readonly created: number
  readonly labels: Set<string>
}

export interface FakeComment {
  readonly id: string
  readonly issue: string
  readonly author: OpenPrUser
  readonly body: string
  readonly mentions: readonly string[]
  readonly created: number
}

interface Webhook {
  readonly id: string
  readonly url: string
  readonly secret: string
  readonly events: readonly string[]
  readonly bot_user_id?: string
}

/** The events that a webhook can be created for; OpenPR knows 31 and sends only those. */
export const SUBSCRIBABLE = [
  'issue.created',
  'issue.updated',
  'issue.assigned',
  'issue.state_changed',
  'issue.deleted',
  'comment.created',
  'comment.updated',
  'comment.deleted',
  'label.added',
  'label.removed',
  'sprint.started',
  'sprint.completed',
  'ai.task_completed',
  'ai.task_failed',
]

/** Of a tool of MCP. */
type ToolArguments = Record<string, string> & {
  readonly label_ids?: readonly string[]
  readonly state?: string
  readonly assignee_id?: string
}

export interface OpenPrOptions {
  readonly now?: () => number
  /** How long a new issue or comment stays hidden from lists, in milliseconds. */
  readonly lagMs?: number
}

/** OpenPR: its REST interface, its MCP server on the same port, and its webhooks, with their habits. */
export class FakeOpenPr {
  readonly workspace = { id: randomUUID(), name: 'Security' }
  readonly project = { id: randomUUID(), name: 'Edge', key: 'EDGE' }
  readonly states = ['backlog', 'todo', 'in_progress', 'done']
  readonly human = user('Ada', 'human')
  readonly bot = user('Portcullis', 'bot', 'custom')
  readonly users: OpenPrUser[] = [this.human, this.bot]
  readonly issues: FakeIssue[] = []
  readonly comments: FakeComment[] = []
  readonly labels: { id: string; name: string }[] = []
  readonly webhooks: Webhook[] = []
  readonly ai = new AiTasks()
  /** Deliveries so far, settled when the receiver has answered. OpenPR tries each once. */
  readonly deliveries: Promise<{ readonly status: number; readonly body: string }>[] = []
  #server: TrackerServer | undefined

  private constructor(readonly options: OpenPrOptions) {}

  static async start(t: Test, options: OpenPrOptions = {}): Promise<FakeOpenPr> {
    const fake = new FakeOpenPr(options)
    fake.#server = await trackerServer(t, {
      handle: (request) => fake.#answer(request),
      failure: (status, request) =>
        request.path === '/mcp/rpc'
          ? fake.#toolFailure(status, request)
          : envelope(request, refusalFor(status)),
      writes: ({ method, path, body }) =>
        path === '/mcp/rpc'
          ? /"name":"(work_items\.(create|update)|comments\.create)"/.test(JSON.stringify(body))
          : method !== 'GET',
    })
    return fake
  }

  get server(): TrackerServer {
    if (!this.#server) throw new Error('not started')
    return this.#server
  }

  get url(): string {
    return this.server.url
  }

  addBot(name: string, agentType: string): OpenPrUser {
    const bot = user(name, 'bot', agentType)
    this.users.push(bot)
    return bot
  }

  /** What a person or bot does on OpenPR's own pages. */
  change(issue: FakeIssue, by: OpenPrUser, change: { state?: string; assignee_id?: string }): void {
    this.#update(issue, change, by)
  }

  say(issue: FakeIssue, by: OpenPrUser, content: string, mentions: readonly string[] = []): void {
    this.#comment(issue, content, mentions, by)
  }

  file(by: OpenPrUser, title: string, description = ''): FakeIssue {
    return this.#create({ title, description }, by)
  }

  /** One round of the worker for AI tasks. A bot is reached at the webhook that was made for it. */
  work() {
    return this.ai.work((id) => {
      const hook = this.webhooks.find(({ bot_user_id }) => bot_user_id === id)
      const bot = this.users.find((one) => one.id === id)
      return hook && bot && { ...hook, name: bot.name, agent_type: bot.agent_type ?? 'custom' }
    })
  }

  now(): number {
    return (this.options.now ?? Date.now)()
  }

  #answer(request: FakeRequest): FakeAnswer {
    if (request.path === '/mcp/rpc') return this.#rpc(request)
    try {
      return envelope(request, { code: 0, message: 'success', data: this.#rest(request) })
    } catch (error) {
      return envelope(request, error)
    }
  }

  #caller(request: FakeRequest): OpenPrUser {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
    const caller = this.users.find((one) => one.token === token)
    if (!caller) throw new Refusal(401, 'invalid access token')
    return caller
  }

  #rest(request: FakeRequest): unknown {
    const caller = this.#caller(request)
    if (request.method !== 'GET' && caller.permission === 'read')
      throw new Refusal(403, 'bot permission denied')
    const { path, method, query } = request
    const body = (request.body ?? {}) as Record<string, string>
    const parts = path.split('/').slice(3)
    if (!path.startsWith('/api/v1/')) throw new Refusal(404, 'not found')
    if (parts[0] === 'ai' || parts[2] === 'ai')
      return this.ai.answer(request, { id: caller.id, admin: caller === this.human })
    if (parts[0] === 'projects') {
      if (parts[1] !== this.project.id) throw new Refusal(404, 'project not found')
      if (parts[2] === undefined) return this.project
      if (parts[2] === 'labels') return page(this.labels)
      if (parts[2] === 'issues')
        return method === 'POST'
          ? view(this.#create(body, caller), this.project.id)
          : page(this.#search(query.get('search') ?? ''))
    }
    if (parts[0] === 'issues') {
      const issue = this.#issue(parts[1] ?? '')
      if (parts[2] === undefined) {
        if (method === 'PUT') this.#update(issue, body, caller)
        return view(issue, this.project.id)
      }
      if (parts[2] === 'comments')
        return method === 'POST'
          ? commentView(
              this.#comment(
                issue,
                body['content'] ?? body['body'] ?? '',
                (request.body as { mentions?: string[] }).mentions ?? [],
                caller,
              ),
            )
          : page(this.#commentsOf(issue).map(commentView))
      if (parts[2] === 'labels' && parts[3] === 'batch') {
        for (const id of (request.body as { label_ids: string[] }).label_ids) issue.labels.add(id)
        return undefined
      }
    }
    throw new Refusal(404, 'not found')
  }

  /** MCP's HTTP transport: JSON-RPC 2.0, results as text. */
  #rpc(request: FakeRequest): FakeAnswer {
    const { id, method, params } = request.body as {
      id: number
      method: string
      params: { name: string; arguments: ToolArguments }
    }
    if (method !== 'tools/call')
      return rpc(id, { error: { code: -32_601, message: `Method not found: ${method}` } })
    try {
      const caller = this.#caller(request)
      const data = this.#tool(params.name, params.arguments, caller)
      return rpc(id, {
        result: {
          content: [{ type: 'text', text: typeof data === 'string' ? data : JSON.stringify(data, null, 2) }],
        },
      })
    } catch (error) {
      return rpc(id, toolError(error))
    }
  }

  #tool(name: string, args: ToolArguments, caller: OpenPrUser): unknown {
    const whole = (data: unknown): unknown => ({ code: 0, message: 'success', data })
    switch (name) {
      case 'projects.get':
        if (args['project_id'] !== this.project.id) throw new Refusal(404, 'project not found')
        return whole(this.project)
      case 'labels.list_by_project':
        return whole(page(this.labels))
      case 'work_items.create':
        this.#mayWrite(caller)
        if (args['project_id'] !== this.project.id) throw new Refusal(404, 'project not found')
        return whole(view(this.#create(args, caller), this.project.id))
      case 'work_items.search': {
        const results = this.#search(args['query'] ?? '').map(
          ({ id, title, description, state, project_id }) => ({
            type: 'issue',
            id,
            title,
            description,
            state,
            project_id,
            workspace_id: this.workspace.id,
          }),
        )
        return whole({ query: args['query'], results, total: results.length })
      }
      case 'work_items.update':
        this.#mayWrite(caller)
        this.#update(this.#issue(args['work_item_id'] ?? ''), args, caller)
        return whole(view(this.#issue(args['work_item_id'] ?? ''), this.project.id))
      case 'work_items.add_labels':
        for (const label of args.label_ids ?? []) this.#issue(args['work_item_id'] ?? '').labels.add(label)
        return 'Labels added to work item'
      case 'comments.create': {
        this.#mayWrite(caller)
        const content = args['content'] ?? ''
        // The tool looks for the names of users after any @, in code too.
        const mentions = this.users.filter((one) => content.includes(`@${one.name}`)).map((one) => one.id)
        return whole(
          commentView(this.#comment(this.#issue(args['work_item_id'] ?? ''), content, mentions, caller)),
        )
      }
      case 'comments.list':
        return whole(page(this.#commentsOf(this.#issue(args['work_item_id'] ?? '')).map(commentView)))
      default:
        throw new Error(`Unknown tool: ${name}`)
    }
  }

  #toolFailure(status: number, request: FakeRequest): FakeAnswer {
    return rpc((request.body as { id: number }).id, toolError(refusalFor(status)))
  }

  #mayWrite(caller: OpenPrUser): void {
    if (caller.permission === 'read') throw new Refusal(403, 'bot permission denied')
  }

  #create(body: Record<string, string>, by: OpenPrUser): FakeIssue {
    const { title = '', description = '', state = 'backlog', priority = 'medium', assignee_id = null } = body
    if (title.trim() === '') throw new Refusal(400, 'title is required')
    this.#checkState(state)
    if (!['low', 'medium', 'high', 'urgent'].includes(priority))
      throw new Refusal(400, 'priority must be one of: low, medium, high, urgent')
    if (assignee_id !== null && !this.users.some(({ id }) => id === assignee_id))
      throw new Refusal(400, 'assignee must be a workspace member')
    const issue: FakeIssue = {
      id: randomUUID(),
      title,
      description,
      state,
      priority,
      assignee_id,
      created_by: by.id,
      created: this.now(),
      labels: new Set(),
    }
    this.issues.push(issue)
    this.#emit('issue.created', by, issue)
    const assignee = this.users.find(({ id }) => id === assignee_id)
    if (assignee?.entity_type === 'bot') {
      this.#emit('issue.assigned', by, issue, assigned(null, assignee.id))
      this.#giveTask(issue)
    }
    return issue
  }

  #update(issue: FakeIssue, change: { state?: string; assignee_id?: string }, by: OpenPrUser): void {
    if (change.state !== undefined) this.#checkState(change.state)
    const before = { ...issue }
    if (change.assignee_id !== undefined) issue.assignee_id = change.assignee_id
    if (change.state !== undefined) issue.state = change.state
    if (issue.assignee_id !== before.assignee_id) {
      this.#emit('issue.assigned', by, issue, assigned(before.assignee_id, issue.assignee_id))
      this.#giveTask(issue)
    }
    if (issue.state !== before.state)
      this.#emit('issue.state_changed', by, issue, { state: { old: before.state, new: issue.state } })
  }

  /** A bot that is given an issue is given an AI task too, once for each issue. */
  #giveTask({ id, assignee_id: bot }: FakeIssue): void {
    if (bot === null || !this.users.some((one) => one.id === bot && one.entity_type === 'bot')) return
    this.ai.add({
      key: `issue_assigned:${id}:${bot}`,
      participant: bot,
      type: 'issue_assigned',
      reference: { type: 'work_item', id },
      payload: {},
      priority: 10,
      max_attempts: 3,
    })
  }

  #comment(issue: FakeIssue, body: string, mentions: readonly string[], by: OpenPrUser): FakeComment {
    if (body.trim() === '') throw new Refusal(400, 'Content is required', '内容不能为空')
    const wanted = mentions.filter((id) => id !== by.id)
    const comment = {
      id: randomUUID(),
      issue: issue.id,
      author: by,
      body: body.trim(),
      mentions: wanted,
      created: this.now(),
    }
    this.comments.push(comment)
    this.#deliver(
      'comment.created',
      by,
      {
        comment: {
          id: comment.id,
          issue_id: issue.id,
          content: comment.body,
          author_id: by.id,
          author_name: by.name,
          created_at: rfc3339(comment.created),
          updated_at: rfc3339(comment.created),
        },
        issue: { id: issue.id, key: this.#key(issue), title: issue.title },
        mentions: wanted,
      },
      (hook) =>
        hook.bot_user_id !== undefined && wanted.includes(hook.bot_user_id) ? 'mentioned' : undefined,
    )
    return comment
  }

  #checkState(state: string): void {
    if (!this.states.includes(state))
      throw new Refusal(400, `state must be one of: ${this.states.join(', ')}`)
  }

  #issue(id: string): FakeIssue {
    const issue = this.issues.find((one) => one.id === id)
    if (!issue) throw new Refusal(404, 'issue not found', 'Issue 未找到或无权限')
    return issue
  }

  #search(text: string) {
    const wanted = text.toLowerCase()
    return this.issues
      .filter(
        (issue) =>
          this.#visible(issue) && `${issue.title}\n${issue.description}`.toLowerCase().includes(wanted),
      )
      .map((issue) => view(issue, this.project.id))
  }

  #commentsOf(issue: FakeIssue): FakeComment[] {
    return this.comments.filter((comment) => comment.issue === issue.id && this.#visible(comment))
  }

  #visible({ created }: { readonly created: number }): boolean {
    return created + (this.options.lagMs ?? 0) <= this.now()
  }

  #key(issue: FakeIssue): string {
    return `${this.project.key}-${issue.id.replaceAll('-', '').slice(0, 8).toUpperCase()}`
  }

  #emit(event: string, by: OpenPrUser, issue: FakeIssue, changes?: unknown): void {
    const data = {
      issue: {
        id: issue.id,
        key: this.#key(issue),
        title: issue.title,
        description: issue.description,
        state: issue.state,
        priority: issue.priority,
        assignee_ids: issue.assignee_id === null ? [] : [issue.assignee_id],
        label_ids: [...issue.labels],
        sprint_id: null,
        created_at: rfc3339(issue.created),
        updated_at: rfc3339(this.now()),
      },
      ...(changes === undefined ? {} : { changes }),
    }
    const reason =
      { 'issue.created': 'created', 'issue.state_changed': 'status_changed' }[event] ?? 'assigned'
    this.#deliver(event, by, data, (hook) =>
      hook.bot_user_id !== undefined && hook.bot_user_id === issue.assignee_id ? reason : undefined,
    )
  }

  #deliver(
    event: string,
    by: OpenPrUser,
    data: unknown,
    reasonFor: (hook: Webhook) => string | undefined,
  ): void {
    for (const hook of this.webhooks) {
      if (!hook.events.includes(event)) continue
      const reason = reasonFor(hook)
      const bot = this.users.find(({ id }) => id === hook.bot_user_id)
      const payload = {
        id: randomUUID(),
        event,
        timestamp: rfc3339(this.now()),
        workspace: this.workspace,
        project: this.project,
        actor: { id: by.id, name: by.name, email: by.email, entity_type: by.entity_type },
        data,
        bot_context:
          reason === undefined || bot?.entity_type !== 'bot'
            ? null
            : {
                is_bot_task: true,
                bot_id: bot.id,
                bot_name: bot.name,
                bot_agent_type: bot.agent_type ?? 'custom',
                trigger_reason: reason,
                webhook_id: hook.id,
              },
      }
      this.deliveries.push(deliver(hook.url, hook.secret, payload))
    }
  }
}

/** Sends a webhook as OpenPR does: signed over the raw body, tried once, no redirects. */
export async function deliver(
  url: string,
  secret: string,
  payload: { readonly id: string; readonly event: string },
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly body: string }> {
  return postSigned(url, secret, payload, {
    'user-agent': 'OpenPR-Webhook/1.0',
    'x-webhook-event': payload.event,
    'x-webhook-delivery': payload.id,
    ...headers,
  })
}

/** With nine digits of a second and an offset, as chrono writes it. */
const rfc3339 = (ms: number): string => new Date(ms).toISOString().replace('Z', '000000+00:00')

const assigned = (old: string | null, to: string | null) => ({
  assignee_ids: {
    old: old === null ? [] : [old],
    new: to === null ? [] : [to],
    added: to === null ? [] : [to],
    removed: old === null ? [] : [old],
  },
})

const user = (name: string, type: OpenPrUser['entity_type'], agentType?: string): OpenPrUser => ({
  id: randomUUID(),
  name,
  email: `${name.toLowerCase()}@example.org`,
  entity_type: type,
  token: `opr_${randomUUID().replaceAll('-', '')}`,
  ...(agentType === undefined ? {} : { agent_type: agentType }),
})

const view = (issue: FakeIssue, project: string) => ({
  id: issue.id,
  project_id: project,
  sprint_id: null,
  title: issue.title,
  description: issue.description,
  state: issue.state,
  priority: issue.priority,
  assignee_id: issue.assignee_id,
  due_at: null,
  created_by: issue.created_by,
  created_at: rfc3339(issue.created),
  updated_at: rfc3339(issue.created),
  proposal_id: null,
  governance_exempt: false,
  governance_exempt_reason: null,
  labels: null,
})

const commentView = ({ id, issue, author, body, created }: FakeComment) => ({
  id,
  work_item_id: issue,
  author_id: author.id,
  author_name: author.name,
  author_email: author.email,
  body,
  created_at: rfc3339(created),
  updated_at: rfc3339(created),
})

const rpc = (id: number, rest: object): FakeAnswer => ({ status: 200, json: { jsonrpc: '2.0', id, ...rest } })

const toolError = (error: unknown) => ({
  result: {
    content: [
      {
        type: 'text',
        text:
          error instanceof Refusal
            ? `Error: API error ${error.code} from /api/v1: ${error.english}`
            : `Error: ${String(error)}`,
      },
    ],
    isError: true,
  },
})
