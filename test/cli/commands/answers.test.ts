import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { AnswerStore } from '../../../gateway/answers/store.js'
import { parseCommand } from '../../../runtime/commands.js'
import { openOutbox } from '../../../runtime/lmdb-outbox.js'
import { openTopic } from '../../../runtime/topics.js'
import { uuidv7 } from '../../../runtime/uuid.js'
import { runInProcess } from '../fixtures/in-process.js'

t.test('answers are listed and revoked while no role runs', async (t) => {
  const data = t.testdir()
  const command = uuidv7(Date.now())
  const store = AnswerStore.open(data)
  await store.transaction(() =>
    store.put({
      command,
      by: 'playbook:ban',
      action: { type: 'ban_client', address: '203.0.113.9' },
      since: 1,
      expires: Date.now() + 60_000,
    }),
  )
  await store.close()
  const listed = await runInProcess(['answers', 'list', '--data', data])
  t.match(listed.stdout, new RegExp(`${command}  ban_client  .*203\\.0\\.113\\.9.*playbook:ban`))
  t.equal((await runInProcess(['answers', 'revoke', command, '--data', data])).code, 0)
  t.equal((await runInProcess(['answers', 'revoke', uuidv7(1), '--data', data])).code, 2)
  const outbox = openOutbox(join(data, 'outbox'))
  const given: unknown[] = []
  const consumer = openTopic(outbox, 'commands.gateway').consume('gateway', async (items) => {
    for (const { bytes } of items) given.push(parseCommand('gateway', bytes))
  })
  await consumer.drained()
  await outbox.close()
  t.match(given, [{ action: { type: 'revoke', command }, by: /^person:/ }])
})

t.test('playbooks are checked, with the place of what is wrong', async (t) => {
  const folder = t.testdir()
  const file = join(folder, 'portcullis.yaml')
  writeFileSync(file, 'playbooks:\n  - name: ban\n    actions: [{ type: ban_client }, { type: block_url }]\n')
  const good = await runInProcess(['playbooks', 'check', '--config', file])
  t.match(good.stdout, /^ban: .*ban_client, block_url \(approval\)\n$/)
  writeFileSync(
    file,
    'playbooks:\n  - name: ask\n    actions:\n      - { type: dispatch_agent, agent: nobody }\n',
  )
  const bad = await runInProcess(['playbooks', 'check', '--config', file])
  t.equal(bad.code, 1)
  t.match(bad.stderr, /portcullis\.yaml:4: playbooks\[0\]\.actions\[0\]\.agent: .*nobody/)
})

t.test('nothing waits for a person in a new data folder', async (t) => {
  const { code, stdout } = await runInProcess(['approvals', 'list', '--data', t.testdir()])
  t.equal(code, 0)
  t.equal(stdout, '')
})
