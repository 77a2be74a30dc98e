import t, { type Test } from 'tap'
import { openTestAgents, until } from '../fixtures/agents.js'

process.env['PLANE_TOKEN'] = 'plane-token'
process.env['PLANE_SECRET'] = 'plane secret'

const ACCOUNT = { token: 'env:PLANE_TOKEN', secret: 'env:PLANE_SECRET' }

/** What a program of the agent says at its end. */
const saying = (summary: string): string =>
  `cat > x; echo '${JSON.stringify({ status: 'success', summary })}'`

/** One role that has an agent behind NAT, and the role on which that agent works. */
const both = async (t: Test) => {
  const plane = await openTestAgents(t, {
    folder: t.testdir({ plane: {}, worker: {} }) + '/plane',
    config: { agents: [{ id: 'nat', type: 'tunnel', ...ACCOUNT }] },
  })
  const worker = (script: string) =>
    openTestAgents(t, {
      folder: `${t.testdirName}/worker`,
      config: {
        agents: [{ id: 'w', type: 'command', command: ['/bin/sh', '-c', script], sandbox: 'bubblewrap' }],
        control_plane: {
          url: `${plane.url().replace('http', 'ws')}/v1/agent-tunnel`,
          agent_id: 'nat',
          agent: 'w',
          ...ACCOUNT,
        },
      },
    })
  return { plane, worker }
}

void t.test('a run goes through a tunnel to a program elsewhere, and its result comes back', async (t) => {
  const { plane, worker } = await both(t)
  const { id } = await plane.incident()
  await plane.request(id, 'nat')
  // It waits until the agent connects, and is looked at then.
  await until(() => plane.store.work.get(plane.run(id)?.work[0] ?? '')?.last_error !== undefined)
  await worker(saying('from afar'))
  await until(() => plane.run(id)?.state === 'success')
  t.equal(plane.run(id)?.result?.summary, 'from afar')
  t.strictSame(plane.kinds(id), ['opened', 'dispatched', 'result'])
})

void t.test('a task that was taken is done once, though its role was stopped meanwhile', async (t) => {
  const { plane, worker } = await both(t)
  const { id } = await plane.incident()
  const first = await worker('cat > x; sleep 1000')
  await plane.request(id, 'nat')
  await until(() => plane.run(id)?.state === 'awaiting')
  await first.stop()
  // It asks for nothing: the task is in its own store.
  const second = await worker(saying('after the restart'))
  await until(() => plane.run(id)?.state === 'success')
  t.equal(plane.run(id)?.result?.summary, 'after the restart')
  t.strictSame(plane.kinds(id), ['opened', 'dispatched', 'result'])
  await until(() => [...second.store.work.list()].length === 0)
})
