import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { agentsConfig } from '../../../incidents/agents/config.js'
import type { Agent } from '../../../incidents/agents/agent.js'
import { AgentError } from '../../../incidents/agents/errors.js'
import { openAgent } from '../../../incidents/agents/open.js'
import { runResult } from '../../../incidents/agents/run.js'
import { SeenMessages } from '../../../incidents/agents/tunnel/seen-messages.js'
import { TunnelServer } from '../../../incidents/agents/tunnel/server.js'
import { outboundConfig } from '../../../runtime/outbound.js'
import { uuidv7 } from '../../../runtime/uuid.js'
import { growth } from '../../proofs/random.js'
import { trackerServer } from '../fakes/tracker-server.js'
import { noRecorder, openTestCore, silent } from '../fixtures/core.js'

process.env['HOSTILE_TOKEN'] = 'token'
const { signal } = new AbortController()
const numRuns = Number(process.env['PORTCULLIS_FUZZ_RUNS'] ?? 100)
const RUN = uuidv7(Date.now())
const TASK = randomUUID()

const KINDS: Readonly<Record<string, object>> = {
  openclaw: { type: 'openclaw', token: 'env:HOSTILE_TOKEN' },
  teamboard: { type: 'teamboard', agent_id: 'fixer' },
  openpr: {
    type: 'openpr',
    token: 'env:HOSTILE_TOKEN',
    participant_token: 'env:HOSTILE_TOKEN',
    project: TASK,
    participant: TASK,
  },
  openprx: { type: 'openprx', account: '+1', target: 'x' },
  openmcp: { type: 'openmcp' },
  webhook: { type: 'webhook', secret: 'env:HOSTILE_TOKEN' },
}

/** What an agent's side could answer with: the members that are looked for, with anything in them. */
const members =
  'ok runId error code data items id status payload run_id result reply task_id summary total_pages proposed_actions'.split(
    ' ',
  )
const { value: answer } = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium' },
    fc.constantFrom<unknown>(true, 0, 1, 1e9, RUN, TASK, 'success', 'completed', 'succeeded', 'failed', null),
    fc.jsonValue(),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc.dictionary(
    fc.constantFrom(...members, 'error_message', 'last_error', 'detail', '__proto__'),
    tie('value'),
  ),
}))

const open = async (
  t: Test,
  kind: object,
): Promise<{ agent: Agent; said: { status: number; json: unknown } }> => {
  const said: { status: number; json: unknown } = { status: 200, json: {} }
  const server = await trackerServer(t, { handle: () => said, failure: () => said })
  const [config] = agentsConfig.parse([{ id: 'a', url: server.url, ...kind }])
  const { store } = await openTestCore(t)
  const deps = { seen: new SeenMessages(store), now: Date.now, log: silent, result: async () => undefined }
  const agent = await openAgent(config!, {
    ...deps,
    outbound: outboundConfig.parse({ allow: ['127.0.0.0/8'] }),
    data: t.testdir(),
    tunnels: new TunnelServer({ ...deps, accounts: [] }),
    recorder: noRecorder,
  })
  t.teardown(async () => {
    await agent.close()
    await store.close()
  })
  return { agent, said }
}

const dispatch = {
  run: RUN,
  incident: RUN,
  attempt: 1,
  deadline: 0,
  result_url: 'http://127.0.0.1/result',
  result_token: 'x',
  instructions: '',
  data: '""',
  issues: [],
  resumed: false,
}

for (const [kind, config] of Object.entries(KINDS))
  void t.test(`${kind}: whatever its side answers is understood or an AgentError`, async (t) => {
    const { agent, said } = await open(t, config)
    const run = { id: RUN, external: TASK }
    const ended = runResult.parse({ run_id: RUN, status: 'success' })
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(200, 200, 202, 400, 409, 429, 500), answer, async (status, json) => {
        Object.assign(said, { status, json })
        for (const call of [
          async () => {
            const dispatched = await agent.dispatch(dispatch, signal)
            if (dispatched.kind === 'completed') runResult.parse(dispatched.result)
          },
          async () => {
            const result = await agent.poll?.(run, signal)
            if (result) t.equal(runResult.parse(result).run_id, RUN)
          },
          async () => agent.finish?.(run, ended, signal),
        ])
          try {
            await call()
          } catch (error) {
            if (!(error instanceof AgentError)) throw error
          }
      }),
      { numRuns },
    )
  })

void t.test('a result is read in linear time', async (t) => {
  const proposal = { action: 'ban_client', subject: 'x' }
  t.ok(
    growth((n) => {
      const result = {
        run_id: RUN,
        status: 'success',
        proposed_actions: Array.from({ length: n }, () => proposal),
      }
      return () => runResult.safeParse(result)
    }, 2000) < 12,
  )
  t.ok(
    growth((n) => {
      const result = {
        run_id: RUN,
        status: 'success',
        proposed_actions: [{ ...proposal, action: 'a'.repeat(n) }],
      }
      return () => runResult.safeParse(result)
    }, 100_000) < 12,
  )
})
