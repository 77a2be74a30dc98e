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

/** The process as commands see it, and the exit code that they leave. */
export const processContext = (): CliContext & { readonly exitCode: () => number } => {
  let exitCode = 0
  const logger = (config: Config, role: string) => createLogger({ level: config.log.level, role })
  return {
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    setExitCode: (code) => (exitCode = code),
    exitCode: () => exitCode,
    loadConfig: (flags: Flags) =>
      loadConfig(configSchema, {
        file: typeof flags.config === 'string' ? flags.config : undefined,
        env: process.env,
        flags: flagOverrides(flags),
      }),
    logger,
    runRole: (name, config, start) => {
      const log = logger(config, name)
      return runRole({ name, log, stopMs: config.supervisor.stop_seconds * 1000, start: () => start(log) })
    },
  }
}
