import t from 'tap'
import { encodeCommand, parseCommand, roleOf, type GatewayCommand } from '../../runtime/commands.js'
import { uuidv7 } from '../../runtime/uuid.js'

const ban = (): GatewayCommand => ({
  id: uuidv7(1),
  time: 1,
  by: 'playbook:ban',
  action: { type: 'ban_client', address: '192.0.2.0/24' },
  expires: 2,
  dry_run: false,
})

t.test('a command survives the outbox as it was', async (t) => {
  const command = ban()
  t.same(parseCommand('gateway', encodeCommand(command)), command)
})

t.test('a command of the other role is refused', async (t) => {
  const bytes = encodeCommand({ ...ban(), action: { type: 'block_hash', sha256: 'a'.repeat(64) } })
  t.throws(() => parseCommand('gateway', bytes))
  t.equal(parseCommand('scanner', bytes).action.type, 'block_hash')
})

t.test('what is not a command is refused', async (t) => {
  for (const text of ['', 'null', '{}', '{"id":"1"}', '\u0000'])
    t.throws(() => parseCommand('gateway', Buffer.from(text)), text)
  t.throws(() => parseCommand('gateway', Buffer.from([0xff])))
  t.throws(
    () => parseCommand('gateway', Buffer.from(JSON.stringify({ ...ban(), extra: 1 }))),
    'an unknown key',
  )
  t.throws(() =>
    parseCommand(
      'scanner',
      Buffer.from(JSON.stringify({ ...ban(), action: { type: 'block_hash', sha256: 'A' } })),
    ),
  )
})

t.test('each action has one role', async (t) => {
  t.equal(roleOf('ban_client'), 'gateway')
  t.equal(roleOf('block_url'), 'gateway')
  t.equal(roleOf('virtual_patch'), 'gateway')
  for (const type of ['quarantine', 'delete', 'kill', 'block_hash', 'restore'] as const)
    t.equal(roleOf(type), 'scanner', type)
})
