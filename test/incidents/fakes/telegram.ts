import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface Call {
  readonly method: string
  readonly parameters: Readonly<Record<string, unknown>>
}

/** The Bot API with one bot: long polling, by which an update is told until its number is passed. */
export async function fakeTelegram(t: Test, token: string) {
  const calls: Call[] = []
  const updates: { readonly update_id: number }[] = []
  let number = 100
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    request.on('end', () => {
      void answer(request.url ?? '', text).then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      })
    })
  })
  const answer = async (url: string, text: string): Promise<{ status: number; body: object }> => {
    const method = url.startsWith(`/bot${token}/`) ? url.slice(token.length + 5) : undefined
    if (method === undefined)
      return { status: 401, body: { ok: false, error_code: 401, description: 'Unauthorized' } }
    const parameters = JSON.parse(text) as Record<string, unknown>
    if (method === 'getUpdates') {
      const wanted = () => updates.filter(({ update_id }) => update_id >= Number(parameters['offset']))
      while (wanted().length === 0) await once(server, 'update')
      return { status: 200, body: { ok: true, result: wanted() } }
    }
    calls.push({ method, parameters })
    server.emit('call')
    return { status: 200, body: { ok: true, result: { message_id: calls.length } } }
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const tell = (update: object): void => {
    updates.push({ update_id: number++, ...update })
    server.emit('update')
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    /** Waits for the next calls of a method, so many in all. */
    async until(method: string, count: number): Promise<readonly Call[]> {
      const found = () => calls.filter((call) => call.method === method)
      while (found().length < count) await once(server, 'call')
      return found()
    },
    press: (person: number, chat: number, data: string): void =>
      tell({
        callback_query: {
          id: `press-${number}`,
          from: { id: person, is_bot: false, first_name: 'P' },
          message: { message_id: 7, chat: { id: chat, type: 'group' } },
          chat_instance: '1',
          data,
        },
      }),
    write: (person: number, chat: number, text: string): void =>
      tell({
        message: {
          message_id: 8,
          from: { id: person, is_bot: false, first_name: 'P' },
          chat: { id: chat, type: 'group' },
          text,
        },
      }),
    /** Something that no one asked for. */
    tell,
  }
}
