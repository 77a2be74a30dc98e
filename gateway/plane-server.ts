import { readFileSync, statSync } from 'node:fs'

import type { DetectionConfig } from '../detectors/config.js'
import type { PhaseReport } from '../detectors/modes.js'
import type { Clock } from '../detectors/ports.js'
import type { PhaseName } from '../detectors/verdict.js'
import { messageOf } from '../runtime/errors.js'
import type { Logger } from '../runtime/log.js'
import type { AnswerSnapshot } from './answers/answer.js'
import type { GatewayConfig } from './config.js'
import type { CounterMemory } from './counters.js'
import { SharedCounterStore } from './counters.js'
import type { RecordSink } from './data-plane.js'
import { DataPlane } from './data-plane.js'
import { GatewayError } from './errors.js'
import { listen } from './listener/choose.js'
import type { ListenerName, ListenOptions, ListenTls } from './listener/listener.js'
import type { GatewayMeter } from './meter.js'
import type { PatchFailure } from './sites.js'
import { openSites } from './sites.js'

const OTHERS_MAY_READ = 0o007

/** What a thread needs to serve; structured-cloneable. */
export interface PlaneSetup {
  readonly config: GatewayConfig
  readonly detection: DetectionConfig
  readonly only: readonly PhaseName[] | undefined
  readonly counters: CounterMemory
  /** What holds at the start. */
  readonly answers: AnswerSnapshot
  readonly listener: ListenerName
  readonly host: string
  readonly port: number
  /** Several threads serve this port. */
  readonly sharePort: boolean
}

export interface PlaneServices {
  readonly clock: Clock
  readonly meter: GatewayMeter
  readonly log: Logger
  readonly sink: RecordSink
}

/** A data plane that listens. */
export interface PlaneServer {
  readonly address: { readonly host: string; readonly port: number }
  readonly limits: readonly string[]
  readonly modes: Readonly<Record<string, readonly PhaseReport[]>>
  /**
   * Puts other answers in place of those that held. Resolves when every thread judges by them, with the sites whose
   * patches could not be put in place.
   */
  answer(snapshot: AnswerSnapshot): Promise<readonly PatchFailure[]>
  /** Finishes the requests in flight, at most for `graceMs`, then closes everything. */
  close(graceMs: number): Promise<void>
}

/**
 * Reads certificate and key. The key may be a link, as ACME clients make them, but not readable by everybody.
 *
 * @throws GatewayError `GATEWAY_CONFIG`
 */
const readTls = ({ cert, key, min_version: minVersion }: NonNullable<GatewayConfig['tls']>): ListenTls => {
  try {
    if ((statSync(key).mode & OTHERS_MAY_READ) !== 0)
      throw new Error(`${key} can be read by everybody; take that right away (chmod o-rwx)`)
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8'), minVersion }
  } catch (error) {
    throw new GatewayError('GATEWAY_CONFIG', `tls: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * Starts one data plane: compiles the sites, binds the listener.
 *
 * @throws the errors of `openSites`, ListenerError, GatewayError `GATEWAY_CONFIG`
 */
export const startPlane = async (setup: PlaneSetup, services: PlaneServices): Promise<PlaneServer> => {
  const { config, detection, only } = setup
  const { clock, meter, log, sink } = services
  const counters = new SharedCounterStore(setup.counters)
  const sites = await openSites({
    config,
    detection,
    only,
    clock,
    counters,
    // Timings are for spans; when those go nowhere nothing is measured.
    monotonic: meter.telemetry.tracer.listening ? () => performance.now() * 1e6 : undefined,
    warn: (message) => log.warn(message),
  })
  for (const { site, reason } of sites.answer(setup.answers))
    log.error({ site }, `the virtual patches of the site do not hold: ${reason}`)
  const plane = new DataPlane({ config, sites: sites.table, clock, meter, log, sink })
  const options: ListenOptions = {
    host: setup.host,
    port: setup.port,
    ...(setup.sharePort ? { sharePort: true } : {}),
    ...(config.tls === undefined ? {} : { tls: readTls(config.tls) }),
    timeouts: {
      headersMs: Math.ceil(config.timeouts.headers * 1000),
      idleMs: Math.ceil(config.timeouts.idle * 1000),
      bodyIdleMs: Math.ceil(config.timeouts.body * 1000),
    },
    minBodyRate: config.limits.body_rate,
    maxHeaderBytes: config.limits.header_bytes,
    maxMessageBytes: config.limits.message_bytes,
    onExchange: plane.onExchange,
    onUpgrade: plane.onUpgrade,
    onMalformed: plane.onMalformed,
    onFailure: plane.onFailure,
  }
  let listener
  try {
    listener = await listen(setup.listener, options)
  } catch (error) {
    await sites.close(0)
    throw error
  }
  const bound = listener
  return {
    address: bound.address,
    limits: bound.limits,
    modes: sites.modes,
    answer: async (snapshot) => sites.answer(snapshot),
    close: async (graceMs) => {
      const closing = bound.close(graceMs)
      plane.closeUpgrades()
      await closing
      await sites.close(0)
      plane.close()
    },
  }
}
