import { once } from 'node:events'
import type { Socket } from 'node:net'
import { codeOf, messageOf } from '../../../runtime/errors.js'
import { contentOf, discard, spool, type Source, type Spooled } from '../../spool.js'
import { isFound, type FileResult } from '../../verdict.js'
import { ByteReader } from '../byte-reader.js'
import { MAX_CONNECTIONS } from '../connections.js'
import { ProtocolError } from '../errors.js'
import type { ScanService } from '../scan-service.js'
import { headOf, infectionFields, isBlocked, reasonOf, verdictFields, type Fields } from './answer.js'
import { blockPage } from './block-page.js'
import { IcapBody, type BodyTimes } from './body.js'
import type { IcapPolicy } from './config.js'
import { codingsOf, CodingError, decode } from './content-coding.js'
import { parseEncapsulated } from './encapsulated.js'
import { readHead, type Head } from './head.js'
import { httpMessage, parseRequest, type HttpMessage, type IcapRequest } from './request.js'

export interface IcapTimes extends BodyTimes {
  /** Milliseconds in which a head has to be whole. */
  readonly head: number
}

export const ICAP_TIMES: IcapTimes = { head: 30_000, idle: 60_000, body: 600_000 }

/** The one service: it takes requests and responses. */
const SERVICE = 'scan'
/** Bytes that a client sends first: small contents come whole with them, and of large ones nothing is sent in vain. */
const PREVIEW = 1024
const OPTIONS_TTL_SECONDS = 600
/** After an answer that ends the connection, how long what the client still sends is thrown away. */
const LINGER_MS = 5_000

/** Serves one client of ICAP (RFC 3507), one message after another. */
export async function serveIcap(
  socket: Socket,
  service: ScanService,
  policy: IcapPolicy,
  times: IcapTimes = ICAP_TIMES,
): Promise<void> {
  const session = new IcapSession(socket, service, policy, times)
  try {
    await session.run()
  } catch (error) {
    if (!(error instanceof ProtocolError) && !socket.destroyed) throw error
    await session.refuse(error)
  } finally {
    await session.finish()
  }
}

class IcapSession {
  readonly #reader: ByteReader
  readonly #gone = new AbortController()

  constructor(
    readonly socket: Socket,
    readonly service: ScanService,
    readonly policy: IcapPolicy,
    readonly times: IcapTimes,
  ) {
    this.#reader = new ByteReader(socket)
    socket.once('close', () => this.#gone.abort())
  }

  async run(): Promise<void> {
    const { head: headMs, idle } = this.times
    for (let goesOn = true; goesOn;) {
      const head = await readHead(this.#reader, idle, headMs)
      if (!head) return
      goesOn = await this.#serve(head)
    }
  }

  /** Tells the client, when it can still be told, what is wrong with what it sent. */
  async refuse(error: unknown): Promise<void> {
    const code = codeOf(error)
    if (this.socket.destroyed || code === 'PROTOCOL_ENDED') return
    const status = code === 'PROTOCOL_TIMEOUT' ? 408 : 400
    await this.#send(this.#head(status, { connection: 'close' })).catch(() => undefined)
  }

  /** Ends the connection without cutting off an answer that the client has not read. */
  async finish(): Promise<void> {
    if (this.socket.destroyed) return
    this.socket.end()
    await this.#reader.drain(LINGER_MS)
    this.socket.destroy()
  }

  /** @returns whether another message may follow */
  async #serve(head: Head): Promise<boolean> {
    const request = parseRequest(head)
    const only = async (status: number, fields: Fields = {}): Promise<boolean> => {
      await this.#send(this.#head(status, { ...fields, connection: 'close' }))
      return false
    }
    if (request.version !== 'ICAP/1.0') return only(505)
    if (request.service !== SERVICE) return only(404)
    switch (request.method) {
      case 'OPTIONS':
        return this.#options(request)
      case 'REQMOD':
      case 'RESPMOD':
        return this.#modify(request)
      default:
        return only(405, { allow: 'OPTIONS, REQMOD, RESPMOD' })
    }
  }

  /** What the service can (section 4.10.2). */
  async #options({ fields, keepsAlive }: IcapRequest): Promise<boolean> {
    const body = fields.get('encapsulated')
    if (body !== undefined && body.trim() !== 'null-body=0')
      throw new ProtocolError('PROTOCOL_MALFORMED', 'OPTIONS takes no body')
    await this.#send(
      this.#head(200, {
        methods: 'REQMOD, RESPMOD',
        service: `Portcullis ${this.service.version}`,
        'max-connections': String(MAX_CONNECTIONS),
        'options-ttl': String(OPTIONS_TTL_SECONDS),
        allow: '204',
        preview: String(PREVIEW),
        'transfer-preview': '*',
        encapsulated: 'null-body=0',
        ...(keepsAlive ? {} : { connection: 'close' }),
      }),
    )
    return keepsAlive
  }

  async #modify(request: IcapRequest): Promise<boolean> {
    const encapsulated = parseEncapsulated(request.fields.get('encapsulated'), request.method)
    const heads = await this.#reader.exactly(encapsulated.length, this.times.head)
    const message = httpMessage(request.method, encapsulated, heads)
    const hasBody = encapsulated.body !== 'null-body'
    const limit = Math.min(this.service.maxStreamSize, this.service.pool.options.maxFileSize)
    const isTooLarge = (message.contentLength ?? 0) > limit
    const body = new IcapBody(this.#reader, this.times, request.preview, async () => {
      if (isTooLarge) throw new ProtocolError('PROTOCOL_TOO_LARGE', 'the content is over the limit')
      await this.#send('ICAP/1.0 100 Continue\r\n\r\n')
    })
    const spooled = hasBody ? await this.#takeIn(body, limit) : NOTHING
    try {
      const result = await this.#judge(spooled, message)
      const keepsAlive = request.keepsAlive && (!hasBody || body.complete)
      // As an answer to a preview it is always allowed, since the client still has what it sent.
      const may204 = request.allows204 || (request.preview !== undefined && hasBody && !body.continued)
      await this.#answer(result, { message, spooled, may204, keepsAlive })
      return keepsAlive
    } finally {
      if (spooled !== undefined) await discard(spooled)
    }
  }

  /** @returns undefined when it could not be kept */
  async #takeIn(body: IcapBody, limit: number): Promise<Spooled | undefined> {
    try {
      return await spool(body, limit)
    } catch (error) {
      if (codeOf(error) === 'PROTOCOL_TOO_LARGE') return { kind: 'too_large', limit }
      if (error instanceof ProtocolError) throw error
      this.service.log.error({ err: error }, 'a content could not be taken in')
      return undefined
    }
  }

  async #judge(
    spooled: Spooled | undefined,
    { name, contentCoding, contentType }: HttpMessage,
  ): Promise<FileResult> {
    const { pool } = this.service
    if (spooled === undefined) return failed(name, 'not_taken_in', 'the content could not be taken in')
    if (spooled.kind === 'memory' && spooled.content.length === 0)
      return { path: name, verdict: 'clean', reasons: [], ms: 0 }
    try {
      const codings = codingsOf(contentCoding)
      const isForm = contentType !== undefined && /^multipart\//i.test(contentType)
      if ((codings.length === 0 && !isForm) || spooled.kind === 'too_large')
        return await pool.judgeSpooled(spooled, name, { priority: 'demand' })
      const content = codings.length === 0 ? contentOf(spooled) : decode(contentOf(spooled), codings)
      const whole = isForm ? withType(content, contentType) : content
      return await pool.judgeContent(whole, name, { priority: 'demand' })
    } catch (error) {
      if (!(error instanceof CodingError))
        this.service.log.error({ err: error }, 'a content could not be judged')
      return failed(name, error instanceof CodingError ? 'content_coding' : 'not_judged', messageOf(error))
    }
  }

  async #answer(result: FileResult, exchange: Exchange): Promise<void> {
    const { verdict, path } = result
    const { service, policy } = this
    const givesBack =
      exchange.may204 || (exchange.spooled !== undefined && exchange.spooled.kind !== 'too_large')
    const blocks = isBlocked(verdict, policy) || !givesBack
    if (verdict !== 'clean')
      service.log.warn(
        { path, verdict, reasons: result.reasons, answer: blocks ? 'blocked' : 'passed' },
        'a content sent over ICAP is not clean',
      )
    if (isFound(verdict))
      await service
        .report(result)
        .catch((error: unknown) => service.log.error({ err: error }, 'a finding could not be recorded'))
    if (blocks) await this.#block(result, exchange)
    else await this.#pass(result, exchange)
  }

  /** A page in place of the content, also in place of a request (section 4.8.2). */
  async #block(result: FileResult, { keepsAlive }: Exchange): Promise<void> {
    const why = reasonOf(result)
    const { head, body } = isFound(result.verdict)
      ? blockPage(403, 'Content blocked', 'The content was found to be harmful and was not delivered.', why)
      : blockPage(500, 'Content not checked', 'The content could not be checked and was not delivered.', why)
    await this.#send(
      this.#head(200, {
        ...verdictFields(result),
        ...infectionFields(result),
        ...(keepsAlive ? {} : { connection: 'close' }),
        encapsulated: `res-hdr=0, res-body=${head.length}`,
      }),
    )
    await this.#send(Buffer.concat([head, ...chunk(body), LAST_CHUNK]))
  }

  /** Nothing needs to be changed; or the very same message back, to a client that did not keep it. */
  async #pass(result: FileResult, { message, spooled, may204, keepsAlive }: Exchange): Promise<void> {
    const fields: Fields = {
      ...(result.verdict === 'clean' ? {} : verdictFields(result)),
      ...(keepsAlive ? {} : { connection: 'close' }),
    }
    if (may204 || spooled === undefined || spooled.kind === 'too_large') {
      await this.#send(this.#head(204, fields))
      return
    }
    const { head, headName, encapsulated } = message
    const first = head.length === 0 ? '' : `${headName}=0, `
    await this.#send(
      this.#head(200, { ...fields, encapsulated: `${first}${encapsulated.body}=${head.length}` }),
    )
    await this.#send(head)
    if (encapsulated.body === 'null-body') return
    const content = contentOf(spooled)
    for await (const piece of content instanceof Uint8Array ? [content] : content)
      if (piece.length > 0) await this.#send(Buffer.concat(chunk(piece)))
    await this.#send(LAST_CHUNK)
  }

  #head(status: number, fields: Fields): string {
    return headOf(status, {
      date: new Date().toUTCString(),
      istag: `"${this.service.ruleSetVersion().slice(0, 30)}"`,
      ...fields,
    })
  }

  /** Resolves when the client has room for more. @throws ProtocolError `PROTOCOL_TIMEOUT` when it takes nothing */
  async #send(bytes: string | Buffer): Promise<void> {
    const { socket } = this
    if (socket.destroyed) throw new ProtocolError('PROTOCOL_ENDED', 'the client is gone')
    if (socket.write(bytes)) return
    const slow = AbortSignal.timeout(this.times.idle)
    await once(socket, 'drain', { signal: AbortSignal.any([slow, this.#gone.signal]) }).catch(
      (cause: unknown) => {
        socket.destroy()
        throw new ProtocolError('PROTOCOL_TIMEOUT', 'the client does not read its answer', { cause })
      },
    )
  }
}

/** One message and what may be said of it. */
interface Exchange {
  readonly message: HttpMessage
  /** Undefined when it could not be taken in. */
  readonly spooled: Spooled | undefined
  readonly may204: boolean
  readonly keepsAlive: boolean
}

const NOTHING: Spooled = { kind: 'memory', content: Buffer.alloc(0) }
const LAST_CHUNK = Buffer.from('0\r\n\r\n')

const chunk = (piece: Uint8Array): Uint8Array[] => [
  Buffer.from(`${piece.length.toString(16)}\r\n`),
  piece,
  Buffer.from('\r\n'),
]

/** The files in a form are found as those in a mail are: by the boundary that its type names, which its body does not say. */
async function* withType(content: Source, type: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`Content-Type: ${type}\r\n\r\n`, 'latin1')
  if (content instanceof Uint8Array) yield content
  else yield* content
}

const failed = (path: string, rule: string, detail: string): FileResult => ({
  path,
  verdict: 'error',
  reasons: [{ engine: 'file', rule, level: 'error', detail }],
  ms: 0,
})
