import { open } from 'node:fs/promises'
import { request } from 'undici'

import { codeOf, messageOf, RuntimeError } from '../runtime/errors.js'
import { checkOutboundUrl, outboundAgent } from '../runtime/outbound.js'
import type { OutboundConfig } from '../runtime/outbound.js'

const CONNECT_MS = 10_000
const ANSWER_MS = 60_000

/** The bytes of a file, or undefined when it is over the limit; no more than that is ever held. */
export const readBounded = async (path: string, limit: number): Promise<Uint8Array | undefined> => {
  const handle = await open(path, 'r')
  try {
    const chunks: Buffer[] = []
    let length = 0
    const stream: AsyncIterable<Buffer> = handle.createReadStream({ end: limit, autoClose: false })
    for await (const chunk of stream) {
      chunks.push(chunk)
      length += chunk.length
    }
    return length > limit ? undefined : Buffer.concat(chunks, length)
  } finally {
    await handle.close()
  }
}

/**
 * The bytes that a URL answers with, or undefined when they are over the limit. Redirects are not followed.
 *
 * @throws RuntimeError `OUTBOUND_REFUSED` for an address that may not be reached, `OUTBOUND_FAILED` for any answer but 200
 */
export const fetchBounded = async (
  text: string,
  limit: number,
  outbound: OutboundConfig,
): Promise<Uint8Array | undefined> => {
  const url = checkOutboundUrl(text, outbound)
  const agent = outboundAgent(outbound, CONNECT_MS, limit)
  try {
    const { statusCode, body } = await request(url, {
      dispatcher: agent,
      headersTimeout: ANSWER_MS,
      bodyTimeout: ANSWER_MS,
    })
    if (statusCode !== 200) throw new RuntimeError('OUTBOUND_FAILED', `${url.href} answers ${statusCode}`)
    return new Uint8Array(await body.arrayBuffer())
  } catch (cause) {
    if (cause instanceof RuntimeError) throw cause
    if (codeOf(cause) === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return undefined
    throw new RuntimeError('OUTBOUND_FAILED', `${url.href}: ${messageOf(cause)}`, { cause })
  } finally {
    await agent.destroy()
  }
}
