import { request } from 'node:http'
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** From the header; empty when there is none. */
  readonly id: string
}

export interface Asked {
  readonly method?: string
  /** Sent as it is: nothing is normalised or encoded. */
  readonly path?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string
}

/** One request on a connection of its own. */
export const ask = (
  origin: string,
  { method = 'GET', path = '/', headers = {}, body }: Asked = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin)
    const sent = request({
      host: hostname,
      port,
      method,
      path,
      headers: { ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }), ...headers },
      agent: false,
    })
    sent.once('error', reject)
    sent.once('response', (response) => {
      let text = ''
      response.setEncoding('latin1').on('data', (part: string) => (text += part))
      response.once('error', reject)
      response.once('end', () => {
        const id = response.headers['x-request-id']
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: text,
          id: typeof id === 'string' ? id : '',
        })
      })
    })
    sent.end(body)
  })

export const ATTACK = `/search?id=${encodeURIComponent("1' UNION SELECT name, password FROM users--")}`
