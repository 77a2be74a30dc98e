/**
 * CPU time of what follows an answer: measuring a transaction, and, unless it was a plain allow, its audit line, its record
 * in the verdict store, its ledger action and its event, all to real files. A process of its own takes the outbox empty,
 * as the ledger and incidents do.
 *
 *     npm run recording -- [--seconds 5] [--rate 20000]
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { detectionConfig } from '../../detectors/config.js'
import type { InspectionResult } from '../../detectors/inspection.js'
import type { RuleMatch } from '../../detectors/verdict.js'
import { ALLOW } from '../../detectors/verdict.js'
import { gatewayConfig } from '../../gateway/config.js'
import { allocateCounters, SharedCounterStore } from '../../gateway/counters.js'
import { DataPlane } from '../../gateway/data-plane.js'
import { GatewayMeter } from '../../gateway/meter.js'
import { Recorder } from '../../gateway/recorder.js'
import { openSites } from '../../gateway/sites.js'
import type { Transaction } from '../../gateway/transaction.js'
import { VerdictStore } from '../../gateway/verdict-store.js'
import { openLedgerRecorder, rolePaths } from '../../ledger/client/client.js'
import { telemetryConfig } from '../../runtime/config-sections.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { createLogger } from '../../runtime/log.js'
import { startTelemetry } from '../../runtime/telemetry/telemetry.js'
import { openTopic } from '../../runtime/topics.js'
import { uuidv7 } from '../../runtime/uuid.js'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '20000' },
    drain: { type: 'string' },
  },
})

/** What the Core Rule Set says of `GET /?q=<script>alert(1)</script>` at paranoia level 1. */
const match = (id: number, over: Partial<RuleMatch> = {}): RuleMatch => ({
  id,
  seclangPhase: 2,
  phase: 'owasp_crs',
  severity: 2,
  msg: 'XSS Filter - Category 1: Script Tag Vector',
  data: 'Matched Data: <script> found within ARGS:q: <script>alert(1)</script>',
  variable: 'ARGS:q',
  sample: '<script>alert(1)</script>',
  source: [{ part: 'line', offset: 8, length: 25 }],
  tags: [
    'application-multi',
    'language-multi',
    'platform-multi',
    'attack-xss',
    'xss-perf-disable',
    'paranoia-level/1',
    'OWASP_CRS',
    'OWASP_CRS/ATTACK-XSS',
    'capec/1000/152/242',
  ],
  logged: true,
  file: '/etc/portcullis/crs/rules/REQUEST-941-APPLICATION-ATTACK-XSS.conf',
  line: 75,
  ...over,
})

const BLOCKED: InspectionResult = {
  verdict: {
    ...ALLOW,
    action: 'block',
    status: 403,
    phase: 'owasp_crs',
    rule: 949110,
    score: 20,
    reason: 'Inbound Anomaly Score Exceeded (Total Score: 20)',
  },
  matches: [
    match(941100, { msg: 'XSS Attack Detected via libinjection' }),
    match(941110),
    match(941160, { msg: 'NoScript XSS InjectionChecker: HTML Injection' }),
    match(941390, { msg: 'Javascript method detected' }),
    match(949110, {
      msg: 'Inbound Anomaly Score Exceeded (Total Score: 20)',
      data: '',
      variable: 'TX:BLOCKING_INBOUND_ANOMALY_SCORE',
      sample: '20',
      source: [],
      tags: ['anomaly-evaluation', 'OWASP_CRS'],
    }),
  ],
  timings: [],
}
const ALLOWED: InspectionResult = { verdict: ALLOW, matches: [], timings: [] }

interface Cost {
  /** µs of all threads for each. */
  readonly all: number
  readonly main: number
  readonly done: number
}

const clock = { now: () => Date.now() }
const log = createLogger({ level: 'error', role: 'bench' })

/** Takes everything out of the outbox, until its parent is gone. */
const drain = (folder: string): void => {
  const outbox = openOutbox(folder)
  for (const name of ['ledger', 'events'] as const)
    openTopic(outbox, name).consume(name === 'ledger' ? 'ledger' : 'incidents', () => Promise.resolve())
  process.on('disconnect', () => process.exit(0))
  process.send?.('ready')
}

/** CPU time of all threads of this process, and of the one that runs JavaScript, in µs (Linux counts it in hundredths of a second). */
const cpuMicros = (): { readonly all: number; readonly main: number } => {
  const { user, system } = process.cpuUsage()
  const [, fields = ''] = readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8').split(') ')
  const [utime = 0, stime = 0] = fields.split(' ').slice(11, 13).map(Number)
  return { all: user + system, main: (utime + stime) * 10_000 }
}

const measure = async (): Promise<void> => {
  const seconds = Number(values.seconds)
  const rate = Number(values.rate)
  const dataDir = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const outbox = openOutbox(join(dataDir, 'outbox'))
  const child = fork(process.argv[1] ?? '', ['--drain', join(dataDir, 'outbox')])
  await once(child, 'message')
  const config = gatewayConfig.parse({ audit_log: { file: join(dataDir, 'audit.jsonl') } })
  const ledger = await openLedgerRecorder({
    agent: 'gateway',
    ...rolePaths(dataDir, 'gateway'),
    topic: openTopic(outbox, 'ledger'),
    clock,
  })
  const telemetry = await startTelemetry({
    role: 'gateway',
    version: '0',
    config: telemetryConfig.parse({}),
    log,
  })
  const meter = new GatewayMeter(telemetry)
  const recorder = await Recorder.open({
    auditFile: config.audit_log.file,
    store: VerdictStore.open(dataDir, config.verdicts),
    events: openTopic(outbox, 'events'),
    ledger,
    clock,
    meter,
    log,
  })
  const sites = await openSites({
    config,
    detection: detectionConfig.parse({}),
    only: [],
    clock,
    counters: new SharedCounterStore(allocateCounters(1024)),
    monotonic: undefined,
    warn: () => undefined,
  })
  const plane = new DataPlane({ config, sites: sites.table, clock, meter, log, sink: recorder })
  const transactionOf = (result: InspectionResult): Transaction => {
    const startedAt = clock.now()
    return {
      requestId: uuidv7(startedAt),
      clientRequestId: undefined,
      site: plane.sites.find('shop.example'),
      inspection: { end: () => result } as unknown as Transaction['inspection'],
      client: '192.0.2.7',
      peer: '192.0.2.7',
      viaTrustedProxy: false,
      authority: 'shop.example',
      routed: undefined,
      trace: telemetry.tracer.start(undefined),
      method: 'GET',
      target: '/?q=<script>alert(1)</script>',
      startedAt,
      startedMono: performance.now(),
      refusal: undefined,
    }
  }

  /** Finishes transactions at a fixed rate, and gives µs of all threads of this process for each. */
  const run = async (work: () => void, perSecond: number): Promise<Cost> => {
    const from = performance.now()
    const cpu = cpuMicros()
    let done = 0
    while (performance.now() - from < seconds * 1000) {
      const due = Math.floor(((performance.now() - from) / 1000) * perSecond)
      for (; done < due; done++) work()
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await recorder.flush()
    const { all, main } = cpuMicros()
    return { all: (all - cpu.all) / done, main: (main - cpu.main) / done, done }
  }

  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  const report = (name: string, { all, main, done }: Cost): void =>
    say(
      `${name.padEnd(36)}${all.toFixed(2).padStart(8)} µs, ${main.toFixed(2).padStart(6)} of them JavaScript's, ${done} times`,
    )
  const opened = (result: InspectionResult): void => void transactionOf(result)
  const finished = (result: InspectionResult, status: number): void =>
    plane.finish(transactionOf(result), status)
  await run(() => finished(BLOCKED, 403), rate / 4)
  await run(() => finished(ALLOWED, 200), rate)
  const base = await run(() => opened(ALLOWED), rate * 5)
  report('an id, a trace and a transaction', base)
  report('… and its end, allowed', await run(() => finished(ALLOWED, 200), rate * 5))
  report('… and its end, blocked', await run(() => finished(BLOCKED, 403), rate))
  report('… at a quarter of the rate', await run(() => finished(BLOCKED, 403), rate / 4))
  const lost = (await telemetry.expose())
    .split('\n')
    .filter((line) => line.startsWith('portcullis_records_lost'))
  say(lost.length === 0 ? 'nothing was lost' : lost.join('\n'))
  say(JSON.stringify(ledger.totals))
  await recorder.close()
  await ledger.close()
  await sites.close(0)
  await telemetry.shutdown()
  child.disconnect()
  await outbox.close()
  rmSync(dataDir, { recursive: true })
}

if (values.drain === undefined) await measure()
else drain(values.drain)
