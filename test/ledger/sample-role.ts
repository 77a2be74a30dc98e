/** A ledger that serves, for the tests of its API and its role. */
import { request as httpRequest } from 'node:http'
import type { OutgoingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { OutboundConfig } from '../../runtime/outbound.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import type { Outbox, Topic } from '../../runtime/outbox.js'
import { openTopic } from '../../runtime/topics.js'
import { SOCKET_NAME } from '../../ledger/api/over-http.js'
import { socketPath } from '../../runtime/unix-socket.js'
import { ledgerConfig } from '../../ledger/config.js'
import type { LedgerError } from '../../ledger/errors.js'
import { startLedger } from '../../ledger/role.js'
import type { LedgerRole } from '../../ledger/role.js'
import { assertConforms } from './api/conformance.js'
import { clock, silent } from './sample-log.js'

export const TOKEN = 'a-token-of-some-length'

export interface Running {
  readonly role: LedgerRole
  readonly outbox: Outbox
  readonly topic: Topic
  readonly events: Topic
  readonly fatal: LedgerError[]
  stop(): Promise<void>
}

/** Starts the role on a data folder; with `tcp`, also on a free port of the loopback. */
export async function start(
  data: string,
  options: { tcp?: boolean; config?: object; outbound?: OutboundConfig } = {},
): Promise<Running> {
  const outbox = openOutbox(join(data, 'outbox'))
  const topic = openTopic(outbox, 'ledger')
  const events = openTopic(outbox, 'events')
  const fatal: LedgerError[] = []
  const config = ledgerConfig.parse({
    name: 'test',
    ...(options.tcp && { listen: '127.0.0.1:0', token: 'env:TOKEN' }),
    ...options.config,
  })
  const role = await startLedger({
    data,
    config,
    ...(options.outbound && { outbound: options.outbound }),
    topic,
    events,
    clock,
    log: silent,
    env: { TOKEN },
    onFatal: (error) => fatal.push(error),
  })
  const stop = async (): Promise<void> => {
    await role.stop()
    await outbox.close()
  }
  return { role, outbox, topic, events, fatal, stop }
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Buffer
}

/** One request over the socket of a data folder, or to an `http://` origin; its answer is one that the API documents. */
export async function ask(
  where: string,
  target: string,
  options: { method?: string; headers?: OutgoingHttpHeaders; body?: Uint8Array } = {},
): Promise<Answer> {
  const socket = where.startsWith('http') ? undefined : await socketPath(join(where, 'ledger'), SOCKET_NAME)
  const url = socket === undefined ? new URL(where) : undefined
  try {
    const answer = await new Promise<Answer>((resolve, reject) => {
      const request = httpRequest(
        {
          ...(socket === undefined ? { host: url?.hostname, port: url?.port } : { socketPath: socket.path }),
          path: target,
          method: options.method ?? 'GET',
          headers: { host: 'ledger', ...options.headers },
          agent: false,
        },
        (response) => {
          buffer(response).then(
            (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
            reject,
          )
        },
      )
      request.on('error', reject)
      request.end(options.body)
    })
    assertConforms(options.method ?? 'GET', target, answer)
    return answer
  } finally {
    await socket?.close()
  }
}

export function jsonOf(answer: Answer): Record<string, unknown> {
  return JSON.parse(answer.body.toString('utf8')) as Record<string, unknown>
}

export async function post(
  where: string,
  body: Uint8Array,
  headers: OutgoingHttpHeaders = {},
): Promise<Answer> {
  const type = { 'content-type': 'text/x.portcullis.note' }
  return ask(where, '/v1/entries', { method: 'POST', headers: { ...type, ...headers }, body })
}
