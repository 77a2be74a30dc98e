import t, { type Test } from 'tap'
import type { RunResult } from '../../../incidents/agents/run.js'
import { postSigned } from '../fakes/signed-post.js'
import { openpr } from './served.js'

/** An OpenPR with a bot that is our agent Vano; its token is known, or not. */
const withVano = async (t: Test, known = true) => {
  const served = await openpr(t, (edge) => {
    const { id, token } = edge.addBot('vano', 'openclaw')
    process.env['VANO_TOKEN'] = token
    return { bots: known ? [{ id, token: 'env:VANO_TOKEN' }] : [] }
  })
  const { edge, subscribe, filed, change, runs, idle } = served
  const vano = edge.users.at(-1)!
  subscribe(vano.id)
  const incident = await filed()
  const [issue] = edge.issues
  return {
    ...served,
    vano,
    incident,
    issue: issue!,
    task: () => edge.ai.tasks[0]!,
    /** One round of OpenPR's worker, in numbers and words. */
    work: async () =>
      (await edge.work()).map(({ status, body }) => ({ status, ...(JSON.parse(body) as object) })),
    end: async (run: string, result: Partial<RunResult>): Promise<void> => {
      await change(() => {
        runs.complete(run, { run_id: run, status: 'success', summary: '', proposed_actions: [], ...result })
      })
      await idle()
    },
  }
}

const runIn = (answer: object | undefined): string =>
  /^run (\S+) is/.exec(String((answer as { result?: string } | undefined)?.result))?.[1] ?? ''

t.test('an assignment and its AI task are one run, and OpenPR is told how it goes', async (t) => {
  const { edge, issue, vano, work, answers, dispatched, incident, task, idle, end } = await withVano(t)
  edge.change(issue, edge.human, { assignee_id: vano.id })
  await answers()
  const [answer] = await work()
  t.match(answer, { status: 'dispatched', agent: 'vano', result: /^run [0-9a-f-]{36} is queued$/ })
  t.same(dispatched(), [{ incident: incident.id, agent: 'vano', by: 'tracker:edge' }])
  await idle()
  const run = runIn(answer)
  t.match(edge.ai.progress, [
    { task: task().id, body: { step: `Portcullis run ${run} by vano`, progress_pct: 10 } },
  ])
  t.equal(task().status, 'processing')
  await end(run, { summary: 'looked' })
  t.match(task(), { status: 'completed', result: { summary: 'looked' } })
})

t.test('an AI task that comes before the event of its assignment is the same run', async (t) => {
  const { edge, issue, vano, work, answers, dispatched, end, task } = await withVano(t)
  const { webhooks } = edge
  const hook = webhooks.pop()!
  edge.change(issue, edge.human, { assignee_id: vano.id })
  webhooks.push(hook)
  const [first] = await work()
  edge.change(issue, edge.human, { assignee_id: edge.human.id })
  edge.change(issue, edge.human, { assignee_id: vano.id })
  t.match((await answers()).at(-1), { status: 'ignored', reason: 'known_task' })
  t.equal(dispatched().length, 1)
  await end(runIn(first), { status: 'success' })
  t.equal(task().status, 'completed')
})

t.test('a run that was over before its AI task came ends it at once', async (t) => {
  const { edge, issue, vano, work, answers, end, idle, task, dispatched } = await withVano(t)
  edge.change(issue, edge.human, { assignee_id: vano.id })
  const event = (await answers()).find((answer) => runIn(answer as object) !== '')
  await end(runIn(event as object), { status: 'timeout', summary: 'too late' })
  task().attempts = 2
  await work()
  await idle()
  t.match(task(), { status: 'failed', error: 'too late' })
  t.equal(dispatched().length, 0)
})

t.test('an attempt that fails and is followed by another does not end the AI task', async (t) => {
  const { edge, issue, vano, work, runs, end, task, incident, change } = await withVano(t)
  edge.change(issue, edge.human, { assignee_id: vano.id })
  const [answer] = await work()
  const first = runIn(answer)
  await end(first, { status: 'failed' })
  t.equal(task().status, 'processing')
  const next = await change(() => runs.request(incident.id, 'vano', 'somebody'))
  t.equal(next?.previous, first)
  await end(next.id, { summary: 'at last' })
  t.match(task(), { status: 'completed', result: { summary: 'at last' } })
})

t.test('a task that nobody here can do is refused, so that OpenPR says it failed', async (t) => {
  const { edge, vano, work, answers, issue } = await withVano(t)
  const theirs = edge.file(edge.human, 'About something else')
  edge.change(theirs, edge.human, { assignee_id: vano.id })
  await answers()
  t.match(await work(), [{ status: 422, code: 'webhook_no_taker' }])
  await work()
  await work()
  t.match(edge.ai.tasks, [{ status: 'failed', attempts: 3 }])
  const nobody = edge.addBot('Nobody', 'hub')
  edge.webhooks.push({ ...edge.webhooks[0]!, bot_user_id: nobody.id })
  edge.change(issue, edge.human, { assignee_id: nobody.id })
  t.match(await work(), [{ status: 422, detail: /no agent stands for the bot Nobody/ }])
})

t.test('an AI task counts once, and only signed', async (t) => {
  const { edge, issue, vano, url, dispatched, count, task } = await withVano(t)
  edge.change(issue, edge.human, { assignee_id: vano.id })
  const body = {
    task_id: task().id,
    ai_participant_id: vano.id,
    ai_participant_name: 'vano',
    task_type: 'review_requested',
    reference_type: 'work_item',
    reference_id: issue.id,
    attempts: 1,
  }
  t.equal((await postSigned(`${url}/edge`, 'a guess', body)).status, 401)
  t.equal((await postSigned(`${url}/edge`, 'the new secret', body)).status, 200)
  t.equal((await postSigned(`${url}/edge`, 'the new secret', body)).status, 409)
  t.equal((await postSigned(`${url}/edge`, 'the new secret', { ...body, attempts: 2 })).status, 200)
  t.equal((await postSigned(`${url}/edge`, 'the new secret', { ...body, attempts: 'x' })).status, 400)
  t.equal(dispatched().length, 1)
  t.equal(count('webhook_replayed'), 1)
})

t.test('the task of a bot whose token is not known is done, and stays as it is there', async (t) => {
  const { edge, issue, vano, work, end, task } = await withVano(t, false)
  edge.change(issue, edge.human, { assignee_id: vano.id })
  const [answer] = await work()
  await end(runIn(answer), {})
  t.equal(task().status, 'processing')
  t.same(edge.ai.progress, [])
})
