import type { Logger } from '../runtime/log.js'
import type { LoadedConfig } from '../runtime/config.js'
import type { RunningRole } from '../runtime/role.js'
import type { Config } from './config.js'

/** Values of flags as commander gives them: names in camelCase, absent ones undefined. */
export type Flags = Readonly<Record<string, unknown>>

/**
 * What a command gets from `main.ts`. A command throws an error with a `code` for what an operator can mend: it is printed
 * as `CODE: message` without a stack and the process exits 1; {@link UsageError} exits 2.
 */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: NodeJS.ReadableStream
  /** Data. */
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean }
  /** Chatter, progress and errors. */
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
  /** The exit code once the command has returned; 0 when it is never called. */
  setExitCode(code: number): void
  /**
   * The configuration: `--config FILE` under the environment under the flags that stand for keys (`--data`, `--listen`, …;
   * others are left alone).
   */
  loadConfig(flags: Flags): LoadedConfig<Config>
  /** A logger of the configured level that writes to standard error. */
  logger(config: Config, role: string): Logger
  /**
   * Runs a role until it is told to stop: a signal, or the end of the supervisor that started it. `start` resolves when
   * the role serves; when it rejects, the error is reported like a command's.
   */
  runRole(name: string, config: Config, start: (log: Logger) => Promise<RunningRole>): Promise<void>
}

/** The command line itself is wrong: unknown flag, missing argument, contradiction. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code = 'USAGE'
}
