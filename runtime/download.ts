import { request } from 'undici'
import { messageOf, RuntimeError } from './errors.js'
import { checkOutboundUrl, outboundAgent, type OutboundConfig } from './outbound.js'

const CONNECT_MS = 10_000
const BODY_MS = 60_000
const MAX_REDIRECTS = 5

/**
 * Fetches a file whole. Every hop of a redirection is checked like the first.
 * @param options.maxBytes more than this is refused, not cut
 * @throws RuntimeError `OUTBOUND_REFUSED`, `DOWNLOAD_FAILED`, `DOWNLOAD_TOO_LARGE`
 */
export async function download(
  from: string,
  options: { readonly maxBytes: number; readonly accept: string; readonly outbound: OutboundConfig },
): Promise<Uint8Array> {
  const { maxBytes, accept, outbound } = options
  const agent = outboundAgent(outbound, CONNECT_MS, maxBytes)
  try {
    let url = checkOutboundUrl(from, outbound)
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const { statusCode, headers, body } = await request(url, {
        dispatcher: agent,
        headersTimeout: BODY_MS,
        bodyTimeout: BODY_MS,
        headers: { accept },
      })
      const { location } = headers
      if (statusCode >= 300 && statusCode < 400 && typeof location === 'string') {
        await body.dump()
        url = checkOutboundUrl(new URL(location, url).href, outbound)
        continue
      }
      if (statusCode !== 200) {
        await body.dump()
        throw new RuntimeError('DOWNLOAD_FAILED', `${url.origin}${url.pathname} answered ${statusCode}`)
      }
      return new Uint8Array(await body.arrayBuffer())
    }
    throw new RuntimeError('DOWNLOAD_FAILED', `more than ${MAX_REDIRECTS} redirections`)
  } catch (error) {
    if (error instanceof RuntimeError) throw error
    if (error instanceof Error && 'code' in error && error.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
      throw new RuntimeError('DOWNLOAD_TOO_LARGE', `it has more than ${maxBytes} bytes`, { cause: error })
    throw new RuntimeError('DOWNLOAD_FAILED', `cannot fetch it: ${messageOf(error)}`, { cause: error })
  } finally {
    await agent.close()
  }
}
