import { pino } from 'pino'
import type { ScanService } from '../../../scanner/protocols/scan-service.js'
import { scannerConfig } from '../../../scanner/config.js'
import { poolOptions } from '../../../scanner/pool-options.js'
import { ScanPool } from '../../../scanner/pool.js'
import type { FileResult } from '../../../scanner/verdict.js'

/** A pool that judges for the protocols, and what was found so far. */
export async function scanService(
  t: { teardown(end: () => Promise<void>): void },
  maxStreamSize = 1024 * 1024,
  config: object = {},
): Promise<ScanService & { readonly found: FileResult[] }> {
  const options = poolOptions(scannerConfig.parse({ jobs: 1, ...config }))
  const pool = await ScanPool.start(options)
  t.teardown(() => pool.close())
  const found: FileResult[] = []
  return {
    pool,
    version: '9',
    maxStreamSize,
    ruleSetVersion: () => '0123456789abcdef0123456789abcdef',
    log: pino({ level: 'silent' }),
    found,
    async report(result) {
      found.push(result)
    },
    async reload() {
      await pool.reload(options)
      return true
    },
    observed: {
      problems: async () => ({}),
      metrics: async () => 'portcullis_metric 1\n',
      health: () => ({ paused: false }),
    },
  }
}
