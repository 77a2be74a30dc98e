import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { loadConfig } from '../runtime/config.js'
import { createLogger } from '../runtime/log.js'
import { packageRoot } from '../runtime/package-root.js'
import { runRole } from '../runtime/role.js'
import { configSchema } from './config.js'
import type { Config } from './config.js'
import type { CliContext, Flags } from './context.js'
import { flagOverrides } from './flags.js'

const readVersion = (): string => {
  const manifest: unknown = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : '0'
}

/** The version of the product. */
export const version = readVersion()

/** A context together with the exit code that commands left in it. */
export interface OwnContext extends CliContext {
  exitCode(): number
}

/** What commands see of a process. */
export const createContext = ({
  env,
  stdin,
  stdout,
  stderr,
}: Pick<CliContext, 'env' | 'stdin' | 'stdout' | 'stderr'>): OwnContext => {
  let exitCode = 0
  const logger = (config: Config, role: string) => createLogger({ level: config.log.level, role })
  return {
    env,
    stdin,
    stdout,
    stderr,
    setExitCode: (code) => (exitCode = code),
    exitCode: () => exitCode,
    loadConfig: (flags: Flags) =>
      loadConfig(configSchema, {
        file: typeof flags.config === 'string' ? flags.config : undefined,
        env,
        flags: flagOverrides(flags),
      }),
    logger,
    runRole: (name, config, start) => {
      const log = logger(config, name)
      return runRole({ name, log, stopMs: config.supervisor.stop_seconds * 1000, start: () => start(log) })
    },
  }
}
