import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { rulesFolder } from '../runtime/package-root.js'
import type { ScannerConfig } from './config.js'
import type { PoolOptions } from './pool.js'

/** What the configuration means for a pool: our own rules and lists first, then the operator's. */
export function poolOptions(config: ScannerConfig): PoolOptions {
  const own = (...segments: string[]): string[] =>
    config.builtin_rules ? [join(rulesFolder, ...segments)] : []
  return {
    jobs: config.jobs ?? availableParallelism(),
    fileTimeoutMs: config.file_timeout_seconds * 1000,
    maxFileSize: config.max_file_size,
    hashLists: [...own('hashes', 'test-files.txt'), ...config.hash_lists],
    allowLists: config.allow_lists,
    blocked: new Map(),
    yaraRules: [...own('yara'), ...config.yara_rules],
    yaraEngine: config.yara_engine,
    policy: config.policy,
    raw: config.raw,
    models: config.model ? own('models', 'php-web-shell') : [],
    archives: config.archives,
  }
}
