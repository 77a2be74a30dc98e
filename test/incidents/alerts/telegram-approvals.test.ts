import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openAlerts } from '../../../incidents/alerts/alerts.js'
import { Answers } from '../../../incidents/answers/answers.js'
import { WorkQueue } from '../../../incidents/work/queue.js'
import { fakeTelegram } from '../fakes/telegram.js'
import { openIncident, openTestCore, silent } from '../fixtures/core.js'

const TOKEN = '123456:approvals'
process.env['APPROVALS_TEST_TOKEN'] = TOKEN
const CHAT = -1001

const start = async (t: Test, approvers: readonly unknown[]) => {
  const telegram = await fakeTelegram(t, TOKEN)
  const alert = { name: 'bot', type: 'telegram', api_base: telegram.url, token: 'env:APPROVALS_TEST_TOKEN' }
  const core = await openTestCore(t, {
    folder: join(t.testdir(), 'incidents'),
    config: {
      alerts: [{ ...alert, chats: [CHAT], approvers, filter: { min_severity: 'critical' } }],
      outbound: { allow: ['127.0.0.0/8'] },
    },
  })
  const answers = new Answers(core)
  const alerts = await openAlerts({ core, log: silent }, (...word) => answers.decide(...word))
  if (alerts.reaction) core.addReaction(alerts.reaction)
  const ended = new EventEmitter()
  const queue = new WorkQueue({
    store: core.store,
    now: Date.now,
    log: silent,
    stepped: () => ended.emit('attempt'),
  })
  alerts.register?.(queue)
  queue.start()
  await alerts.start?.()
  t.teardown(async () => {
    await queue.stop()
    await alerts.close?.()
    await core.store.close()
  })
  /** Asks, and returns what the two buttons carry. */
  const ask = async (by: string) => {
    const incident = await openIncident(core)
    const answer = await core.change(() =>
      answers.give({
        incident,
        action: { type: 'ban_client', address: '192.0.2.7/32' },
        by,
        seconds: 60,
        dry_run: false,
        approval: true,
      }),
    )
    const before = telegram.calls.filter(({ method }) => method === 'sendMessage').length
    queue.wake()
    const message = (await telegram.until('sendMessage', before + 1)).at(-1)?.parameters
    const keyboard = message?.['reply_markup'] as { inline_keyboard: { callback_data: string }[][] }
    const [yes = '', no = ''] = keyboard.inline_keyboard[0]?.map(({ callback_data }) => callback_data) ?? []
    return { id: answer?.id ?? '', yes, no, text: String(message?.['text']) }
  }
  /** Presses, and returns what the person is told. */
  const press = async (person: number, chat: number, data: string): Promise<unknown> => {
    const before = telegram.calls.filter(({ method }) => method === 'answerCallbackQuery').length
    telegram.press(person, chat, data)
    return (await telegram.until('answerCallbackQuery', before + 1)).at(-1)?.parameters['text']
  }
  const stateOf = (id: string) => answers.get(id)?.state
  return { telegram, ask, press, stateOf, answers, core }
}

t.test('only a named person in the chat decides, once, by a button that tells nothing', async (t) => {
  const { telegram, ask, press, stateOf, answers } = await start(t, [7])
  const { id, yes, no, text } = await ask('playbook:contain')
  t.match(text, 'ban_client 192.0.2.7/32')
  t.match(yes, /^y[0-9a-f]{32}$/)
  t.notMatch(yes, id.replaceAll('-', ''))
  t.equal(await press(8, CHAT, yes), 'You may not decide about this.', 'somebody else in the chat')
  t.equal(await press(7, -2002, yes), 'You may not decide about this.', 'the person in another chat')
  t.equal(
    await press(7, CHAT, `y${'0'.repeat(32)}`),
    'This question is closed.',
    'a button that we did not make',
  )
  t.equal(await press(7, CHAT, 'y'), 'This question is closed.')
  t.equal(stateOf(id), 'asked')
  t.equal(await press(7, CHAT, yes), 'Approved.')
  t.match(answers.get(id), { state: 'ordered', decided_by: 'telegram:7' })
  t.match((await telegram.until('editMessageReplyMarkup', 1)).at(-1)?.parameters, {
    reply_markup: { inline_keyboard: [] },
  })
  t.equal(
    await press(7, CHAT, no),
    'This question is closed.',
    'a decision is not taken back by a second press',
  )
  t.equal(stateOf(id), 'ordered')
})

t.test(
  'whoever asked does not approve, and a bare id is nobody whom a person can be told from',
  async (t) => {
    const { ask, press, stateOf } = await start(t, [{ id: 7, name: 'ada' }, { id: 8, name: 'bob' }, 9])
    const { id, yes } = await ask('person:ada')
    t.match(await press(7, CHAT, yes), /cannot approve/)
    t.match(await press(9, CHAT, yes), /only approvers whose name is configured/)
    t.equal(stateOf(id), 'asked')
    t.equal(await press(8, CHAT, yes), 'Approved.')
    const other = await ask('person:bob')
    t.equal(await press(7, CHAT, other.no), 'Denied.')
    t.equal(stateOf(other.id), 'denied')
  },
)

t.test('/status is answered to approvers, and what cannot be understood stops nothing', async (t) => {
  const { telegram, core } = await start(t, [7])
  await openIncident(core, { severity: 'low' })
  telegram.tell({ message: 'no message at all' })
  telegram.write(8, CHAT, '/status')
  telegram.write(7, CHAT, '/status@portcullis_bot')
  const [first, ...rest] = await telegram.until('sendMessage', 1)
  t.match(first?.parameters, { chat_id: String(CHAT), text: 'Open incidents: 1 low.' })
  t.equal(rest.length, 0)
})
