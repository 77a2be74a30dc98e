import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { stringify } from 'yaml'
import { alertReceiver, ANSWERS } from '../../incidents/fakes/alert-receiver.js'
import { openIncident, openTestCore } from '../../incidents/fixtures/core.js'
import { runInProcess } from '../fixtures/in-process.js'

const env = { ...process.env, ALERTS_CLI_SECRET: 'a secret' }
process.env['ALERTS_CLI_SECRET'] = 'a secret'

t.test('channels are listed and tried, failed alerts are listed and sent again', async (t) => {
  const data = t.testdir()
  const receiver = await alertReceiver(t, ANSWERS.webhook)
  const config = join(data, 'portcullis.yaml')
  const alert = { name: 'hook', type: 'webhook', url: receiver.url, secret: 'env:ALERTS_CLI_SECRET' }
  writeFileSync(config, stringify({ data, alerts: [alert], outbound: { allow: ['127.0.0.0/8'] } }), {
    mode: 0o600,
  })
  const alerts = (...args: string[]) => runInProcess(['alerts', ...args, '--config', config], env)

  t.match(await alerts('list'), { code: 0, stdout: 'hook  webhook  medium and above\n' })
  t.match(JSON.parse((await alerts('list', '--json')).stdout), { name: 'hook', type: 'webhook' })
  t.match(await alerts('test', 'hook'), { code: 0, stdout: 'hook took the test message\n' })
  t.match(receiver.received, [{ json: { event: 'test' } }])
  receiver.faults.push({ status: 500 })
  t.match(await alerts('test', 'hook'), { code: 1, stderr: /ALERT_REJECTED: hook answered 500/ })
  t.match(await alerts('test', 'other'), { code: 2, stderr: /no alert channel other/ })
  t.match(await alerts('failed'), { code: 0, stdout: '' })

  const core = await openTestCore(t, { folder: join(data, 'incidents') })
  const { id: incident } = await openIncident(core)
  const letter = await core.change(() => {
    const work = core.store.work.add({ incident, kind: 'alert', target: 'hook' }, Date.now())
    core.store.work.put({ ...work, state: 'dead', attempt: 12, last_error: 'it said \u001b[2J' })
    return work.id
  })
  await core.store.close()
  const shown = await alerts('failed')
  t.match(shown.stdout, `${letter}  hook  12 attempts  it said `)
  t.notMatch(shown.stdout, '\u001b', 'what others said does not steer the terminal')
  t.match(JSON.parse((await alerts('failed', '--json')).stdout), {
    id: letter,
    incident,
    channel: 'hook',
    attempts: 12,
  })
  t.match(await alerts('retry'), { code: 2 })
  t.match(await alerts('retry', '--all'), { code: 0, stdout: `${letter} waits for its turn\n` })
  t.match(await alerts('failed'), { code: 0, stdout: '' })
  t.match(await alerts('retry', letter), { code: 1, stderr: /CONFLICT/ })
})
