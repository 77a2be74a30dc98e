import { Agent, request } from 'node:http'
import { join } from 'node:path'
import t from 'tap'

import { VerdictStore } from '../../gateway/verdict-store.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { actionsIn, auditIds } from '../gateway/fixtures/recording.js'
import { ATTACK } from './http-client.js'
import { serve } from './product.js'
import type { Serving } from './product.js'

/** Blocked requests; `PORTCULLIS_TEST_FLOOD=20000` for the full flood. */
const BLOCKS = Number(process.env['PORTCULLIS_TEST_FLOOD'] ?? 2000)
const CONNECTIONS = 32

/** Sends attacks until there were enough answers. Gives the ids of what was answered, and how many requests broke. */
const flood = async (url: string, count: number, onAnswer: (answered: number) => void = () => undefined) => {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const ids: string[] = []
  let sent = 0
  let broken = 0
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      const asked = request(`${url}${ATTACK}`, { agent }, (response) => {
        if (response.statusCode === 403) ids.push(String(response.headers['x-request-id']))
        else broken++
        onAnswer(ids.length)
        response.resume().once('close', resolve)
      })
      asked.once('error', () => {
        broken++
        resolve()
      })
      asked.end()
    })
  const connection = async (): Promise<void> => {
    while (sent < count) {
      sent++
      await one()
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, connection))
  agent.destroy()
  return { ids, broken }
}

/** Ids of the ledger's entries, what its summaries count, and the ids of the verdict store; the gateway is down. */
const kept = async (
  data: string,
): Promise<{ entries: string[]; summarised: number; stored: Set<string> }> => {
  const outbox = openOutbox(join(data, 'outbox'))
  const actions = await actionsIn(outbox)
  await outbox.close()
  const store = VerdictStore.open(data, { max: 1_000_000, days: 30 })
  const stored = new Set([...store.after(0)].map(({ record }) => record.request_id))
  await store.close()
  return {
    entries: actions.filter(({ kind }) => kind === 'security.verdict').map(({ id }) => id),
    summarised: actions
      .filter(({ kind }) => kind === 'security.summary')
      .reduce((sum, summary) => sum + Number(summary['count']), 0),
    stored,
  }
}

const gateway = (data: string): Promise<Serving> =>
  serve(['gateway', '--listen', '127.0.0.1:0', '--upstream', 'http://127.0.0.1:9', '--data', data], {
    env: { PORTCULLIS_GATEWAY__AUDIT_LOG__FILE: join(data, 'audit.jsonl') },
  })

t.test('every blocked request of a flood is in the audit log and in the ledger', async (t) => {
  const data = t.testdir({})
  const serving = await gateway(data)
  t.teardown(() => serving.stop('SIGKILL'))
  const { ids, broken } = await flood(serving.url, BLOCKS)
  t.equal(broken, 0)
  t.equal(ids.length, BLOCKS)
  t.equal((await serving.stop()).code, 0)
  t.same(auditIds(data).toSorted(), ids.toSorted())
  const { entries, summarised } = await kept(data)
  t.equal(entries.length + summarised, BLOCKS)
  t.equal(new Set(entries).size, entries.length)
})

t.test('a gateway that is killed in a flood accounts for its audit log when it is back', async (t) => {
  const data = t.testdir({})
  const first = await gateway(data)
  t.teardown(() => first.stop('SIGKILL'))
  await flood(first.url, BLOCKS / 4, (answered) => {
    if (answered === Math.floor(BLOCKS / 8)) void first.stop('SIGKILL')
  })
  const second = await gateway(data)
  t.teardown(() => second.stop('SIGKILL'))
  t.equal((await flood(second.url, BLOCKS / 8)).broken, 0)
  t.equal((await second.stop()).code, 0)
  const audited = auditIds(data)
  const { entries, summarised, stored } = await kept(data)
  t.ok(audited.length > BLOCKS / 8)
  t.ok(
    audited.every((id) => stored.has(id)),
    'each line has its record',
  )
  t.equal(entries.length + summarised, stored.size, 'each record is accounted for, once')
})
