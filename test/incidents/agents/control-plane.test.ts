import t, { type Test } from 'tap'
import { openTestAgents, until } from '../fixtures/agents.js'

process.env['PLANE_TOKEN'] = 'plane-token'
process.env['PLANE_SECRET'] = 'plane secret'

const ACCOUNT = { token: 'env:PLANE_TOKEN', secret: 'env:PLANE_SECRET' }

/** One role that has an agent behind NAT, and the role on which that agent works. */
const both = async (t: Test, script: string) => {
  const plane = await openTestAgents(t, {
    folder: t.testdir({ plane: {}, worker: {} }) + '/plane',
    config: { agents: [{ id: 'nat', type: 'tunnel', ...ACCOUNT }] },
  })
  const worker = () =>
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
  const { plane, worker } = await both(
    t,
    'cat > x; echo "{\\"status\\":\\"success\\",\\"summary\\":\\"from afar\\"}"',
  )
  const { id } = await plane.incident()
  await plane.request(id, 'nat')
  // It waits until the agent connects, and is looked at then.
  await until(() => plane.store.work.get(plane.run(id)?.work[0] ?? '')?.last_error !== undefined)
  await worker()
  await until(() => plane.run(id)?.state === 'success')
  t.equal(plane.run(id)?.result?.summary, 'from afar')
  t.strictSame(plane.kinds(id), ['opened', 'dispatched', 'result'])
})
