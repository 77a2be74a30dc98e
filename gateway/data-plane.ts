import type { MaskMode } from '../detectors/mask.js'
import type { Clock } from '../detectors/ports.js'
import type { HeaderList } from '../detectors/request.js'
import { codeOf, messageOf } from '../runtime/errors.js'
import type { Logger } from '../runtime/log.js'
import type { ClientAddress } from './client-address.js'
import { clientAddressReader } from './client-address.js'
import type { GatewayConfig } from './config.js'
import type { DecodeLimits } from './content-coding.js'
import { ExchangeLife } from './exchange.js'
import type { Exchange, MalformedInfo, UpgradeExchange } from './listener/listener.js'
import type { MalformedReport } from './malformed-reports.js'
import { MalformedReports } from './malformed-reports.js'
import type { GatewayMeter } from './meter.js'
import { finalVerdict } from './refusal.js'
import { RepeatedLog } from './repeated-log.js'
import type { SiteTable } from './site.js'
import type { Transaction } from './transaction.js'
import { UpgradeLife } from './upgrade.js'
import { verdictRecord } from './verdict-record.js'
import type { WrittenRecord } from './written-record.js'
import { writeRecord } from './written-record.js'

/** Where a data plane hands over what has to be kept; the receiver never makes a request wait. */
export interface RecordSink {
  verdict(written: WrittenRecord): void
  malformed(report: MalformedReport): void
}

export interface DataPlaneOptions {
  readonly config: GatewayConfig
  readonly sites: SiteTable
  readonly clock: Clock
  readonly meter: GatewayMeter
  readonly log: Logger
  readonly sink: RecordSink
}

/**
 * What one thread needs to serve requests: sites with their pipelines and upstreams, limits, and a sink for records. Its
 * three methods are what a listener calls.
 */
export class DataPlane {
  readonly sites: SiteTable
  readonly clock: Clock
  readonly meter: GatewayMeter
  readonly config: GatewayConfig
  readonly decodeLimits: DecodeLimits
  readonly clientAddress: (peer: string, headers: HeaderList) => ClientAddress
  readonly #mask: MaskMode
  readonly #log: Logger
  readonly #sink: RecordSink
  readonly #repeated: RepeatedLog
  readonly #malformed: MalformedReports
  readonly #upgrades = new Set<UpgradeLife>()

  constructor({ config, sites, clock, meter, log, sink }: DataPlaneOptions) {
    this.config = config
    this.sites = sites
    this.clock = clock
    this.meter = meter
    this.decodeLimits = { maxBytes: config.limits.decoded_body, maxRatio: config.limits.decode_ratio }
    this.clientAddress = clientAddressReader(config.trusted_proxies)
    this.#mask = config.audit_log.mask
    this.#log = log
    this.#sink = sink
    this.#repeated = new RepeatedLog(log)
    this.#malformed = new MalformedReports((report) => sink.malformed(report))
  }

  readonly onExchange = (exchange: Exchange): void => {
    try {
      new ExchangeLife(this, exchange).start()
    } catch (error) {
      // Nothing could be opened for it; what was not judged does not pass.
      this.fault(error)
      exchange.destroy()
    }
  }

  readonly onUpgrade = (exchange: UpgradeExchange): void => {
    try {
      const life = new UpgradeLife(this, exchange, () => this.#upgrades.delete(life))
      this.#upgrades.add(life)
      life.start()
    } catch (error) {
      this.fault(error)
      exchange.destroy()
    }
  }

  readonly onMalformed = (info: MalformedInfo): void => {
    this.meter.malformed(info.count)
    this.#malformed.add(info)
  }

  /** A callback of ours threw; its exchange is cut already. */
  readonly onFailure = (error: unknown): void => this.fault(error)

  /** Ends a transaction whose answer is known: measures and, unless it was a plain allow, records it. */
  finish(transaction: Transaction, status: number): void {
    const result = transaction.inspection.end()
    const verdict = finalVerdict(result.verdict, transaction.refusal)
    this.meter.finished(transaction, verdict, result, status)
    const record = verdictRecord(transaction, result, status, this.#mask)
    if (record !== undefined) this.#sink.verdict(writeRecord(record, transaction.startedAt))
  }

  /** An upstream that did not answer. */
  upstreamFailed(site: string, status: number, code: string, message: string): void {
    this.meter.upstreamFailed(status)
    this.#repeated.warn(`${code} ${site}`, { code, site, status }, `upstream: ${message}`)
  }

  /** A fault of ours, met while a request was handled. */
  fault(error: unknown): void {
    const code = codeOf(error) ?? 'GATEWAY_FAULT'
    this.#repeated.warn(
      `${code} ${messageOf(error)}`,
      { code, stack: error instanceof Error ? error.stack : undefined },
      `a request failed inside the gateway: ${messageOf(error)}`,
    )
  }

  /** Open WebSockets have no end of their own: they are told to go, then cut. */
  closeUpgrades(): void {
    for (const life of this.#upgrades) life.goAway()
  }

  close(): void {
    this.#malformed.flush()
    this.#repeated.flush()
    this.#log.flush()
  }
}
