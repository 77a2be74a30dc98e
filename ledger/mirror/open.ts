import type { MysqlConfig } from './config.js'
import { mysqlOptions } from './mysql-connection.js'
import { MysqlStore } from './mysql-store.js'

/** Opens the database that `ledger.mysql` names, for the log of an origin, or for any. */
export type OpenMirror = (origin?: string) => Promise<MysqlStore>

export function mirrorOpener(
  config: MysqlConfig,
  env: Readonly<Record<string, string | undefined>>,
): OpenMirror {
  return async (origin) => MysqlStore.open(await mysqlOptions(config, env), origin)
}
