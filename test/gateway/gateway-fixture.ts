import { mkdtempSync, readFileSync } from 'node:fs'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import { createServer, request } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

import { detectionConfig } from '../../detectors/config.js'
import { gatewayConfig } from '../../gateway/config.js'
import type { RunningGateway } from '../../gateway/role.js'
import { startGateway } from '../../gateway/role.js'
import { openLedgerRecorder, rolePaths } from '../../ledger/client/client.js'
import { telemetryConfig } from '../../runtime/config-sections.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { createLogger } from '../../runtime/log.js'
import type { Outbox } from '../../runtime/outbox.js'
import { startTelemetry } from '../../runtime/telemetry/telemetry.js'
import { openTopic } from '../../runtime/topics.js'

export const LISTENERS = ['strict', 'node', 'uws'] as const
export type ListenerUnderTest = (typeof LISTENERS)[number]

export interface GatewayUnderTest {
  readonly port: number
  readonly gateway: RunningGateway
  readonly dataDir: string
  readonly auditFile: string
  readonly outbox: Outbox
  /** Audit lines written so far; waits until they are on disk. */
  readonly audit: () => Promise<AuditLine[]>
  /** Waits until there are at least so many lines. */
  readonly auditOf: (count: number) => Promise<AuditLine[]>
  readonly close: () => Promise<void>
}

export interface AuditLine {
  time: string
  request_id: string
  client_request_id?: string
  client: string
  request: { method: string; uri: string; host: string }
  verdict: {
    action: string
    mode: string
    phase: string | null
    rule: number | null
    status: number
    score: number
    truncated: string[]
  }
  rules: {
    id: number
    seclang_phase: number
    severity: number | null
    msg: string
    data: string
    variable: string
    sample: string
    tags: string[]
  }[]
}

export interface FixtureOptions {
  readonly listener?: ListenerUnderTest
  readonly config?: Record<string, unknown>
  readonly detection?: Record<string, unknown>
  /** The data folder of an earlier one that was closed. Default: a new one. */
  readonly dataDir?: string
}

/** Starts a gateway with everything real behind it: rules, outbox, ledger client, verdict store. Ends with the test. */
export const startUnderTest = async (
  t: Test,
  upstream: string | undefined,
  options: FixtureOptions = {},
): Promise<GatewayUnderTest> => {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'portcullis-gateway-'))
  const auditFile = join(dataDir, 'audit.jsonl')
  const log = createLogger({ level: process.env['TEST_LOG'] === '1' ? 'debug' : 'silent', role: 'gateway' })
  const config = gatewayConfig.parse({
    listen: '127.0.0.1:0',
    listener: options.listener ?? 'node',
    ...(upstream === undefined ? {} : { upstream }),
    audit_log: { file: auditFile },
    ...options.config,
  })
  const outbox = openOutbox(join(dataDir, 'outbox'))
  const paths = rolePaths(dataDir, 'gateway')
  const clock = { now: () => Date.now() }
  const ledger = await openLedgerRecorder({
    agent: 'gateway',
    ...paths,
    topic: openTopic(outbox, 'ledger'),
    clock,
  })
  const telemetrySettings = telemetryConfig.parse({})
  const telemetry = await startTelemetry({ role: 'gateway', version: '0', config: telemetrySettings, log })
  const gateway = await startGateway(config, {
    dataDir,
    detection: detectionConfig.parse(options.detection ?? {}),
    events: openTopic(outbox, 'events'),
    commands: openTopic(outbox, 'commands.gateway'),
    ledger,
    telemetry,
    telemetryConfig: telemetrySettings,
    version: '0',
    log,
  })
  const audit = async (): Promise<AuditLine[]> => {
    await gateway.flush()
    return readFileSync(auditFile, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as AuditLine)
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= (async () => {
      await gateway.close()
      await ledger.close()
      await outbox.close()
      await telemetry.shutdown()
    })()
    return closing
  }
  t.teardown(close)
  const auditOf = async (count: number): Promise<AuditLine[]> => {
    for (;;) {
      const lines = await audit()
      if (lines.length >= count) return lines
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  return { port: gateway.address.port, gateway, dataDir, auditFile, outbox, audit, auditOf, close }
}

export interface UpstreamUnderTest {
  readonly origin: string
  readonly port: number
  readonly server: Server
  /** Heads of the requests that came, in order. */
  readonly seen: { method: string; url: string; raw: string[]; headers: IncomingMessage['headers'] }[]
}

/** A real HTTP server on loopback. Ends with the test. */
export const startUpstream = async (t: Test, handler: RequestListener): Promise<UpstreamUnderTest> => {
  const seen: UpstreamUnderTest['seen'] = []
  const server = createServer((req, res) => {
    seen.push({ method: req.method ?? '', url: req.url ?? '', raw: req.rawHeaders, headers: req.headers })
    handler(req, res)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { origin: `http://127.0.0.1:${port}`, port, server, seen }
}

/** Answers with the body that came. */
export const echo: RequestListener = (req, res) => {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => {
    res.setHeader('content-type', 'text/plain')
    res.end(Buffer.concat(chunks))
  })
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly trailers: IncomingMessage['trailers']
}

export interface Ask {
  readonly method?: string
  readonly headers?: Record<string, string | string[]>
  readonly body?: string | Uint8Array
}

/** One request over a connection of its own. */
export const ask = (
  port: number,
  path: string,
  { method = 'GET', headers = {}, body }: Ask = {},
): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const req = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (res) => {
      const chunks: Buffer[] = []
      res.on('data', (chunk: Buffer) => chunks.push(chunk))
      res.on('error', reject)
      res.on('end', () =>
        resolve({
          status: res.statusCode ?? 0,
          headers: res.headers,
          body: Buffer.concat(chunks).toString('latin1'),
          trailers: res.trailers,
        }),
      )
    })
    req.on('error', reject)
    req.end(body)
  })

/** Sends bytes as they are and gathers what comes until the other end closes, or until `done` says that it is enough. */
export const sendRaw = (
  port: number,
  bytes: string | Uint8Array,
  done: (text: string) => boolean = () => false,
): Promise<string> =>
  new Promise((resolve) => {
    const socket: Socket = connect(port, '127.0.0.1')
    let text = ''
    const finish = (): void => {
      socket.destroy()
      resolve(text)
    }
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (done(text)) finish()
    })
    socket.on('error', finish)
    socket.on('close', finish)
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  })
