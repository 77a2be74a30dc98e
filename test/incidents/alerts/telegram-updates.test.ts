import fc from 'fast-check'
import t from 'tap'
import { AlertError } from '../../../incidents/alerts/errors.js'
import { readUpdates } from '../../../incidents/alerts/telegram-updates.js'
import { growth } from '../../proofs/random.js'

const person = { id: 7, is_bot: false, first_name: 'P' }
const chat = { id: -1001, type: 'group' }
const press = {
  update_id: 5,
  callback_query: { id: 'p', from: person, message: { message_id: 3, chat }, data: 'y' },
}
const written = { update_id: 6, message: { message_id: 4, from: person, chat, text: '/status' } }

t.test('presses and words of people are read, those of bots and channels are not', async (t) => {
  const bot = { ...person, is_bot: true }
  const updates = [
    press,
    written,
    { ...press, callback_query: { ...press.callback_query, from: bot } },
    { ...written, message: { ...written.message, from: bot } },
    { update_id: 9, message: { message_id: 4, chat, text: 'in the name of the channel' } },
    { update_id: 10, callback_query: { id: 'p', from: person, data: 'y' } },
    { update_id: 11, message: 'no message at all' },
    { update_id: 12, poll: {} },
  ]
  t.strictSame(
    [...readUpdates(updates)],
    [
      { id: 5, input: { type: 'button', person: 7, chat: '-1001', message: 3, data: 'y', press: 'p' } },
      { id: 6, input: { type: 'text', person: 7, chat: '-1001', message: 4, data: '/status' } },
      { id: 5, input: undefined },
      { id: 6, input: undefined },
      { id: 9, input: undefined },
      { id: 10, input: undefined },
      { id: 11, input: undefined },
      { id: 12, input: undefined },
    ],
  )
})

t.test('whatever Telegram tells, it is read or refused with our code', async () => {
  const member = fc.constantFrom(
    'update_id',
    'message',
    'callback_query',
    'from',
    'chat',
    'id',
    'text',
    'data',
  )
  const { value } = fc.letrec<{ value: unknown; object: unknown }>((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, fc.jsonValue(), fc.constant(press), tie('object')),
    object: fc.dictionary(member, tie('value')),
  }))
  fc.assert(
    fc.property(fc.oneof(fc.array(value), fc.anything()), (result) => {
      try {
        for (const { id, input } of readUpdates(result))
          if (!Number.isSafeInteger(id) || (input && !Number.isSafeInteger(input.person))) return false
        return true
      } catch (error) {
        return error instanceof AlertError && error.code === 'ALERT_REJECTED'
      }
    }),
    { numRuns: Number(process.env['PORTCULLIS_FUZZ_RUNS'] ?? 500) },
  )
})

t.test('updates are read in linear time', async (t) => {
  const many = (n: number) => {
    const updates = Array.from({ length: n }, () => press)
    return () => [...readUpdates(updates)]
  }
  t.ok(growth(many, 1000) < 12)
  const long = (n: number) => {
    const updates = [{ ...written, message: { ...written.message, text: '/'.repeat(n) } }]
    return () => [...readUpdates(updates)]
  }
  t.ok(growth(long, 100_000) < 12)
})
