import { createHash } from 'node:crypto'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { HubQueue } from '../../../../incidents/agents/connectors/hub-queue.js'
import type { ActionInput } from '../../../../ledger/client/types.js'
import { redisServer } from '../../fakes/redis-server.js'
import { silent } from '../../fixtures/core.js'

const QUEUE = { agent: 'hub', from: 'history_queue', to: 'history_queue:recorded' }
const MESSAGES = ['{"agent_id":"x1","content":"a"}', '{"content":"b"}', 'no json \u0000']

const open = async (t: Test) => {
  const port = await redisServer(t)
  const connect = () => new Redis({ port, password: 'pw', maxRetriesPerRequest: 1 })
  const hub = connect()
  t.teardown(() => hub.disconnect())
  /** A tap that says what it did, in order. @param durable what making its actions durable comes to */
  const tap = (durable: () => Promise<void> = async () => undefined) => {
    const hashes: unknown[] = []
    const targets: unknown[] = []
    const recorder = {
      record: ({ members }: ActionInput) => {
        targets.push(members['to'])
        hashes.push((members['body'] as { hash: string }).hash)
        return undefined
      },
      flush: durable,
    }
    const queue = new HubQueue({ redis: connect(), ...QUEUE, recorder, now: Date.now, log: silent })
    t.teardown(() => queue.close())
    return { queue, hashes, targets }
  }
  /** The next message that the hub's worker gets. */
  const next = async () => (await hub.brpop(QUEUE.to, 10))?.[1]
  return { hub, tap, next }
}

const digests = MESSAGES.map((message) => createHash('sha256').update(message).digest('hex'))

t.test('messages of a queue are recorded on their way, in order', async (t) => {
  const { hub, tap, next } = await open(t)
  const { hashes, targets } = tap()
  for (const message of MESSAGES) await hub.lpush(QUEUE.from, message)
  for (const message of MESSAGES) t.equal(await next(), message)
  t.strictSame(hashes, digests)
  t.strictSame(targets[0], ['hub/hub/history_queue'])
  t.equal(await hub.llen(QUEUE.from), 0)
})

t.test('a message goes on only when its action is durable, and none is lost over a restart', async (t) => {
  const { hub, tap, next } = await open(t)
  let tried: () => void = () => undefined
  const first = new Promise<void>((resolve) => (tried = resolve))
  const stuck = tap(() => {
    tried()
    return Promise.reject(new Error('no room'))
  })
  for (const message of MESSAGES) await hub.lpush(QUEUE.from, message)
  await first
  await stuck.queue.close()
  t.equal(await hub.llen(QUEUE.to), 0)
  const { hashes } = tap()
  for (const message of MESSAGES) t.equal(await next(), message)
  t.strictSame(hashes, digests)
})

t.test('a queue is passed on again after Redis broke the connection', async (t) => {
  const { hub, tap, next } = await open(t)
  tap()
  await hub.lpush(QUEUE.from, 'a')
  t.equal(await next(), 'a')
  await hub.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  await hub.lpush(QUEUE.from, 'b')
  t.equal(await next(), 'b')
})
