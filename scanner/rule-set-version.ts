import { createHash } from 'node:crypto'
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { PoolOptions } from './pool.js'

/**
 * A name for all that a verdict follows from but the file: rules, lists, limits and the product. Two pools of one version
 * judge alike; a rule file that is written anew makes another, even with the same rules.
 */
export function ruleSetVersion(options: PoolOptions, product: string): string {
  const {
    hashLists,
    allowLists,
    yaraRules,
    models,
    blocked,
    jobs: _,
    processPriority: __,
    ...settings
  } = options
  const hash = createHash('sha256').update(JSON.stringify([product, settings, [...blocked]]))
  for (const path of [...hashLists, ...allowLists, ...yaraRules, ...models]) addFile(path)
  return hash.digest('hex').slice(0, 32)

  function addFile(path: string): void {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    hash.update(`\n${path}:${stat?.dev}:${stat?.ino}:${stat?.size}:${stat?.mtimeNs}:${stat?.ctimeNs}`)
    if (stat?.isDirectory()) for (const name of readdirSync(path).sort()) addFile(join(path, name))
  }
}
