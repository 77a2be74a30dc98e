import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ListenerName } from '../../gateway/listener/listener.js'
import { testConfiguration } from '../../detectors/ftw/configuration.js'
import { nativeLine, type Observed } from '../../detectors/ftw/check.js'
import { reflect } from '../../detectors/ftw/reflection.js'

interface LoggedRule {
  readonly id: number
  readonly msg: string
  readonly data: string
  readonly tags: readonly string[]
}

/** What the audit log holds of one request. */
interface Logged {
  readonly rules: LoggedRule[]
  /** The listener refused what it had read, with rules asked about the head at most. */
  malformed: boolean
}

/** What came back over the socket; what was logged is known only once all is sent. */
export interface Sent {
  readonly status: number | undefined
  readonly body: string
  readonly reachedUpstream: boolean
}

/** uWebSockets.js leaves some requests without a reply; that is waited for, once each. */
const ANSWER_MS: Readonly<Record<ListenerName, number>> = { strict: 10_000, node: 10_000, uws: 2_500 }

/**
 * The real gateway as its own process in front of a reflector. Before and after each request a marker request is sent, so
 * that the audit lines between two markers are that request's.
 */
export class GatewayTarget {
  readonly #folder: string
  readonly #upstream: Server
  readonly #gateway: ChildProcess
  readonly #log: string
  readonly #listener: ListenerName
  #port = 0
  #reached = 0

  private constructor(
    folder: string,
    upstream: Server,
    gateway: ChildProcess,
    log: string,
    listener: ListenerName,
  ) {
    this.#folder = folder
    this.#upstream = upstream
    this.#gateway = gateway
    this.#log = log
    this.#listener = listener
  }

  static async start(crs: string, listener: ListenerName, bin: string): Promise<GatewayTarget> {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-crs-'))
    const rules = join(folder, 'crs-test.conf')
    const log = join(folder, 'audit.log')
    writeFileSync(rules, testConfiguration(crs))
    const upstream = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        target.#reached++
        const { status, headers, body } = reflect(request.url ?? '/', Buffer.concat(chunks))
        response.writeHead(status, headers.flat())
        response.end(body)
      })
    })
    upstream.listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    const { port } = upstream.address() as AddressInfo
    const gateway = spawn(
      process.execPath,
      `${bin} gateway --listen 127.0.0.1:0 --admin 127.0.0.1:0 --listener ${listener}
        --upstream http://127.0.0.1:${port} --mode detect --phases custom_rules --rules ${rules}
        --audit-log ${log} --audit-mask none --data ${join(folder, 'data')}`.split(/\s+/),
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    const target = new GatewayTarget(folder, upstream, gateway, log, listener)
    target.#port = await listeningPort(gateway)
    return target
  }

  async marker(): Promise<string> {
    const id = randomUUID()
    await this.send(
      Buffer.from(`GET / HTTP/1.1\r\nHost: localhost\r\nX-CRS-Test: ${id}\r\nConnection: close\r\n\r\n`),
    )
    return id
  }

  async send(bytes: Buffer): Promise<Sent> {
    const before = this.#reached
    const socket = connect(this.#port, '127.0.0.1')
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      // A connection that stays open would be waited for; one whole answer is all that a test needs.
      if (isWhole(Buffer.concat(chunks))) socket.end()
    })
    socket.on('error', () => undefined)
    socket.setTimeout(ANSWER_MS[this.#listener], () => socket.destroy())
    // A reset is an answer too, so this waits for the end whatever it is.
    const closed = new Promise<void>((resolve) => {
      socket.on('close', () => {
        resolve()
      })
    })
    socket.write(bytes)
    await closed
    const answer = Buffer.concat(chunks).toString('latin1')
    const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1]
    return {
      status: status === undefined ? undefined : Number(status),
      body: answer.slice(answer.indexOf('\r\n\r\n') + 4),
      reachedUpstream: this.#reached > before,
    }
  }

  /** What was logged between two markers. Call it after the last marker is on disk. */
  logged(): Map<string, Logged> {
    const between = new Map<string, Logged>()
    let current: Logged = { rules: [], malformed: false }
    for (const line of readFileSync(this.#log, 'utf8').split('\n')) {
      if (line === '') continue
      const { rules, verdict } = JSON.parse(line) as { rules: LoggedRule[]; verdict: { phase: string } }
      const marker = rules.find((rule) => rule.id === 999999)
      if (!marker) {
        current.rules.push(...rules)
        current.malformed ||= verdict.phase === 'malformed'
      } else {
        current = { rules: [], malformed: false }
        between.set(marker.msg.replace('X-CRS-Test ', ''), current)
      }
    }
    return between
  }

  async stop(): Promise<void> {
    if (this.#gateway.exitCode !== null) return
    const gone = once(this.#gateway, 'exit')
    this.#gateway.kill('SIGTERM')
    await gone
    this.#upstream.closeAllConnections()
    this.#upstream.close()
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export const observe = (sent: Sent, rules: readonly LoggedRule[]): Observed => ({
  status: sent.status,
  body: sent.body,
  ids: rules.map((rule) => rule.id),
  lines: rules.map(nativeLine),
})

/** What a listener answers by itself to a request that it does not take. */
const REFUSALS: ReadonlySet<number> = new Set([400, 405, 408, 413, 414, 417, 431, 501, 505])

/**
 * Whether the listener itself refused a request: a refusal or no reply, and the upstream did not see it. The gateway only
 * detects, so what the engine is given reaches the upstream; the log has nothing of it, or says that it was malformed.
 */
export const refusedByListener = (sent: Sent, logged: Logged): boolean =>
  !sent.reachedUpstream &&
  (sent.status === undefined || REFUSALS.has(sent.status)) &&
  (logged.malformed || logged.rules.length === 0)

/** Whether an answer has arrived to its end, as far as its own framing tells. */
function isWhole(bytes: Buffer): boolean {
  const text = bytes.toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const head = text.slice(0, end)
  if (/^HTTP\/1\.[01] 1\d\d/.test(head)) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) return text.length >= end + 4 + Number(length)
  return /\r\ntransfer-encoding: *chunked/i.test(head) && text.endsWith('0\r\n\r\n')
}

/** The port that the gateway says in its log that it listens on. */
async function listeningPort(gateway: ChildProcess): Promise<number> {
  if (!gateway.stderr) throw new Error('the gateway has no standard error')
  const lines: string[] = []
  for await (const line of createInterface(gateway.stderr)) {
    lines.push(line)
    const port = /"host":"127\.0\.0\.1","port":(\d+)/.exec(line)?.[1]
    if (port !== undefined) {
      gateway.stderr.resume()
      return Number(port)
    }
  }
  throw new Error(`the gateway did not start:\n${lines.join('\n')}`)
}
