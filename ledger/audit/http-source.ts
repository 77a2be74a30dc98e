import { setTimeout as pause } from 'node:timers/promises'
import { gunzip } from 'node:zlib'
import { promisify } from 'node:util'
import { request } from 'undici'
import type { Agent } from 'undici'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { checkOutboundUrl, outboundAgent } from '../../runtime/outbound.js'
import type { OutboundConfig } from '../../runtime/outbound.js'
import { LedgerError } from '../errors.js'
import { tooLarge } from './folder-source.js'
import type { TreeSource } from './source.js'

const CONNECT_MS = 10_000
const ANSWER_MS = 60_000
/** Attempts at one file; a server that is busy or restarts is waited for. */
const ATTEMPTS = 4
const RETRY_MS = 500
/** A full entry bundle, the largest file of a log. */
const MAX_ANSWER_BYTES = 256 * (2 + 65_535)
const ABSENT: ReadonlySet<number> = new Set([404, 410])
const inflate = promisify(gunzip)

/** The outcome of one attempt: a file, none, or why to try again. */
type Attempt = { readonly file: Uint8Array | undefined } | { readonly again: LedgerError }

/**
 * A log that a web server serves below `prefix`. Redirects are not followed.
 *
 * @throws RuntimeError `OUTBOUND_REFUSED` for a URL that may not be reached
 */
export function openUrl(prefix: string, outbound: OutboundConfig): TreeSource {
  const base = checkOutboundUrl(prefix, outbound)
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  base.search = ''
  base.hash = ''
  return new HttpSource(base, outboundAgent(outbound, CONNECT_MS, MAX_ANSWER_BYTES))
}

class HttpSource implements TreeSource {
  readonly #base: URL
  readonly #agent: Agent

  constructor(base: URL, agent: Agent) {
    this.#base = base
    this.#agent = agent
  }

  async read(path: string, limit: number): Promise<Uint8Array | undefined> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#try(path, limit)
      if ('file' in outcome) return outcome.file
      if (attempt === ATTEMPTS) throw outcome.again
      await pause(RETRY_MS * 2 ** (attempt - 1))
    }
  }

  async partials(): Promise<readonly number[]> {
    return []
  }

  async checkpoints(): Promise<readonly string[]> {
    return []
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }

  async #try(path: string, limit: number): Promise<Attempt> {
    const url = new URL(path, this.#base)
    try {
      const { statusCode, headers, body } = await request(url, {
        dispatcher: this.#agent,
        headers: { 'accept-encoding': 'gzip, identity' },
        headersTimeout: ANSWER_MS,
        bodyTimeout: ANSWER_MS,
      })
      if (statusCode !== 200) {
        await body.dump()
        if (ABSENT.has(statusCode)) return { file: undefined }
        const refusal = unreachable(url, `the answer is ${statusCode}`)
        if (statusCode === 429 || statusCode >= 500) return { again: refusal }
        throw refusal
      }
      const bytes = new Uint8Array(await body.arrayBuffer())
      return { file: await decode(url, path, bytes, headers['content-encoding'], limit) }
    } catch (cause) {
      if (cause instanceof LedgerError) throw cause
      // A refused address stays refused, and an answer that is too long stays so.
      if (codeOf(cause) === 'OUTBOUND_REFUSED') throw cause
      if (codeOf(cause) === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') throw tooLarge(path, limit)
      return { again: unreachable(url, messageOf(cause), cause) }
    }
  }
}

async function decode(
  url: URL,
  path: string,
  bytes: Uint8Array,
  encoding: string | string[] | undefined,
  limit: number,
): Promise<Uint8Array> {
  if (encoding === undefined || encoding === 'identity') {
    if (bytes.length > limit) throw tooLarge(path, limit)
    return bytes
  }
  if (encoding !== 'gzip') throw unreachable(url, `the answer has the content coding ${String(encoding)}`)
  try {
    return await inflate(bytes, { maxOutputLength: limit })
  } catch (cause) {
    if (codeOf(cause) === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(path, limit)
    throw unreachable(url, 'the answer is not the gzip that it says it is', cause)
  }
}

function unreachable(url: URL, reason: string, cause?: unknown): LedgerError {
  return new LedgerError('UNREACHABLE', `${url.href}: ${reason}`, { cause })
}
