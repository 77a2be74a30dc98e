import type { Test } from 'tap'
import { trackerServer, type FakeAnswer, type FakeRequest, type TrackerServer } from './tracker-server.js'

export interface FakeOpenClaw extends TrackerServer {
  /** Messages of the turns that were begun; a replay of a key begins none. */
  readonly turns: string[]
  readonly wakes: string[]
}

/** The hooks of an OpenClaw gateway with today's defaults: no session key from outside, errors as it words them. */
export async function fakeOpenClaw(t: Test, token: string, status: 200 | 202 = 200): Promise<FakeOpenClaw> {
  const turns: string[] = []
  const wakes: string[] = []
  const known = new Map<string, string>()
  const refuse = (code: number, error: string): FakeAnswer => ({ status: code, json: { ok: false, error } })
  const handle = ({ method, path, headers, query, body }: FakeRequest): FakeAnswer => {
    if (query.has('token')) return refuse(400, 'token in query')
    const given = headers.authorization?.replace(/^Bearer /, '') ?? headers['x-openclaw-token']
    if (given !== token) return { status: 401 }
    if (method !== 'POST') return { status: 405, headers: { allow: 'POST' } }
    const fields = body as Record<string, unknown>
    if (fields['sessionKey'] !== undefined) return refuse(400, 'sessionKey is not allowed')
    if (path === '/hooks/wake') {
      if (typeof fields['text'] !== 'string') return refuse(400, 'text required')
      wakes.push(fields['text'])
      return { status: 200, json: { ok: true, mode: fields['mode'] ?? 'now', eventOutcome: 'queued' } }
    }
    if (path !== '/hooks/agent') return { status: 404 }
    if (typeof fields['message'] !== 'string') return refuse(400, 'message required')
    if (fields['deliver'] !== false) return refuse(400, 'channel and to required')
    const header = headers['idempotency-key']
    const own = fields['idempotencyKey']
    const key = typeof header === 'string' ? header : typeof own === 'string' ? own : ''
    const before = known.get(key)
    if (before !== undefined) return { status, json: { ok: true, runId: before } }
    turns.push(fields['message'])
    const runId = `run-${turns.length}`
    if (key !== '') known.set(key, runId)
    return { status, json: { ok: true, runId } }
  }
  const server = await trackerServer(t, {
    handle,
    failure: (code) => (code === 401 ? { status: 401 } : refuse(code, 'refused')),
  })
  return { ...server, turns, wakes }
}
