import { dirname } from 'node:path'
import type { Logger } from 'pino'
import type { Topic } from '../runtime/outbox.js'
import type { ScannerConfig } from './config.js'
import { Findings } from './findings.js'
import { Journal } from './journal.js'
import { Pace } from './pace.js'
import { poolOptions } from './pool-options.js'
import { ScanPool } from './pool.js'
import { serveProtocols } from './protocols/serve.js'
import { Vault } from './quarantine/vault.js'
import type { Record } from './record.js'
import { startResponse } from './response/serve.js'
import { ruleSetVersion } from './rule-set-version.js'
import { withInstalled } from './signatures/with-installed.js'
import { Watcher, type WatchState } from './watch/watcher.js'

export interface ScannerDeps extends Record {
  /** Topic `commands.scanner`. */
  readonly commands: Topic
  readonly config: ScannerConfig
  /** `<data>/scanner`. */
  readonly folder: string
  readonly log: Logger
  /** Version of the product. */
  readonly version: string
}

export interface Scanner {
  /** Where it serves, by protocol. */
  readonly addresses: { readonly [protocol: string]: string }
  readonly watching: WatchState
  /** Ends the pass under way and the workers. */
  close(): Promise<void>
}

/** Starts the daemon: watched folders are scanned again and again, findings recorded and, if so configured, quarantined. */
export async function startScanner(deps: ScannerDeps): Promise<Scanner> {
  const { config, log } = deps
  const vault = await Vault.open(deps.folder, deps.now)
  const options = poolOptions(await withInstalled(config, deps.folder))
  let judgedBy = ruleSetVersion(options, deps.version)
  const journal = Journal.open(deps.folder, judgedBy)
  const pool = await ScanPool.start(options).catch(async (error: unknown) => {
    await journal.close()
    throw error
  })
  const pace = new Pace(config.budget.max_cores)
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
    folder: deps.folder,
    except: Buffer.from(dirname(deps.folder)),
    watch: config.watch,
    intervalMs: config.interval_seconds * 1000,
    version: () => judgedBy,
    log,
  })
  const servers = await serveProtocols(config, {
    pool,
    version: deps.version,
    maxStreamSize: config.max_stream_size,
    log,
    ruleSetVersion: () => judgedBy,
    report: (result) => findings.report(result),
    async reload() {
      try {
        await pool.reload(poolOptions(await withInstalled(config, deps.folder)))
        judgedBy = ruleSetVersion(pool.options, deps.version)
        journal.setVersion(judgedBy)
        log.info('rules and lists were loaded anew')
      } catch (error) {
        log.error({ err: error }, 'rules and lists were not loaded anew, the old ones stay')
      }
    },
  }).catch(async (error: unknown) => {
    await pool.close()
    await journal.close()
    throw error
  })
  const response = await startResponse({
    ...deps,
    policy: config.response,
    vault,
    pool,
    onBlocked() {
      judgedBy = ruleSetVersion(pool.options, deps.version)
      journal.setVersion(judgedBy)
      watcher.requestPass()
    },
  })
  watcher.start()
  const { addresses } = servers
  log.info(
    { watch: config.watch, quarantine: config.quarantine, jobs: pool.options.jobs, ...addresses },
    'scanner ready',
  )

  return {
    addresses,
    get watching() {
      return watcher.state
    },
    async close() {
      const watching = watcher.close()
      await servers.close()
      await response.close()
      await pool.close()
      await watching
      await journal.close()
    },
  }
}
