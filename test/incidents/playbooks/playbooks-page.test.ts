import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { attack, badFile, openRig } from '../answers/rig.js'

const page = readFileSync(new URL('../../../docs/PLAYBOOKS.md', import.meta.url), 'utf8')

t.test('the configuration of the page does what the page says', async (t) => {
  const yaml = /```yaml\n(.*?)```/s.exec(page)?.[1] ?? ''
  const rig = await openRig(t, parse(yaml) as object)
  const { id } = await rig.open(attack())
  t.match(await rig.ordered('gateway'), [
    { by: 'playbook:stop_injection', action: { type: 'ban_client', address: '203.0.113.9' } },
    { by: 'playbook:stop_injection', action: { type: 'virtual_patch', allow: 'integer', max_length: 12 } },
  ])
  const question = rig.answersOf(id).find(({ state }) => state === 'asked')
  t.match(question, { action: { type: 'run_command', command: 'rotate_session_key' } })
  await rig.core.change(() => rig.answers.decide(question?.id ?? '', 'person:bob', false))
  t.equal(rig.core.store.get(id)?.assignee, 'ann')
  const file = await rig.open(badFile(), { detected: { kind: 'scan.verdict' } })
  t.match(await rig.ordered('scanner'), [
    { action: { type: 'quarantine' } },
    { action: { type: 'block_hash' } },
  ])
  t.match(rig.answersOf(file.id).at(-1), { state: 'asked', action: { type: 'delete' } })
})
