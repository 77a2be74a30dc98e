import fc from 'fast-check'
import t from 'tap'
import { AlertError } from '../../../incidents/alerts/errors.js'
import { alertReceiver } from '../fakes/alert-receiver.js'
import { open, opened, send } from './samples.js'

process.env['HOSTILE_ALERT_TOKEN'] = '123456:ABC'
const numRuns = Number(process.env['PORTCULLIS_FUZZ_RUNS'] ?? 100)

/** What a receiver could answer with: the members that are looked for, with anything in them. */
const { value: answer } = fc.letrec<{ value: unknown; members: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<unknown>(true, false, 0, -1, 1e300, 429, '7', null, undefined),
    fc.jsonValue(),
    tie('members'),
  ),
  members: fc.dictionary(
    fc.constantFrom(
      'ok',
      'result',
      'error_code',
      'description',
      'parameters',
      'retry_after',
      'migrate_to_chat_id',
      '__proto__',
    ),
    tie('value'),
  ),
}))

for (const [kind, config] of Object.entries({
  webhook: (url: string) => ({ url, secret: 'env:HOSTILE_ALERT_TOKEN' }),
  telegram: (url: string) => ({ api_base: url, token: 'env:HOSTILE_ALERT_TOKEN', chats: [1] }),
  slack: () => ({ url: 'env:HOSTILE_ALERT_URL' }),
  discord: () => ({ url: 'env:HOSTILE_ALERT_URL' }),
}))
  t.test(
    `${kind}: whatever the receiver answers, the alert is delivered or an AlertError says why not`,
    async (t) => {
      const receiver = await alertReceiver(t, () => ({ status: 200, body: '' }))
      process.env['HOSTILE_ALERT_URL'] = receiver.url
      const channel = await open({ type: kind, ...config(receiver.url) })
      t.teardown(() => channel.close())
      const status = fc.constantFrom(200, 204, 302, 400, 403, 404, 429, 500, 503)
      const wait = fc.constantFrom('', '7', '-1', '1e99', 'soon', 'Sat, 21 Nov 2026 16:00:00 GMT')
      await fc.assert(
        fc.asyncProperty(status, wait, answer, async (code, after, json) => {
          receiver.faults.push({ status: code, headers: { 'retry-after': after }, json })
          try {
            await send(channel, opened())
          } catch (error) {
            if (!(error instanceof AlertError)) throw error
            const { retryAfterMs = 0 } = error
            if (!(retryAfterMs >= 0 && retryAfterMs <= 3_600_000)) throw new Error(`waits ${retryAfterMs} ms`)
          }
        }),
        { numRuns },
      )
    },
  )
