import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'

import { telemetryConfig } from '../../../runtime/config-sections.js'
import { createLogger } from '../../../runtime/log.js'
import { phaseTimings } from '../../../runtime/telemetry/tracer.js'
import { startTelemetry } from '../../../runtime/telemetry/telemetry.js'

const lines: string[] = []
const log = createLogger({
  level: 'debug',
  role: 'test',
  destination: { write: (line) => void lines.push(line) },
})
const PARENT = { trace: '4bf92f3577b34da6a3ce929d0e0e4736', span: '00f067aa0ba902b7' }

interface SentSpan {
  readonly name: string
  readonly spanId: string
  readonly startTimeUnixNano: string
  readonly parentSpanId?: string
}

interface Sent {
  readonly resourceSpans?: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[]
  }[]
}

interface Received {
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: Sent
}

/** A receiver of OTLP/HTTP with JSON. */
const receiver = async () => {
  const received: Received[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      received.push({
        url: request.url ?? '',
        headers: request.headers,
        body: JSON.parse(Buffer.concat(chunks).toString()) as Sent,
      })
      response.setHeader('content-type', 'application/json')
      response.end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}/base/`,
    received,
    spans: () =>
      received
        .filter((item) => item.url === '/base/v1/traces')
        .flatMap((item) => item.body.resourceSpans ?? [])
        .flatMap((item) => item.scopeSpans)
        .flatMap((item) => item.spans),
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

void t.test('exposes metrics with bounded labels in Prometheus text format', async (t) => {
  const telemetry = await startTelemetry({
    role: 'gateway',
    thread: 2,
    version: '1.2.3',
    config: telemetryConfig.parse({}),
    log,
  })
  const count = telemetry.metrics.counter('portcullis.verdicts', {
    description: 'Verdicts by action and phase',
    labels: { action: ['allow', 'block'], phase: ['xss', 'rce'] },
  })
  count({ action: 'block', phase: 'xss' })
  count({ action: 'block', phase: 'xss' }, 2)
  count({ action: 'block', phase: '__proto__' })
  count({ action: 'made up by a client', phase: undefined })
  const record = telemetry.metrics.histogram('http.server.request.duration', {
    description: 'Duration',
    unit: 's',
    labels: { site: ['shop'] },
    buckets: [0.1, 1],
  })
  record(0.5, { site: 'shop' })
  record(0.1, { site: 'shop' })
  record(7, { site: 'made up by a client' })
  telemetry.metrics.histogram('portcullis.never', { description: 'None', labels: {}, buckets: [1] })
  telemetry.metrics.gauge('portcullis.outbox.depth', { description: 'Items' }, () => 7)
  telemetry.metrics.gauge('portcullis.absent', { description: 'None' }, () => undefined)
  const text = await telemetry.expose()
  t.match(text, /^portcullis_verdicts_total\{action="block",phase="xss",role="gateway",thread="2"\} 3$/m)
  t.match(text, /^portcullis_verdicts_total\{.*action="block",phase="other".*\} 1$/m)
  t.match(text, /^portcullis_verdicts_total\{.*action="other",phase="other".*\} 1$/m)
  t.notMatch(text, /made up|proto/)
  t.match(text, /^# TYPE http_server_request_duration histogram$/m)
  t.match(text, /^http_server_request_duration_bucket\{site="shop".*,le="0.1"\} 1$/m)
  t.match(text, /^http_server_request_duration_bucket\{site="shop".*,le="1"\} 2$/m)
  t.match(text, /^http_server_request_duration_bucket\{site="other".*,le="1"\} 0$/m)
  t.match(text, /^http_server_request_duration_bucket\{site="other".*,le="\+Inf"\} 1$/m)
  t.match(text, /^http_server_request_duration_sum\{site="shop".*\} 0.6$/m)
  t.match(text, /^http_server_request_duration_count\{site="shop",role="gateway",thread="2"\} 2$/m)
  t.notMatch(text, /portcullis_never/)
  t.match(text, /^portcullis_outbox_depth\{.*\} 7$/m)
  t.match(text, /^process_memory_usage\{/m)
  t.notMatch(text, /portcullis_absent\{/)
  await telemetry.shutdown()
})

void t.test('refuses a metric that could have too many series', async (t) => {
  const telemetry = await startTelemetry({ role: 'x', version: '1', config: telemetryConfig.parse({}), log })
  const many = Array.from({ length: 200 }, (_, n) => String(n))
  t.throws(
    () => telemetry.metrics.counter('m', { description: '', labels: { a: many, b: many } }),
    RangeError,
  )
  await telemetry.shutdown()
})

void t.test('makes no span and listens to nothing without a receiver', async (t) => {
  const telemetry = await startTelemetry({ role: 'x', version: '1', config: telemetryConfig.parse({}), log })
  const trace = telemetry.tracer.start(`00-${PARENT.trace}-${PARENT.span}-01`)
  t.equal(telemetry.tracer.listening, false)
  t.equal(telemetry.tracer.wants(trace, false), false)
  t.equal(trace.traceparent, `00-${PARENT.trace}-${PARENT.span}-01`)
  telemetry.tracer.finish(trace, { name: 'GET', startMs: 0, endMs: 1, allowed: false })
  await telemetry.shutdown()
})

void t.test('sends spans of sampled and of refused transactions, with a child for each phase', async (t) => {
  const otlp = await receiver()
  t.teardown(otlp.close)
  const config = telemetryConfig.parse({
    trace_ratio: 0,
    otlp: { endpoint: otlp.endpoint, headers: { 'x-key': 'k' } },
  })
  const telemetry = await startTelemetry({ role: 'gateway', version: '1.2.3', config, log })
  const { tracer } = telemetry
  const startMs = 1_700_000_000_000

  const sampled = tracer.start(`00-${PARENT.trace}-${PARENT.span}-01`)
  tracer.finish(sampled, {
    name: 'GET shop',
    startMs,
    endMs: startMs + 5,
    allowed: true,
    attributes: { 'http.request.method': 'GET' },
    children: phaseTimings(startMs, [
      ['xss', 1_500_000],
      ['rce', 250_000],
    ]),
  })
  const refused = tracer.start()
  t.equal(refused.sampled, false)
  t.equal(tracer.wants(refused, false), true)
  tracer.finish(refused, { name: 'POST shop', startMs, endMs: startMs + 1, allowed: false, failed: true })
  const plain = tracer.start()
  t.equal(tracer.wants(plain, true), false)
  tracer.finish(plain, { name: 'not sent', startMs, endMs: startMs + 1, allowed: true })
  telemetry.metrics.counter('portcullis.sent', { description: 'x', labels: {} })({}, 3)
  const took = { description: 'x', unit: 's', labels: {}, buckets: [1, 2] }
  telemetry.metrics.histogram('portcullis.took', took)(1.5, {})
  await telemetry.shutdown()

  const spans = otlp.spans()
  t.strictSame(
    spans.map((span) => span.name).sort((a, b) => (a < b ? -1 : 1)),
    ['GET shop', 'POST shop', 'phase rce', 'phase xss'],
  )
  const byName = (name: string) => spans.find((span) => span.name === name)
  t.match(byName('GET shop'), {
    traceId: PARENT.trace,
    spanId: sampled.spanId,
    parentSpanId: PARENT.span,
    startTimeUnixNano: `${startMs}000000`,
    endTimeUnixNano: `${startMs + 5}000000`,
  })
  t.match(byName('phase xss'), { traceId: PARENT.trace, parentSpanId: sampled.spanId })
  t.equal(byName('phase rce')?.startTimeUnixNano, `${startMs + 1}500000`)
  t.match(byName('POST shop'), { traceId: refused.traceId, spanId: refused.spanId, status: { code: 2 } })
  t.notOk(byName('POST shop')?.parentSpanId)
  const ids = spans.map((span) => span.spanId)
  t.equal(new Set(ids).size, ids.length)
  t.equal(otlp.received[0]?.headers['x-key'], 'k')
  const metrics = otlp.received.filter((item) => item.url === '/base/v1/metrics')
  t.match(JSON.stringify(metrics), /portcullis\.sent/)
  t.match(JSON.stringify(metrics), /"name":"portcullis\.took".*"bucketCounts":\[0,1,0\]/)
  t.match(JSON.stringify(metrics), /"stringValue":"gateway"/)
})

void t.test('a receiver that is gone is reported in the log, and the end is not held up', async (t) => {
  const otlp = await receiver()
  await otlp.close()
  const config = telemetryConfig.parse({ otlp: { endpoint: otlp.endpoint, timeout_seconds: 1 } })
  const telemetry = await startTelemetry({ role: 'x', version: '1', config, log })
  const trace = telemetry.tracer.start()
  telemetry.tracer.finish(trace, { name: 'a', startMs: 1, endMs: 2, allowed: false })
  lines.length = 0
  await telemetry.shutdown()
  t.match(lines.join(''), /ECONNREFUSED|telemetry/)
})
