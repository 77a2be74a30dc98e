import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

import type { DetectionConfig } from '../detectors/config.js'
import type { PhaseReport } from '../detectors/modes.js'
import type { Clock } from '../detectors/ports.js'
import type { PhaseName } from '../detectors/verdict.js'
import type { LedgerRecorder } from '../ledger/client/types.js'
import type { TelemetryConfig } from '../runtime/config-sections.js'
import type { Logger, LogLevel } from '../runtime/log.js'
import { LOG_LEVELS } from '../runtime/log.js'
import type { Topic } from '../runtime/outbox.js'
import { mergeExposition } from '../runtime/telemetry/merge-exposition.js'
import type { Telemetry } from '../runtime/telemetry/telemetry.js'
import { keepYoungObjectsYoung } from '../runtime/young-objects.js'
import { Responder } from './answers/responder.js'
import type { GatewayConfig } from './config.js'
import { splitHostPort } from '../runtime/host-port.js'
import { allocateCounters, SharedCounterStore } from './counters.js'
import { pickListener, sharesPort } from './listener/choose.js'
import type { ListenerName } from './listener/listener.js'
import { GatewayMeter } from './meter.js'
import type { PlaneServer, PlaneSetup } from './plane-server.js'
import { startPlane } from './plane-server.js'
import { PlaneThreads } from './plane-threads.js'
import { Recorder } from './recorder.js'
import { VerdictStore } from './verdict-store.js'

export interface GatewayDeps {
  /** The data folder; the gateway keeps its verdicts in `gateway/verdicts` below it. */
  readonly dataDir: string
  readonly detection: DetectionConfig
  /** Runs only these phases (`--phases`). */
  readonly only?: readonly PhaseName[]
  /** The outbox's topic `events`. */
  readonly events: Topic
  /** The outbox's topic `commands.gateway`. */
  readonly commands: Topic
  readonly ledger: LedgerRecorder
  readonly telemetry: Telemetry
  /** With several threads, each has telemetry of its own, made from these. */
  readonly telemetryConfig: TelemetryConfig
  readonly version: string
  readonly log: Logger
  readonly clock?: Clock
}

/** A gateway that serves. */
export interface RunningGateway {
  readonly address: { readonly host: string; readonly port: number }
  readonly listener: ListenerName
  /** Why this listener; a sentence. */
  readonly why: string
  /** What this listener cannot deliver, a sentence each. */
  readonly limits: readonly string[]
  readonly threads: number
  /** The mode that each phase runs in, by site. */
  readonly effectiveModes: Readonly<Record<string, readonly PhaseReport[]>>
  /** Readiness checks, as `RunningRole.checks` wants them. */
  readonly checks: Readonly<Record<string, () => string | undefined>>
  /** Metrics of all threads in Prometheus' text format. */
  metrics(): Promise<string>
  /** Takes the audit log's file anew; for SIGHUP. */
  reopen(): void
  /** Resolves when everything recorded so far is on disk. */
  flush(): Promise<void>
  /** Resolves when every command given before was carried out or refused, and told. */
  settled(): Promise<void>
  /** Stops accepting, finishes requests in flight, keeps their records. The outbox, the ledger client and telemetry stay open. */
  close(): Promise<void>
}

const isLogLevel = (text: string): text is LogLevel => LOG_LEVELS.some((level) => level === text)

/** A port that is free right now, for threads that have to agree on one. */
const freePort = async (host: string): Promise<number> => {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject)
    probe.listen(0, host, resolve)
  })
  const address: AddressInfo | string | null = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

/**
 * Starts the gateway: picks the listener, compiles the sites, binds the port, begins to record. With one thread everything
 * runs here; with several, each serves the port with a data plane of its own, and this one keeps the records.
 *
 * @throws GatewayError, ListenerError, DetectorError or SecLangError when something of the configuration cannot be honoured
 */
export const startGateway = async (config: GatewayConfig, deps: GatewayDeps): Promise<RunningGateway> => {
  keepYoungObjectsYoung()
  const { log, telemetry } = deps
  const clock = deps.clock ?? { now: () => Date.now() }
  const { host, port } = splitHostPort(config.listen)
  const { name, why } = await pickListener(config.listener, {
    tls: config.tls !== undefined,
    threads: config.threads,
  })
  const threads = sharesPort(name) ? config.threads : 1
  if (threads < config.threads)
    log.warn(
      { asked: config.threads },
      `threads: the ${name} listener serves with one thread here; strict with Node 22.12 on Linux and uws share a port`,
    )
  const counters = allocateCounters()
  const shared = new SharedCounterStore(counters)
  for (const table of ['buckets', 'offences', 'bans'] as const)
    telemetry.metrics.gauge(
      `portcullis.counters.evicted_${table}`,
      { description: `Rate limit ${table} given up for room while they still meant something.` },
      () => shared.evicted[table],
    )
  const meter = new GatewayMeter(telemetry)
  const store = VerdictStore.open(deps.dataDir, config.verdicts)
  const recorder = await Recorder.open({
    auditFile: config.audit_log.file,
    store,
    events: deps.events,
    ledger: deps.ledger,
    clock,
    meter,
    log,
  }).catch(async (error: unknown) => {
    await store.close()
    throw error
  })
  const responder = await Responder.open({ ...deps, config, clock }).catch(async (error: unknown) => {
    await recorder.close()
    throw error
  })
  const setup: PlaneSetup = {
    config,
    detection: deps.detection,
    only: deps.only,
    counters,
    answers: responder.snapshot(),
    listener: name,
    host,
    port: threads > 1 && port === 0 ? await freePort(host) : port,
    sharePort: threads > 1,
  }
  let server: PlaneServer
  try {
    server =
      threads === 1
        ? await startPlane(setup, { clock, meter, log, sink: recorder })
        : await PlaneThreads.start(
            Array.from({ length: threads }, (_, thread) => ({
              thread,
              plane: setup,
              telemetry: deps.telemetryConfig,
              version: deps.version,
              logLevel: isLogLevel(log.level) ? log.level : 'info',
            })),
            recorder,
            log,
          )
  } catch (error) {
    await responder.close()
    await recorder.close()
    throw error
  }
  responder.serve(server)
  let closing: Promise<void> | undefined
  return {
    address: server.address,
    listener: name,
    why,
    limits: server.limits,
    threads,
    effectiveModes: server.modes,
    checks: {
      records: () => recorder.problem(),
      threads: () =>
        server instanceof PlaneThreads && server.serving < threads
          ? `${server.serving} of ${threads} threads serve`
          : undefined,
    },
    metrics: async () =>
      server instanceof PlaneThreads
        ? mergeExposition([await telemetry.expose(), await server.expose()])
        : telemetry.expose(),
    reopen: () => recorder.reopen(),
    flush: () => recorder.flush(),
    settled: () => responder.settled(),
    close: () => {
      closing ??= responder
        .close()
        .then(() => server.close(config.timeouts.shutdown * 1000))
        .then(() => recorder.close())
      return closing
    },
  }
}
