import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly json: unknown
}

/** What goes wrong with the next request; each is used up by one. */
export type AlertFault =
  /** The connection ends without an answer, before or after the message was taken. */
  | 'drop'
  | 'drop-after-accept'
  /** No answer comes until the test ends. */
  | 'silent'
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly json?: unknown }

export interface AlertReceiver {
  readonly url: string
  /** What it has taken. */
  readonly received: Received[]
  readonly faults: AlertFault[]
  until(count: number): Promise<void>
}

/** A server on a real socket that takes messages. @param answer what it says to one that it took */
export async function alertReceiver(
  t: Test,
  answer: (received: Received) => { readonly status: number; readonly body: string },
): Promise<AlertReceiver> {
  const received: Received[] = []
  const faults: AlertFault[] = []
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    request.on('end', () => {
      const fault = faults.shift()
      if (fault === 'silent') return
      if (fault === 'drop') return void response.destroy()
      if (typeof fault === 'object') {
        response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
        return void response.end(fault.json === undefined ? '' : JSON.stringify(fault.json))
      }
      const taken = {
        path: request.url ?? '',
        headers: request.headers,
        text,
        json: JSON.parse(text) as unknown,
      }
      received.push(taken)
      server.emit('received')
      if (fault === 'drop-after-accept') return void response.destroy()
      const { status, body } = answer(taken)
      response.writeHead(status).end(body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    faults,
    async until(count) {
      while (received.length < count) await once(server, 'received')
    },
  }
}

/** As the receivers of webhooks, Slack, Discord and Telegram's Bot API answer what they took. */
export const ANSWERS = {
  webhook: () => ({ status: 200, body: '' }),
  slack: () => ({ status: 200, body: 'ok' }),
  discord: () => ({ status: 204, body: '' }),
  telegram: () => ({ status: 200, body: JSON.stringify({ ok: true, result: { message_id: 1 } }) }),
} as const
