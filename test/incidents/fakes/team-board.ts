import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { trackerServer, type FakeAnswer, type FakeRequest, type TrackerServer } from './tracker-server.js'

interface Task {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly project_id: string
  readonly priority: string
  status: string
  readonly created: number
  readonly comments: { readonly text: string; readonly created: number }[]
}

/**
 * Team Board's tasks service, or any other task service with JSON routes: what it documents of itself, a task with title,
 * description, project_id and priority, and routes to read, comment and move tasks that a configuration can name.
 */
export class FakeTeamBoard {
  readonly token = 'board-token'
  readonly project = 'b3f1c7de-0000-4000-8000-000000000001'
  readonly tasks: Task[] = []
  #server: TrackerServer | undefined

  private constructor(readonly options: { readonly now?: () => number; readonly lagMs?: number }) {}

  static async start(t: Test, options: { readonly now?: () => number; readonly lagMs?: number } = {}) {
    const fake = new FakeTeamBoard(options)
    fake.#server = await trackerServer(t, {
      handle: (request) => fake.#answer(request),
      failure: (status) => ({ status, json: { detail: `refused with ${status}` } }),
    })
    return fake
  }

  get server(): TrackerServer {
    if (!this.#server) throw new Error('not started')
    return this.#server
  }

  #answer({ method, path, query, headers, ...request }: FakeRequest): FakeAnswer {
    const body = (request.body ?? {}) as Record<string, string>
    if (headers.authorization !== `Bearer ${this.token}`)
      return { status: 401, json: { detail: 'Not authenticated' } }
    if (path === '/tasks/' && method === 'POST') {
      const { title, description = '', project_id, priority = 'medium' } = body
      if (!title || !project_id)
        return { status: 422, json: { detail: [{ loc: ['body'], msg: 'field required' }] } }
      const task: Task = {
        id: randomUUID(),
        title,
        description,
        project_id,
        priority,
        status: 'todo',
        created: this.#now(),
        comments: [],
      }
      this.tasks.push(task)
      return { status: 201, json: view(task) }
    }
    if (path === '/tasks/') {
      const wanted = query.get('q') ?? ''
      const found = this.#visible(this.tasks).filter(({ description }) => description.includes(wanted))
      return { status: 200, json: { tasks: found.map(view) } }
    }
    const [, id, rest] = /^\/tasks\/([^/]+)(?:\/(comments))?$/.exec(path) ?? []
    const task = this.tasks.find((one) => one.id === id)
    if (!task) return { status: 404, json: { detail: 'Not Found' } }
    if (rest && method === 'POST') {
      task.comments.push({ text: body['text'] ?? '', created: this.#now() })
      return { status: 201, json: {} }
    }
    if (rest) return { status: 200, json: this.#visible(task.comments) }
    if (method === 'PATCH') task.status = body['status'] ?? task.status
    return { status: 200, json: view(task) }
  }

  #visible<T extends { readonly created: number }>(items: readonly T[]): T[] {
    return items.filter(({ created }) => created + (this.options.lagMs ?? 0) <= this.#now())
  }

  #now(): number {
    return (this.options.now ?? Date.now)()
  }
}

const view = ({ id, title, description, project_id, priority, status }: Task) => ({
  id,
  title,
  description,
  project_id,
  priority,
  status,
})
