import t from 'tap'
import type { Test } from 'tap'
import type { Channel } from '../../incidents/alerts/channel.js'
import { send } from '../incidents/alerts/samples.js'
import type { AlertReceiver } from '../incidents/fakes/alert-receiver.js'

export interface ChannelUnderTest {
  readonly channel: Channel
  readonly receiver: AlertReceiver
  /** Must stand in no message of an error. */
  readonly secret: string
  /** One whose receiver does not listen. */
  readonly down: () => Promise<Channel>
  /** One that may not reach its receiver. */
  readonly forbidden: () => Promise<Channel>
}

/** What every channel over HTTP owes, whatever it speaks. */
export function channelConformance(name: string, start: (t: Test) => Promise<ChannelUnderTest>): void {
  void t.test(`${name} keeps the word of an alert channel`, async (t) => {
    const { channel, receiver, secret, down, forbidden } = await start(t)
    t.teardown(() => channel.close())
    const fails = async (channel: Channel): Promise<Record<string, unknown>> => {
      const error: unknown = await send(channel).then(
        () => new Error('it was delivered'),
        (error: unknown) => error,
      )
      const { message, stack, cause } = error as Error
      t.notMatch(`${message} ${stack} ${String(cause)}`, secret, 'a secret stands in no error')
      return error as Record<string, unknown>
    }

    await send(channel)
    t.equal(receiver.received.length, 1, 'delivers')

    for (const fault of ['drop', 'drop-after-accept'] as const) {
      receiver.faults.push(fault)
      t.match(await fails(channel), { code: 'ALERT_UNREACHABLE', retryable: true }, fault)
    }
    t.equal(receiver.received.length, 2, 'one of them was taken')
    await send(channel)
    t.strictSame(receiver.received[1]?.json, receiver.received[2]?.json, 'a repeat is the same')

    receiver.faults.push('silent')
    t.match(
      await fails(channel),
      { code: 'ALERT_UNREACHABLE', retryable: true },
      'waits no longer than it may',
    )

    receiver.faults.push({ status: 503 })
    t.match(await fails(channel), { code: 'ALERT_REJECTED', retryable: true }, '503')
    receiver.faults.push({
      status: 429,
      headers: { 'retry-after': '7' },
      json: { ok: false, error_code: 429, retry_after: 7, parameters: { retry_after: 7 } },
    })
    t.match(await fails(channel), { retryable: true, retryAfterMs: 7000 }, 'a rate limit is obeyed')
    receiver.faults.push({ status: 302, headers: { location: receiver.url } })
    const before = receiver.received.length
    t.match(await fails(channel), { code: 'ALERT_REJECTED' }, 'a redirect')
    t.equal(receiver.received.length, before, 'is not followed')
    receiver.faults.push({ status: 410, json: { ok: false, error_code: 410, description: 'gone' } })
    t.match(await fails(channel), { retryable: false }, 'what is gone stays gone')

    const nobody = await down()
    t.match(await fails(nobody), { code: 'ALERT_UNREACHABLE', retryable: true }, 'nobody listens')
    await nobody.close()
    const inside = await forbidden()
    t.match(await fails(inside), { code: 'ALERT_UNREACHABLE', message: /not a public address/ })
    await inside.close()
  })
}
