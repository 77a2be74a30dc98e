import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { messageOf } from '../runtime/errors.js'
import type { ScannerConfig } from './config.js'
import { Journal, type FileState } from './journal.js'
import { poolOptions } from './pool-options.js'
import { ScanPool } from './pool.js'
import { serveProtocols } from './protocols/serve.js'
import { Vault, type StoredItem } from './quarantine/vault.js'
import { recordFinding, type Record } from './record.js'
import { ruleSetVersion } from './rule-set-version.js'
import { scanTree } from './scan-tree.js'
import { withInstalled } from './signatures/with-installed.js'
import { isRead, type FileResult } from './verdict.js'

export interface ScannerDeps extends Record {
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
  const stop = new AbortController()
  const states = new Map<string, FileState>()
  // What the pass before could not settle, and why: each pass tries it again, but only a new reason is a new finding.
  let unsettled: ReadonlyMap<string, string> = new Map()
  let stillUnsettled = new Map<string, string>()

  const report = async (result: FileResult, item?: StoredItem): Promise<void> => {
    log.warn({ ...result, quarantine: item?.id }, 'file found')
    await recordFinding(deps, result, item)
  }

  const onResult = async (result: FileResult, path: Buffer): Promise<void> => {
    // What the stop itself cut short is read again by the next start.
    if (stop.signal.aborted) return
    const name = path.toString('latin1')
    const state = states.get(name)
    states.delete(name)
    // Only once a finding is durable and its file dealt with: what a crash cuts off is judged again.
    const settle = (): void => {
      if (state) journal.settle(path, state)
    }
    if (result.verdict === 'clean' || result.verdict === 'skipped') {
      settle()
      return
    }
    let item: StoredItem | undefined
    if (result.verdict === 'malicious' && config.quarantine && isRead(result))
      try {
        item = await vault.store(
          path,
          result,
          result.reasons.map((reason) => reason.rule),
        )
      } catch (error) {
        log.error({ err: error, path: result.path }, 'quarantine failed, the file is still in its place')
      }
    const stuck = result.verdict === 'error' || (result.verdict === 'malicious' && config.quarantine && !item)
    if (stuck) {
      const why = `${result.verdict}:${result.reasons.map((reason) => reason.rule).join()}`
      const isKnown = unsettled.get(name) === why
      if (!isKnown) await report(result)
      stillUnsettled.set(name, why)
    } else {
      await report(result, item)
      settle()
    }
  }

  /** What was judged once is read again only when it changed. */
  const shouldRead = async (path: Buffer): Promise<boolean> => {
    const state = await journal.look(path)
    if (state === 'known') return false
    states.set(path.toString('latin1'), state)
    return true
  }

  const passes = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        stillUnsettled = new Map()
        await scanTree(pool, config.watch, { shouldRead, signal: stop.signal }, onResult)
        unsettled = stillUnsettled
        await journal.flush()
      } catch (error) {
        log.error({ err: error }, `a pass over the watched folders failed: ${messageOf(error)}`)
      } finally {
        states.clear()
      }
      await pause(config.interval_seconds * 1000, undefined, { signal: stop.signal }).catch(() => undefined)
    }
  }
  const servers = await serveProtocols(config, {
    pool,
    version: deps.version,
    maxStreamSize: config.max_stream_size,
    log,
    ruleSetVersion: () => judgedBy,
    report: (result) => report(result),
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
  const running = config.watch.length > 0 ? passes() : Promise.resolve()
  const { addresses } = servers
  log.info(
    { watch: config.watch, quarantine: config.quarantine, jobs: pool.options.jobs, ...addresses },
    'scanner ready',
  )

  return {
    addresses,
    async close() {
      stop.abort()
      await servers.close()
      await pool.close()
      await running
      await journal.close()
    },
  }
}
