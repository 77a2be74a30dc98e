import { dirname } from 'node:path'
import type { Logger } from 'pino'
import type { Observed } from '../runtime/admin.js'
import type { Topic } from '../runtime/outbox.js'
import type { ReadinessCheck } from '../runtime/role.js'
import type { Telemetry } from '../runtime/telemetry/telemetry.js'
import type { ScannerConfig } from './config.js'
import { pausedSince, setPaused } from './control/pause-file.js'
import { serveControl } from './control/server.js'
import { Findings } from './findings.js'
import { Journal } from './journal.js'
import { measure, stateOf, type ObservedParts, type ScannerState } from './observation.js'
import { Pace } from './pace.js'
import { ScanPool } from './pool.js'
import { serveProtocols } from './protocols/serve.js'
import { Vault } from './quarantine/vault.js'
import type { Record } from './record.js'
import { startResponse } from './response/serve.js'
import { RulesInForce } from './rules-in-force.js'
import { Schedule } from './schedule.js'
import { Watcher } from './watch/watcher.js'

export interface ScannerDeps extends Record {
  /** Topic `commands.scanner`. */
  readonly commands: Topic
  readonly config: ScannerConfig
  /** `<data>/scanner`. */
  readonly folder: string
  readonly log: Logger
  /** Version of the product. */
  readonly version: string
  /** Where its numbers go; without it they are not kept. */
  readonly telemetry?: Pick<Telemetry, 'metrics' | 'expose'>
}

export interface Scanner {
  /** Where it serves, by protocol. */
  readonly addresses: { readonly [protocol: string]: string }
  readonly state: ScannerState
  readonly checks: Readonly<globalThis.Record<string, ReadinessCheck>>
  /** Loads rules and lists anew. @returns whether it worked; otherwise those before stay in force */
  reload(): Promise<boolean>
  /** Ends the pass under way and the workers. */
  close(): Promise<void>
}

/**
 * Starts the daemon: watched folders are judged when they change and again and again, findings recorded and, if so configured,
 * quarantined, and what other programs send is judged.
 */
export async function startScanner(deps: ScannerDeps): Promise<Scanner> {
  const open: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const end of open.splice(0).toReversed()) await end()
  }
  try {
    return await start(deps, open, close)
  } catch (error) {
    await close()
    throw error
  }
}

/** @param open takes how to end what was started, in the order in which it was */
async function start(
  deps: ScannerDeps,
  open: (() => Promise<void>)[],
  close: () => Promise<void>,
): Promise<Scanner> {
  const { config, folder, log } = deps
  const vault = await Vault.open(folder, deps.now)
  const rules = await RulesInForce.find({ config, folder, product: deps.version, now: deps.now, log })
  const journal = Journal.open(folder, rules.version)
  open.push(() => journal.close())
  const pool = await ScanPool.start(rules.options)
  open.push(() => pool.close())
  const pace = new Pace(config.budget.max_cores)
  let since = pausedSince(folder)
  if (since !== undefined) {
    pace.pause()
    log.warn({ since: new Date(since) }, 'routine scanning is paused (portcullis scanner resume)')
  }
  const findings = new Findings({
    ...deps,
    vault,
    quarantine: config.quarantine,
    dryRun: config.response.dry_run,
  })
  const watcher = new Watcher({
    pool,
    journal,
    findings,
    pace,
    folder,
    except: Buffer.from(dirname(folder)),
    watch: config.watch,
    intervalMs: config.interval_seconds * 1000,
    version: () => rules.version,
    log,
  })
  // What the old rules have judged is looked at again, also in folders in which nothing changes.
  rules.follow(pool, journal, () => watcher.requestPass())
  open.push(() => rules.close())
  const schedule = new Schedule(
    config.schedules,
    ({ paths, read }) => watcher.scan(paths, { all: read === 'all' }),
    log,
  )
  const parts: ObservedParts = { pool, pace, rules, watcher, schedule, pausedSince: () => since }
  const checks = { workers: () => pool.ended }
  if (deps.telemetry) measure(deps.telemetry.metrics, parts)
  const observed: Observed = {
    problems: async () => (pool.ended === undefined ? {} : { workers: pool.ended }),
    metrics: async () => (await deps.telemetry?.expose()) ?? '',
    health: () => stateOf(parts),
  }
  const control = await serveControl(
    folder,
    {
      status: () => stateOf(parts),
      async pause() {
        since ??= deps.now()
        await setPaused(folder, since)
        pace.pause()
        log.warn('routine scanning is paused')
      },
      async resume() {
        await setPaused(folder, undefined)
        since = undefined
        pace.resume()
        log.info('routine scanning goes on')
      },
    },
    log,
  )
  open.push(() => control.close())
  const { addresses, ...servers } = await serveProtocols(config, {
    pool,
    version: deps.version,
    maxStreamSize: config.max_stream_size,
    log,
    ruleSetVersion: () => rules.version,
    report: (result) => findings.report(result),
    reload: () => rules.reload(),
    observed,
  })
  open.push(() => servers.close())
  const response = await startResponse({
    ...deps,
    policy: config.response,
    vault,
    pool,
    onBlocked: () => rules.blockedChanged(),
  })
  open.push(() => response.close())
  watcher.start()
  // Begins to end first, so that what the end of the pool cuts short is known as such.
  open.push(async () => {
    const watching = Promise.all([watcher.close(), schedule.close()])
    await pool.close()
    await watching
  })
  log.info(
    { watch: config.watch, quarantine: config.quarantine, jobs: pool.options.jobs, ...addresses },
    'scanner ready',
  )
  return {
    addresses,
    get state() {
      return stateOf(parts)
    },
    checks,
    reload: () => rules.reload(),
    close,
  }
}
